// Channels of a layer are sorted by the L1 norm of the weights that read them, the most important
// first (search.md 2.7), which changes no output: whoever reads a channel is permuted with it.
// Narrower subnets that were trained already take the first channels, so that order is changed only
// between their borders.
#include "supernet/weights/channel_sort.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "spaces/error.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {
namespace {

/// The shared tensor itself: whoever writes to it changes the supernet.
at::Tensor whole(const Plan& plan,
                 const Node& node,
                 const TensorSpec& spec,
                 TensorSource& tensors) {
  const at::Tensor t = tensors.get(plan, node, spec);
  const bool buffer = spec.role == Role::kRunningMean || spec.role == Role::kRunningVar;
  if (!(spec.shape == spec.full) || !t.is_leaf() || (!buffer && !t.requires_grad()))
    throw ConfigError("channels of '" + plan.tensor_name(node, spec.role) +
                          "' cannot be sorted: the weights are not one shared tensor",
                      "set strategy.sort to false");
  return t.detach();
}

/// [channels], double, on the CPU.
at::Tensor importance(const Plan& plan, const ChannelGroup& group, TensorSource& tensors) {
  at::Tensor sum = at::zeros({group.size}, at::kDouble);
  for (const size_t i : group.main) {
    const Node& node = plan.nodes[i];
    TensorSpec specs[kMostTensors];
    tensors_of(node.op, specs);
    const at::Tensor w = whole(plan, node, specs[0], tensors).abs().to(at::kCPU, at::kDouble);
    sum += w.transpose(0, 1).reshape({group.size, -1}).sum(1);
  }
  return sum;
}

std::vector<int64_t> descending(const at::Tensor& importance, const std::set<int32_t>& borders) {
  std::vector<int64_t> order(static_cast<size_t>(importance.numel()));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto* value = importance.data_ptr<double>();
  auto left = order.begin();
  for (const int32_t border : borders) {
    const auto right = order.begin() + border;
    std::stable_sort(left, right, [&](int64_t a, int64_t b) { return value[a] > value[b]; });
    left = right;
  }
  return order;
}

void permute(const Plan& plan,
             const ChannelGroup& group,
             const std::vector<int64_t>& order,
             TensorSource& tensors) {
  const auto move = [&](const Node& node, const TensorSpec& spec, int64_t dim) {
    const at::Tensor t = whole(plan, node, spec, tensors);
    t.copy_(t.index_select(dim, at::tensor(order, at::kLong).to(t.device())));
  };
  TensorSpec specs[kMostTensors];
  for (const size_t i : group.carried) {
    const Node& node = plan.nodes[i];
    const int n = tensors_of(node.op, specs);
    for (int k = 0; k < n; ++k) move(node, specs[k], 0);
  }
  for (const size_t i : group.read) {
    const Node& node = plan.nodes[i];
    tensors_of(node.op, specs);
    move(node, specs[0], 1);
  }
}

/// Widths of channels, as the choices of a space cut them.
class Widths {
 public:
  explicit Widths(const Space& space) : space_(space), largest_(space.largest()) {
    const size_t nodes = space.plan(largest_).nodes.size();
    for (size_t c = 0; c < space.choices().size(); ++c) {
      alone_.emplace_back();
      for (size_t o = 0; o < space.choices()[c].options.size(); ++o) {
        Architecture a = largest_;
        a.genes[c] = static_cast<int16_t>(o);
        Plan plan = space.plan(space.fix_inactive(std::move(a)));
        // Another depth: no choice of widths.
        if (plan.nodes.size() == nodes) alone_[c].push_back(std::move(plan));
      }
    }
  }

  bool cuts(size_t choice, size_t node, int32_t full) const {
    return std::any_of(alone_[choice].begin(), alone_[choice].end(), [&](const Plan& plan) {
      return plan.nodes[node].out.c != full;
    });
  }

  /// Of `node` in all subnets whose choices keep to `trained`.
  std::set<int32_t> of(size_t node,
                       int32_t full,
                       const std::vector<std::vector<int16_t>>& trained) const {
    std::vector<Architecture> subnets = {largest_};
    for (size_t c = 0; c < trained.size(); ++c) {
      if (!cuts(c, node, full)) continue;
      std::vector<Architecture> more;
      for (const Architecture& a : subnets)
        for (const int16_t o : trained[c]) {
          more.push_back(a);
          more.back().genes[c] = o;
        }
      subnets = std::move(more);
    }
    std::set<int32_t> widths = {full};
    for (const Architecture& a : subnets) widths.insert(space_.plan(a).nodes[node].out.c);
    return widths;
  }

 private:
  const Space& space_;
  Architecture largest_;
  std::vector<std::vector<Plan>> alone_;  ///< Of each choice, the options changed one at a time.
};

}  // namespace

int sort_channels(const Space& space,
                  WeightSet& weights,
                  size_t choice,
                  const std::vector<std::vector<int16_t>>& trained) {
  const c10::NoGradGuard no_grad;
  const Architecture largest = space.largest();
  const Plan plan = space.plan(largest);
  const Widths widths(space);
  const std::unique_ptr<TensorSource> tensors = weights.bind(largest);
  int moved = 0;
  for (const ChannelGroup& group : channel_groups(plan)) {
    const size_t node = group.made.front();
    if (!widths.cuts(choice, node, group.size)) continue;
    const std::vector<int64_t> order =
        descending(importance(plan, group, *tensors), widths.of(node, group.size, trained));
    if (std::is_sorted(order.begin(), order.end())) continue;
    permute(plan, group, order, *tensors);
    ++moved;
  }
  return moved;
}

}  // namespace nas
