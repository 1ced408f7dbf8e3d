// Names are matched one by one, and nothing is written before every tensor has found its place: a
// file that fits in part is a file of another space.
#include "supernet/weights/initial_weights.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <array>
#include <cstdio>
#include <set>
#include <sstream>

#include "spaces/error.hpp"
#include "supernet/files/checkpoint.hpp"
#include "supernet/files/torch_file.hpp"
#include "supernet/train/trainer.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {
namespace {

struct Pair {
  const char *ours, *published;
};
/// Layers of one block.
constexpr Pair kBlock[] = {{"expand.conv.", "inverted_bottleneck.conv."},
                           {"expand.bn.", "inverted_bottleneck.bn."},
                           {"depth.conv.", "depth_conv.conv."},
                           {"depth.bn.", "depth_conv.bn."},
                           {"se.reduce.", "depth_conv.se.fc.reduce."},
                           {"se.expand.", "depth_conv.se.fc.expand."},
                           {"point.conv.", "point_linear.conv."},
                           {"point.bn.", "point_linear.bn."}};

std::string within_block(const std::string& rest) {
  static const std::string kTransform = "weight.transform_";
  for (const auto& [ours, published] : kBlock) {
    if (!rest.starts_with(ours)) continue;
    const std::string last = rest.substr(std::string(ours).size());
    if (last.starts_with(kTransform)) return published + last.substr(kTransform.size()) + "_matrix";
    return published + last;
  }
  return "";
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Versions of the published code wrap layers more or less often; the shortest form.
std::string shortest(std::string name) {
  if (name.starts_with("module.")) name = name.substr(7);
  replace_all(name, ".mobile_inverted_conv.", ".conv.");
  replace_all(name, ".bn.bn.", ".bn.");
  replace_all(name, ".linear.linear.", ".linear.");
  // Wrapped once or twice: `.conv.conv.conv.weight` is the same tensor.
  for (size_t size = 0; size != name.size();) {
    size = name.size();
    replace_all(name, ".conv.conv.weight", ".conv.weight");
  }
  return name;
}

std::string shape_text(const at::Tensor& t) {
  std::ostringstream text;
  text << t.sizes();
  return text.str();
}

/// Blocks per stage, from the names of the store's tensors.
std::vector<int> slots_of(const WeightSet& weights) {
  std::vector<int> slots;
  for (const NamedTensor& p : weights.parameters()) {
    int stage = 0, block = 0;
    if (std::sscanf(p.name.c_str(), "stage%d.block%d.", &stage, &block) != 2) continue;
    if (static_cast<int>(slots.size()) < stage) slots.resize(static_cast<size_t>(stage), 0);
    int& most = slots[static_cast<size_t>(stage - 1)];
    most = std::max(most, block);
  }
  return slots;
}

void load_published(WeightSet& weights, const std::string& path) {
  const c10::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> found;
  for (auto& [name, t] : read_torch_file(path))
    if (!name.ends_with(".num_batches_tracked")) found[shortest(name)] = t;
  const std::vector<int> slots = slots_of(weights);
  bool mixes = false, resnet = false;
  for (const NamedTensor& p : weights.parameters()) {
    mixes = mixes || p.name.starts_with("head.mix.");
    resnet = resnet || p.name.starts_with("stem.conv0.");
  }
  // Nothing is written before everything fits.
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  const auto match = [&](const NamedTensor& target) {
    const std::string name =
        resnet ? ofa_resnet_name(target.name, slots) : ofa_name(target.name, slots, mixes);
    if (name.empty())
      throw DataError(path + ": this space has a tensor '" + target.name +
                      "' that no published once-for-all file has");
    const auto it = found.find(shortest(name));
    if (it == found.end())
      throw DataError(path + ": has no tensor '" + name + "' (here '" + target.name + "')" +
                      (name.ends_with("_matrix") ? "; set the space's kernel_transform to false"
                                                 : "; is it of this space (variant, depths)?"));
    at::Tensor value = it->second;
    if (value.dim() == 4 && target.tensor.dim() == 2 && value.size(2) == 1 && value.size(3) == 1)
      value = value.flatten(1);
    if (value.sizes() != target.tensor.sizes() || !value.is_floating_point())
      throw DataError(path + ": tensor '" + name + "' is " + shape_text(value) + " of " +
                      c10::toString(value.scalar_type()) + ", the space wants " +
                      shape_text(target.tensor) + " ('" + target.name +
                      "'); check width_mult, kernels, expansions, depths and classes");
    if (!at::isfinite(value).all().item<bool>())
      throw DataError(path + ": tensor '" + name +
                      "' holds values that are not finite; the file is damaged or of a training "
                      "that diverged");
    if (name.ends_with("running_var") && value.lt(0).any().item<bool>())
      throw DataError(path + ": tensor '" + name + "' is a variance with negative values");
    copies.emplace_back(target.tensor.detach(), value);
    found.erase(it);
  };
  for (const NamedTensor& p : weights.parameters()) match(p);
  for (const NamedTensor& b : weights.buffers()) match(b);
  if (!found.empty())
    throw DataError(path + ": has " + std::to_string(found.size()) +
                    " tensors that this space does not know, such as '" + found.begin()->first +
                    "'; check depths");
  for (auto& [to, from] : copies) to.copy_(from);
}

}  // namespace

/// `input_stem.1` is a residual block around its convolution.
std::string ofa_resnet_name(const std::string& name, const std::vector<int>& slots) {
  static const std::map<std::string, std::string> kStem{{"stem.conv0.", "input_stem.0."},
                                                        {"stem.conv1.", "input_stem.1.conv."},
                                                        {"stem.conv2.", "input_stem.2."}};
  static const std::map<std::string, std::string> kUnits{{"conv1.", "conv1."},
                                                         {"conv2.", "conv2."},
                                                         {"conv3.", "conv3."},
                                                         {"shortcut.", "downsample."}};
  // Ours are `conv1.weight` and `conv1.bn.weight`; there the convolution has a level of its own.
  const auto inner = [](const std::string& rest) {
    return rest.starts_with("bn.") ? rest : "conv." + rest;
  };
  for (const auto& [ours, published] : kStem)
    if (name.starts_with(ours)) return published + inner(name.substr(ours.size()));
  if (name.starts_with("classifier.")) return "classifier.linear." + name.substr(11);
  int stage = 0, block = 0, length = 0;
  if (std::sscanf(name.c_str(), "stage%d.block%d.%n", &stage, &block, &length) != 2 ||
      length == 0 || stage < 1 || stage > static_cast<int>(slots.size()) || block < 1)
    return "";
  auto index = static_cast<size_t>(block - 1);
  for (int s = 0; s + 1 < stage; ++s) index += static_cast<size_t>(slots[static_cast<size_t>(s)]);
  const std::string rest = name.substr(static_cast<size_t>(length));
  for (const auto& [ours, published] : kUnits)
    if (rest.starts_with(ours))
      return "blocks." + std::to_string(index) + "." + published + inner(rest.substr(ours.size()));
  return "";
}

std::string ofa_name(const std::string& name, const std::vector<int>& slots, bool mixes) {
  const auto after = [&name](const std::string& prefix) -> std::string {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : "";
  };
  const std::string last_layer = mixes ? "final_expand_layer." : "feature_mix_layer.";
  if (const std::string rest = after("stem."); !rest.empty()) return "first_conv." + rest;
  if (const std::string rest = after("head.expand."); !rest.empty()) return last_layer + rest;
  if (const std::string rest = after("head.mix."); !rest.empty())
    return "feature_mix_layer.conv." + rest;
  if (const std::string rest = after("classifier."); !rest.empty())
    return "classifier.linear." + rest;
  size_t index = 0;
  std::string rest = after("first.");
  if (rest.empty()) {
    int stage = 0, block = 0, length = 0;
    if (std::sscanf(name.c_str(), "stage%d.block%d.%n", &stage, &block, &length) != 2 ||
        length == 0)
      return "";
    if (stage < 1 || stage > static_cast<int>(slots.size()) || block < 1) return "";
    index = static_cast<size_t>(block);
    for (int s = 0; s + 1 < stage; ++s) index += static_cast<size_t>(slots[static_cast<size_t>(s)]);
    rest = name.substr(static_cast<size_t>(length));
  }
  const std::string inner = within_block(rest);
  return inner.empty() ? "" : "blocks." + std::to_string(index) + ".conv." + inner;
}

std::string load_initial_weights(const Space& space, WeightSet& weights, const std::string& path) {
  if (!path.ends_with(".safetensors")) {
    load_published(weights, path);
    return "once-for-all checkpoint";
  }
  const Checkpoint c = read_checkpoint(path);
  if (!space.has_fingerprint(c.at("fingerprint")))
    throw DataError(path + ": is a checkpoint of another space than '" + space.name() +
                    "' (sizes, strides, or any other option that changes a network)");
  load_model(weights, c, path);
  return "checkpoint";
}

}  // namespace nas
