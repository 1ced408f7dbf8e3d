#include "bench_bundle.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "spaces/base/whole_file.hpp"
#include "spaces/domain.hpp"
#include "spaces/registry.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/train/step/path_runner.hpp"

namespace nas::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDrawn = 16;         ///< Networks besides the fixed one.
constexpr size_t kSandwiches = 4;  ///< Steps of the sandwich rule.
constexpr int kFair = 3;           ///< Steps of fair paths.
constexpr int kCompared = 4;       ///< Of which losses and gradients are written.
constexpr int64_t kImages = 4;     ///< That these are computed of.

Json plans_json(const Space& space, const Networks& networks) {
  Json out{{"schema", "nas-bench/2"},
           {"space", space.name()},
           {"classes", space.classes()},
           {"input", {space.input().c, space.input().h, space.input().w}}};
  for (const SupernetTensor& t : space.supernet_tensors())
    out["tensors"].push_back(
        {{"name", t.name},
         {"shape", std::vector<int64_t>(t.full.span().begin(), t.full.span().end())},
         {"buffer", is_buffer(t.role)},
         {"learned_crop", t.learned_crop}});
  for (const Architecture& a : networks.all) {
    out["architectures"].push_back(space.text(a));
    out["plans"].push_back(Json::parse(plan_json(space.plan(a))));
  }
  out["steps"] = networks.steps;
  return out;
}

/// Paths in which every option of every choice stands once: a shuffle of each choice. None where
/// that gives no architectures.
std::vector<Architecture> fair_paths(const Space& space, Rng& rng) {
  const size_t options = space.choices().front().options.size();
  for (const Choice& c : space.choices())
    if (c.options.size() != options) return {};
  std::vector<Architecture> paths(options, space.sample(rng));
  for (size_t c = 0; c < space.choices().size(); ++c) {
    std::vector<int16_t> order(options);
    std::iota(order.begin(), order.end(), int16_t{0});
    rng.shuffle(order);
    for (size_t i = 0; i < options; ++i) paths[i].genes[c] = order[i];
  }
  const Domain whole(space, {});
  for (const Architecture& a : paths)
    if (!whole.contains(a)) return {};
  return paths;
}

}  // namespace

Networks networks(const Space& space, const std::string& fixed) {
  Networks n;
  const Domain whole(space, {});
  const auto add = [&n](Architecture a) {
    n.all.push_back(std::move(a));
    return n.all.size() - 1;
  };
  n.steps["fixed"] = {{add(fixed.empty() ? whole.largest() : space.parse(fixed))}};
  Rng rng(0, "bench/paths");
  for (int i = 0; i < kDrawn; ++i) n.steps["uniform"].push_back({add(space.sample(rng))});
  const size_t largest = add(whole.largest()), smallest = add(whole.smallest());
  for (size_t i = 1; i <= 2 * kSandwiches; i += 2)
    n.steps["sandwich"].push_back({largest, smallest, i, i + 1});
  for (int i = 0; i < kFair; ++i) {
    std::vector<size_t> step;
    for (Architecture& a : fair_paths(space, rng)) step.push_back(add(std::move(a)));
    if (!step.empty()) n.steps["fair"].push_back(std::move(step));
  }
  return n;
}

void write_bundle(const std::string& folder, const std::string& name, const std::string& fixed) {
  const auto space = load_space(name);
  const Networks all = networks(*space, fixed);
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
    step.paths[0].architecture = all.all[static_cast<size_t>(k)];
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
