#include "cli/commands/exports_topic.hpp"

namespace nas::cli {

std::string exports_topic() {
  return R"(Exported networks (nas export, evaluate, reproduce, train)

  nas export --run digits --pick best --out model --format onnx,json
  nas evaluate model/model.onnx --split test
  nas reproduce model/model.onnx
  nas train --from-scratch best --run digits-search --name winner

Files

  model.ts           TorchScript, for torch.jit.load in C++ and Python
  model.onnx         ONNX, for onnxruntime, TensorRT, OpenVINO and the like
  model.safetensors  tensors by name
  model.json         what the network is, all that is done to an image, how it
                     was made; the other files hold the same inside

Each holds the subnet's own weights alone. --format chooses (default: all but
onnx). A fresh process runs model.ts and model.onnx before they get their
names, and compares with the subnet inside the supernet: model.ts to the last
bit, with --fold-bn and in ONNX within 1e-4 of the largest logit, the tensors
to the last bit.

ONNX

--opset 13 to 17 (default 17). Input `image` [batch, channels, height, width],
output `logits` [batch, classes]; the batch is free. Values are pixel / 255,
minus mean, divided by std. Where the resolution is a choice of the space the
network takes images of the data's size and resizes them inside, by two
matrices that do what training did. metadata_props hold architecture, space,
run, mean, std, classes and, as nas.json, what model.json says. Tensors lie in
raw_data; a file holds 2 GB at most, and a larger network is refused.

  session = onnxruntime.InferenceSession("model.onnx")
  logits, = session.run(None, {"image": images})

Judged again

nas evaluate FILE opens the data that the network was made for, compares their
hashes, and judges the file on a split: the number that nas evaluate --run
--pick says, without the store. --set data.path=FOLDER says where the data lie
now. ONNX files are run by the definitions of their operators on LibTorch's
kernels, so that no other runtime is needed.

Made again

nas reproduce FILE prints a script: the configurations of training and search
with every default written out, the commands, the versions, threads and device
it was made with, and what it needs that is not in the file (data, published
weights, latency tables) with its hash. The same version on the same kind of
processor makes the same bits. The script ends with

  nas reproduce FILE --compare model

which says what is the same and what differs; exit code 1 where the tensors do.

Trained alone

A subnet is seldom as good as the same network trained alone:

  nas train --from-scratch best --run SEARCH          from new weights
  nas train --from-scratch ARCH --config FILE
  nas train --inherit SEARCH --pick knee              from the supernet's
  nas train --inherit RUN --arch ARCH

Without --config the recipe is that of the supernet: data, optimizer, epochs,
augmentation; --set changes it. What it says of many networks (strategy,
weights, train.fix, train.budget) is left out. The run has strategy `fixed`,
keeps recipe.yaml in its folder, a configuration as it stands, and is judged
and exported with --arch, as its end says.)";
}

}  // namespace nas::cli
