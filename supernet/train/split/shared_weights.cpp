// A choice's own block is more than the nodes that name it where several choices make one block: a
// MobileNet block has a kernel and an expansion, and parting its kernels leaves out the whole
// block, pointwise convolutions included. A choice belongs to another's block when the two meet in
// a node and every choice that it meets is met there too: the expansion of a block meets nothing
// else, while the depth of a stage meets all of the stage's blocks.
//
// Fixed blocks between searchable ones count as others (the residual blocks of NAS-Bench-201);
// what is fixed inside a searchable block does not (the preprocessing of a DARTS cell), nor do stem
// and classifier.
#include "supernet/train/split/shared_weights.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "supernet/executor.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {
namespace {

using Choices = std::set<int>;

Choices choices_of(const Plan& plan, const Node& node) {
  Choices all;
  for (const Provenance& origin : plan.origins(node))
    if (origin.choice >= 0) all.insert(origin.choice);
  return all;
}

/// The choices that make one block with `choice`, itself included.
Choices block_of(const Plan& plan, int choice) {
  std::map<int, Choices> meets;
  for (const Node& node : plan.nodes) {
    const Choices here = choices_of(plan, node);
    for (const int c : here) meets[c].insert(here.begin(), here.end());
  }
  const Choices& around = meets[choice];
  Choices block = {choice};
  for (const int c : around)
    if (std::includes(around.begin(), around.end(), meets[c].begin(), meets[c].end()))
      block.insert(c);
  return block;
}

/// `cell3` of `cell3.input0.conv`: the block that a node's name begins with.
std::string_view block_name(const Plan& plan, const Node& node) {
  const std::string_view name = plan.name(node);
  return name.substr(0, name.find('.'));
}

}  // namespace

SharedParameters::SharedParameters(WeightSet& weights) : weights_(weights) {
  const std::vector<NamedTensor>& all = weights.parameters();
  for (size_t i = 0; i < all.size(); ++i) index_[all[i].tensor.unsafeGetTensorImpl()] = i;
}

std::vector<SharedParameters::Place> SharedParameters::places(const Plan& plan, size_t choice) {
  const Choices block = block_of(plan, static_cast<int>(choice));
  const size_t n = plan.nodes.size();
  std::vector<Place> places(n, Place::kCommon);
  std::set<std::string_view> searched;
  size_t first = n, last = 0;
  for (size_t i = 0; i < n; ++i) {
    const Choices here = choices_of(plan, plan.nodes[i]);
    if (here.empty()) continue;
    const bool own =
        std::any_of(here.begin(), here.end(), [&](int c) { return block.contains(c); });
    places[i] = own ? Place::kOwn : Place::kOthers;
    searched.insert(block_name(plan, plan.nodes[i]));
    first = std::min(first, i);
    last = i;
  }
  for (size_t i = first; i < last; ++i)
    if (places[i] == Place::kCommon && !searched.contains(block_name(plan, plan.nodes[i])))
      places[i] = Place::kBetween;
  return places;
}

std::vector<bool> SharedParameters::of(const Plan& plan, size_t choice, SharedWeights params) {
  const size_t n = weights_.parameters().size();
  const std::vector<Place> place = places(plan, choice);
  std::vector<bool> own(n, false), counts(n, false);
  std::vector<at::Tensor> leaves;
  for (size_t at = 0; at < plan.nodes.size(); ++at) {
    const Node& node = plan.nodes[at];
    TensorSpec specs[kMostTensors];
    const int count = tensors_of(node.op, specs);
    for (int k = 0; k < count; ++k) {
      if (is_buffer(specs[k].role)) continue;
      leaves.clear();
      weights_.leaves(plan, node, specs[k].role, leaves);
      for (const at::Tensor& leaf : leaves) {
        const size_t i = index_.at(leaf.unsafeGetTensorImpl());
        if (place[at] == Place::kOwn)
          own[i] = true;
        else if (place[at] != Place::kCommon || params == SharedWeights::kOthersAndCommon)
          counts[i] = true;
      }
    }
  }
  for (size_t i = 0; i < n; ++i) counts[i] = counts[i] && !own[i];
  return counts;
}

}  // namespace nas
