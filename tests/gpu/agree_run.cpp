// Two runs are compared by what a checkpoint holds after the last step: weights, momenta and random
// streams of every set, whatever the strategy did in between. Weight decay and clipping are off, so
// that momenta are sums of gradients.
#include "agree_run.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "supernet/files/checkpoint.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/trainer.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with its owner.
struct Folder {
  Folder() : path(fs::temp_directory_path() / ("nas-agree-" + std::to_string(getpid()))) {
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  fs::path path;
};

YamlSource source_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return source;
}

std::unique_ptr<Space> space_of(const std::string& text) {
  return text.find(':') == std::string::npos ? load_space(text) : make_space(source_of(text));
}

TrainOptions options_of(const AgreeCase& c, const Where& where) {
  TrainOptions o;
  o.epochs = 3;
  o.batch = c.batch;
  o.precision = where.precision;
  o.memory_format = where.layout;
  o.optimizer.lr = 0.02;
  o.optimizer.weight_decay = 0;
  o.optimizer.untouched = Untouched::kDecay;
  o.validation.every = 0;
  o.checkpoint.epochs = 0;
  return o;
}

void take(Trained& to, const Checkpoint& c, const std::string& set) {
  for (const auto& [name, tensor] : c.tensors) {
    if (name.starts_with("model/")) to.weights[set + name] = tensor;
    if (name.starts_with("optimizer/") && name.ends_with("#first"))
      to.gradients[set + name] = tensor;
  }
}

void hash(Trained& t) {
  std::map<std::string, at::Tensor> all = t.weights;
  for (const auto& [name, tensor] : t.gradients) all[name] = tensor;
  t.sha256 = hash_tensors(all);
}

/// Loss of each step until `steps` are done; the checkpoint that stopping writes.
std::string run_steps(const AgreeCase& c,
                      const Where& where,
                      const std::string& folder,
                      std::vector<double>& losses) {
  const auto space = space_of(c.space);
  DataOptions data_options;
  data_options.limit = c.images;
  const auto dataset = open_dataset(data_options);
  const Splits splits = make_splits(*dataset, data_options);
  const RunData data{
      *dataset, splits, normalisation_of(*dataset, splits.train, data_options), data_options};
  const TrainOptions options = options_of(c, where);
  const Placement place{where.dtype, where.device, where.layout == Layout::kChannelsLast};
  Binder::Raw section;
  section.yaml = c.weights;
  const Weights weights = make_weights({*space, 0, place, options}, section);
  const YamlSource strategy_text = source_of(c.strategy);
  const std::string name = yaml_scalar(strategy_text, "name").value();
  const auto images = static_cast<int64_t>(splits.train.size());
  const auto strategy = make_strategy(
      name, {*space, 0, options.epochs, images, options.batch, options}, strategy_text);
  TrainHooks hooks;
  hooks.loss_interval = 1;
  int done = 0;
  hooks.on_step = [&](int64_t, int64_t, double loss) { losses.push_back(loss); };
  hooks.stop = [&] { return ++done == c.steps; };
  Trainer trainer(TrainSetup{
      .space = *space,
      .store = *weights.store,
      .strategy = *strategy,
      .data = data,
      .options = options,
      .evaluate = EvaluateOptions(),
      .device = where.device,
      .folder = folder,
      .identity = {"space", "config", "split"},
      .hooks = hooks,
      .curriculum = weights.curriculum.get(),
      .make_strategy = [&](const Stage& stage) {
        return make_strategy(
            name,
            {*space, 0, stage.epochs, images, options.batch, options, stage.scope, stage.within},
            strategy_text);
      }});
  try {
    trainer.run();
  } catch (const Interrupted&) {
    return trainer.last_checkpoint();
  }
  throw std::runtime_error("the run ended before its " + std::to_string(c.steps) + " steps");
}

void compare_names(const std::map<std::string, at::Tensor>& a,
                   const std::map<std::string, at::Tensor>& b) {
  if (a.size() != b.size())
    throw std::runtime_error(std::to_string(a.size()) + " tensors have moved on the device, " +
                             std::to_string(b.size()) + " on the CPU");
  for (const auto& [name, tensor] : a)
    if (!b.contains(name)) throw std::runtime_error("only the device has moved " + name);
}

}  // namespace

Trained train(const AgreeCase& c, const Where& where) {
  const Folder folder;
  Trained result;
  const std::string path = run_steps(c, where, folder.path.string(), result.losses);
  const Checkpoint checkpoint = read_checkpoint(path);
  for (const auto& [name, text] : checkpoint.text)
    if (name.ends_with("rng") || name == "position") result.streams[name] = text;
  const auto files = set_files_of(checkpoint, path);
  if (files.empty()) take(result, checkpoint, "");
  for (const auto& [set, file] : files)
    take(result,
         read_checkpoint((folder.path / file.name).string()),
         "set" + std::to_string(set) + "/");
  hash(result);
  return result;
}

Trained one_pass(const std::string& name, int draw, int64_t batch, const Where& where) {
  const auto space = space_of(name);
  const c10::Device device = torch_device(where.device);
  TrainOptions options;
  options.precision = where.precision;
  const bool last = where.layout == Layout::kChannelsLast;
  const auto set = make_shared_set(*space, 0, torch_type(where.dtype), device, last);
  // Two random streams, the same on every device.
  Rng pixels(0, "agree/pixels"), paths(0, "agree/paths/" + std::to_string(draw));
  TrainBatch b;
  b.images = at::empty({batch, space->input().c, space->input().h, space->input().w}, at::kDouble);
  auto* p = b.images.data_ptr<double>();
  for (int64_t i = 0; i < b.images.numel(); ++i) p[i] = pixels.normal();
  b.images = b.images.to(device, torch_type(where.dtype));
  if (last) b.images = b.images.contiguous(at::MemoryFormat::ChannelsLast);
  b.labels = at::arange(batch, at::kLong).remainder(space->classes()).to(device);
  Step step;
  step.paths.resize(1);
  step.paths[0].architecture = space->sample(paths);
  step.paths[0].regularise = false;
  PathRunner runner(*space, !set->buffers().empty(), options, device, 0);
  std::vector<bool> used(set->parameters().size(), false);
  Trained result;
  result.losses.push_back(runner.run(step, 0, *set, used, b, 1.0, 0, false).item<double>());
  result.streams["architecture"] = space->text(step.paths[0].architecture);
  for (size_t i = 0; i < used.size(); ++i) {
    const NamedTensor& t = set->parameters()[i];
    if (used[i]) result.gradients[t.name] = t.tensor.grad().detach().cpu().contiguous();
  }
  hash(result);
  return result;
}

Distance distance(const Trained& a, const Trained& b) {
  compare_names(a.gradients, b.gradients);
  compare_names(a.weights, b.weights);
  if (a.streams != b.streams)
    throw std::runtime_error("other paths were drawn on the device than on the CPU");
  if (a.losses.size() != b.losses.size() || a.losses.empty())
    throw std::runtime_error("other numbers of steps");
  Distance d;
  for (size_t i = 0; i < a.losses.size(); ++i)
    d.loss = std::max(d.loss, std::abs(a.losses[i] - b.losses[i]) / std::abs(b.losses[i]));
  double apart = 0, all = 0;
  std::vector<std::pair<double, double>> each;
  for (const auto& [name, tensor] : a.gradients) {
    const at::Tensor mine = tensor.to(at::kDouble);
    const at::Tensor other = b.gradients.at(name).to(at::kDouble);
    if (!at::isfinite(mine).all().item<bool>())
      throw std::runtime_error("the gradient of " + name + " is not finite");
    each.emplace_back((mine - other).norm().item<double>(), other.norm().item<double>());
    apart += each.back().first * each.back().first;
    all += each.back().second * each.back().second;
  }
  if (all == 0) throw std::runtime_error("all gradients are 0");
  d.gradient = std::sqrt(apart / all);
  auto name = a.gradients.begin();
  for (const auto& [off, norm] : each) {
    const double relative = off / std::max(norm, 1e-3 * std::sqrt(all));
    if (relative >= d.worst_tensor) {
      d.worst_tensor = relative;
      d.worst_name = name->first;
    }
    ++name;
  }
  return d;
}

}  // namespace nas::test
