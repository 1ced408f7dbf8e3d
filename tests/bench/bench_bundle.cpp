#include "bench_bundle.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "spaces/base/whole_file.hpp"
#include "spaces/domain.hpp"
#include "spaces/registry.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/train/step/path_runner.hpp"

namespace nas::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDrawn = 16;      ///< Networks besides the fixed one.
constexpr int kCompared = 4;    ///< Of which losses and gradients are written.
constexpr int64_t kImages = 4;  ///< That these are computed of.

Json plans_json(const Space& space, const std::vector<Architecture>& all) {
  Json out{{"schema", "nas-bench/1"},
           {"space", space.name()},
           {"classes", space.classes()},
           {"input", {space.input().c, space.input().h, space.input().w}}};
  for (const SupernetTensor& t : space.supernet_tensors())
    out["tensors"].push_back(
        {{"name", t.name},
         {"shape", std::vector<int64_t>(t.full.span().begin(), t.full.span().end())},
         {"buffer", is_buffer(t.role)},
         {"learned_crop", t.learned_crop}});
  for (const Architecture& a : all) out["plans"].push_back(Json::parse(plan_json(space.plan(a))));
  return out;
}

}  // namespace

std::vector<Architecture> architectures(const Space& space, const std::string& fixed) {
  std::vector<Architecture> all;
  all.push_back(fixed.empty() ? Domain(space, {}).largest() : space.parse(fixed));
  Rng rng(0, "bench/paths");
  for (int i = 0; i < kDrawn; ++i) all.push_back(space.sample(rng));
  return all;
}

void write_bundle(const std::string& folder, const std::string& name, const std::string& fixed) {
  const auto space = load_space(name);
  const std::vector<Architecture> all = architectures(*space, fixed);
  std::filesystem::create_directories(folder);
  const std::string path = (std::filesystem::path(folder) / name).string();
  write_whole_file(path + ".json", plans_json(*space, all).dump() + "\n");

  const auto set = make_shared_set(*space, 0);
  TensorFile file;
  for (const NamedTensor& t : set->parameters()) file.tensors[t.name] = t.tensor.detach().clone();
  for (const NamedTensor& t : set->buffers()) file.tensors[t.name] = t.tensor.clone();
  TrainBatch batch;
  Rng pixels(0, "bench/pixels");
  batch.images = at::empty({kImages, space->input().c, space->input().h, space->input().w});
  auto* p = batch.images.data_ptr<float>();
  for (int64_t i = 0; i < batch.images.numel(); ++i) p[i] = static_cast<float>(pixels.normal());
  batch.labels = at::arange(kImages, at::kLong).remainder(space->classes());
  file.tensors["images"] = batch.images;
  file.tensors["labels"] = batch.labels;
  const TrainOptions options;
  PathRunner runner(*space, !set->buffers().empty(), options, c10::Device(c10::kCPU), 0);
  for (int k = 0; k < kCompared; ++k) {
    Step step;
    step.paths.resize(1);
    step.paths[0].architecture = all[static_cast<size_t>(k)];
    step.paths[0].regularise = false;
    std::vector<bool> used(set->parameters().size(), false);
    const std::string number = std::to_string(k);
    file.tensors["loss/" + number] =
        runner.run(step, 0, *set, used, batch, 1.0, k, false).reshape({1});
    runner.clear();
    for (size_t i = 0; i < used.size(); ++i) {
      const NamedTensor& t = set->parameters()[i];
      if (!used[i]) continue;
      file.tensors["gradient/" + number + "/" + t.name] = t.tensor.grad().clone();
      t.tensor.mutable_grad().zero_();
    }
  }
  write_tensor_file(path + ".safetensors", file);
}

}  // namespace nas::bench
