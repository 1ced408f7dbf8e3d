// MACs, parameters and memory of a plan, in one pass.
#include <algorithm>
#include <vector>

#include "spaces/plan.hpp"

namespace nas {
namespace {

// What one node costs.
struct Work {
  int64_t macs = 0, params = 0;
};
Work work_of(const Node& node, Counting counting) {
  return visit_op(node.op, [&](const auto& op) {
    using T = std::remove_cvref_t<decltype(op)>;
    Work work;
    if constexpr (T::kMacs) work.macs = op.macs(node.out, counting);
    if constexpr (T::kTensors) work.params = op.params();
    return work;
  });
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
  return work_of(node, counting).macs;
}

// Backwards, so that the first use seen of a value is its last one and liveness needs no table of
// last uses.
Cost cost_of(const Plan& plan, Counting counting) {
  Cost cost;
  LiveSet live(plan.nodes.size());
  int64_t live_elements = 0, peak = 0, sum = 0;
  uint64_t inputs_live = 0;  // A bit for each; more than 64 are counted as one.
  for (size_t i = plan.nodes.size(); i-- > 0;) {
    const Node& node = plan.nodes[i];
    const Work work = work_of(node, counting);
    cost.macs += work.macs;
    cost.params += work.params;
    const int64_t out = node.out.elements();
    sum += out;
    if (!live.contains(i)) live_elements += out;  // the result, or a value nobody reads
    for (const int32_t id : plan.inputs(node)) {
      if (Plan::is_input(id)) {
        const uint64_t bit = uint64_t{1} << (Plan::input_index(id) % 64);
        if ((inputs_live & bit) == 0) live_elements += plan.shape_of(id).elements();
        inputs_live |= bit;
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
    return Plan::is_input(id) || reached[static_cast<size_t>(id)];
  };
  for (size_t i = 0; i < n; ++i) {
    const Node& node = plan.nodes[i];
    const Flow flow = flow_of(node.op);
    if (flow == Flow::kNone) continue;
    const auto inputs = plan.inputs(node);
    reached[i] = flow == Flow::kGate ? std::all_of(inputs.begin(), inputs.end(), has_value)
                                     : std::any_of(inputs.begin(), inputs.end(), has_value);
  }
  if (n > 0) live[n - 1] = reached[n - 1];
  for (size_t i = n; i-- > 0;) {
    if (!live[i]) continue;
    for (const int32_t id : plan.inputs(plan.nodes[i]))
      if (!Plan::is_input(id) && reached[static_cast<size_t>(id)])
        live[static_cast<size_t>(id)] = true;
  }
  return live;
}

double weight_of(const Plan& plan, const Node& sum, const Mixing& mixing, size_t input) {
  const auto choice = static_cast<size_t>(std::get<WeightedSum>(sum.op).choice);
  const auto option = static_cast<size_t>(plan.options(sum)[input]);
  if (choice >= mixing.size() || option >= mixing[choice].size())
    throw std::logic_error("no mixing weight for option " + std::to_string(option) + " of choice " +
                           std::to_string(choice));
  return mixing[choice][option];
}

// Backwards: who reads a node stands behind it.
std::vector<bool> needed_nodes(const Plan& plan, const Mixing* mixing) {
  const size_t own = plan.nodes.size();
  std::vector<bool> needed(own + plan.auxiliary.size(), false);
  if (own == 0) return needed;
  needed[own - 1] = true;
  if (!plan.auxiliary.empty()) needed.back() = true;
  for (size_t i = needed.size(); i-- > 0;) {
    if (!needed[i]) continue;
    const Node& node = i < own ? plan.nodes[i] : plan.auxiliary[i - own];
    const auto inputs = plan.inputs(node);
    const auto* sum = mixing == nullptr ? nullptr : std::get_if<WeightedSum>(&node.op);
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (sum != nullptr && weight_of(plan, node, *mixing, k) == 0) continue;
      if (!Plan::is_input(inputs[k])) needed[static_cast<size_t>(inputs[k])] = true;
    }
  }
  return needed;
}

}  // namespace nas
