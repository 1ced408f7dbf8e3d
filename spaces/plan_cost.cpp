// MACs, parameters and memory of a plan, in one pass.
#include <algorithm>
#include <vector>

#include "spaces/plan.hpp"
#include "spaces/visit.hpp"

namespace nas {
namespace {

int64_t conv_macs(const Conv2d& conv, const Shape& out) {
  const int64_t depth = conv.groups == 1 ? conv.in : conv.in / conv.groups;
  return out.elements() * depth * conv.kernel * conv.kernel;
}
int64_t linear_macs(const Linear& linear, Counting counting) {
  const bool counts_bias = counting == Counting::kConvLinearBias && linear.bias;
  return int64_t{linear.in} * linear.out + (counts_bias ? linear.out : 0);
}
int64_t params(const Conv2d& conv) {
  const int64_t depth = conv.groups == 1 ? conv.in : conv.in / conv.groups;
  return int64_t{conv.out} * depth * conv.kernel * conv.kernel + (conv.bias ? conv.out : 0);
}
int64_t params(const BatchNorm& bn) {
  return bn.affine ? 2 * int64_t{bn.channels} : 0;
}
int64_t params(const Linear& linear) {
  return int64_t{linear.in} * linear.out + (linear.bias ? linear.out : 0);
}

// Marks of the nodes whose output is still needed; on the stack for all but huge plans.
class LiveSet {
 public:
  explicit LiveSet(size_t n) {
    if (n > kSmall) large_.resize(n);
    marks_ = n > kSmall ? large_.data() : small_;
    if (n <= kSmall) std::fill_n(small_, n, uint8_t{0});
  }
  /// Whether it was not live before.
  bool insert(size_t i) {
    const bool added = marks_[i] == 0;
    marks_[i] = 1;
    return added;
  }
  bool contains(size_t i) const { return marks_[i] != 0; }

 private:
  static constexpr size_t kSmall = 1024;
  uint8_t small_[kSmall];
  std::vector<uint8_t> large_;
  uint8_t* marks_;
};

}  // namespace

int64_t macs_of(const Plan&, const Node& node, Counting counting) {
  // Attention-like ops will count here; elementwise ops, pooling and BN never do.
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) return conv_macs(*conv, node.out);
  if (const auto* linear = std::get_if<Linear>(&node.op)) return linear_macs(*linear, counting);
  return 0;
}

int64_t params_of(const Op& op) {
  if (const auto* conv = std::get_if<Conv2d>(&op)) return params(*conv);
  if (const auto* bn = std::get_if<BatchNorm>(&op)) return params(*bn);
  if (const auto* linear = std::get_if<Linear>(&op)) return params(*linear);
  return 0;
}

// Backwards, so that the first use seen of a value is its last one and liveness needs no table of
// last uses.
Cost cost_of(const Plan& plan, Counting counting) {
  Cost cost;
  LiveSet live(plan.nodes.size());
  int64_t live_elements = 0, peak = 0, sum = 0;
  bool image_live = false;
  for (size_t i = plan.nodes.size(); i-- > 0;) {
    const Node& node = plan.nodes[i];
    cost.macs += macs_of(plan, node, counting);
    cost.params += params_of(node.op);
    const int64_t out = node.out.elements();
    sum += out;
    if (!live.contains(i)) live_elements += out;  // the result, or a value nobody reads
    for (const int32_t id : plan.inputs(node)) {
      if (id == Plan::kInput) {
        if (!image_live) live_elements += plan.input.elements();
        image_live = true;
      } else if (live.insert(static_cast<size_t>(id))) {
        live_elements += plan.nodes[static_cast<size_t>(id)].out.elements();
      }
    }
    peak = std::max(peak, live_elements);
    live_elements -= out;
  }
  cost.activation_bytes = 4 * sum;
  cost.peak_bytes = 4 * peak;
  return cost;
}

std::vector<bool> live_nodes(const Plan& plan) {
  const size_t n = plan.nodes.size();
  std::vector<bool> reached(n, false), live(n, false);
  const auto has_value = [&](int32_t id) {
    return id == Plan::kInput || reached[static_cast<size_t>(id)];
  };
  for (size_t i = 0; i < n; ++i) {
    const Node& node = plan.nodes[i];
    if (std::holds_alternative<Zero>(node.op)) continue;
    const auto inputs = plan.inputs(node);
    // A product is zero when one factor is; everything else passes on what any input brings.
    reached[i] = std::holds_alternative<Mul>(node.op)
                     ? std::all_of(inputs.begin(), inputs.end(), has_value)
                     : std::any_of(inputs.begin(), inputs.end(), has_value);
  }
  if (n > 0) live[n - 1] = reached[n - 1];
  for (size_t i = n; i-- > 0;) {
    if (!live[i]) continue;
    for (const int32_t id : plan.inputs(plan.nodes[i]))
      if (id != Plan::kInput && reached[static_cast<size_t>(id)])
        live[static_cast<size_t>(id)] = true;
  }
  return live;
}

std::vector<bool> needed_nodes(const Plan& plan) {
  const size_t own = plan.nodes.size();
  std::vector<bool> needed(own + plan.auxiliary.size(), false);
  if (own == 0) return needed;
  needed[own - 1] = true;
  if (!plan.auxiliary.empty()) needed.back() = true;
  for (size_t i = needed.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const int32_t id : plan.inputs(i < own ? plan.nodes[i] : plan.auxiliary[i - own]))
      if (id != Plan::kInput) needed[static_cast<size_t>(id)] = true;
  }
  return needed;
}

}  // namespace nas
