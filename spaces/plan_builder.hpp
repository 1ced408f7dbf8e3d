#pragma once
// PlanBuilder: how the space families make plans.
#include <initializer_list>
#include <span>
#include <type_traits>

#include "spaces/plan.hpp"

namespace nas {

/// Appends nodes with inferred shapes; used by the space families. Provenance set with `origin`
/// holds for all nodes until changed.
class PlanBuilder {
 public:
  PlanBuilder(Plan& plan, const SymbolTable& symbols, Shape input);

  /// Provenance of the nodes that follow: (choice, option) pairs; {} for fixed parts.
  void origin(std::initializer_list<Provenance> origins) {
    origin(std::span<const Provenance>(origins.begin(), origins.size()));
  }
  void origin(std::span<const Provenance> origins) {
    origin_first_ = static_cast<uint32_t>(plan_.origin_pool.size());
    origin_count_ = static_cast<uint16_t>(origins.size());
    plan_.origin_pool.insert(plan_.origin_pool.end(), origins.begin(), origins.end());
  }

  /// Appends `op`; returns its id. `name` is an interned symbol (0 for ops without parameters).
  /// Throws InternalShapeError naming op and shapes when shapes do not fit. Pass the op itself,
  /// not an `Op`, where it is known: that is the fast way.
  template <OneInput T>
  int32_t add(const T& op, uint32_t name, int32_t input) {
    return append(op, op.infer(plan_.shape_of(input)), name, {&input, 1});
  }
  template <ManyInputs T>
  int32_t add(const T& op, uint32_t name, std::span<const int32_t> inputs) {
    static constexpr size_t kFew = 16;
    if (inputs.empty() || inputs.size() > kFew) [[unlikely]]
      return add(Op(op), name, inputs);
    Shape shapes[kFew];
    for (size_t i = 0; i < inputs.size(); ++i) shapes[i] = plan_.shape_of(inputs[i]);
    return append(op, op.infer(std::span<const Shape>(shapes, inputs.size())), name, inputs);
  }
  template <ManyInputs T>
  int32_t add(const T& op, uint32_t name, std::initializer_list<int32_t> inputs) {
    return add(op, name, std::span<const int32_t>(inputs.begin(), inputs.size()));
  }
  int32_t add(const Op& op, uint32_t name, std::span<const int32_t> inputs);
  int32_t add(const Op& op, uint32_t name, std::initializer_list<int32_t> inputs) {
    return add(op, name, std::span<const int32_t>(inputs.begin(), inputs.size()));
  }
  /// The layer that makes the logits: Plan::classifier.
  int32_t classifier(const Linear& op, uint32_t name, int32_t input) {
    return plan_.classifier = add(op, name, input);
  }
  const Shape& shape(int32_t id) const { return plan_.shape_of(id); }
  /// Nodes that follow belong to Plan::auxiliary; the network itself is complete.
  void begin_auxiliary(double weight) {
    plan_.auxiliary_weight = weight;
    into_ = &plan_.auxiliary;
  }

 private:
  template <typename T>
  int32_t append(const T& op, const Shape& out, uint32_t name, std::span<const int32_t> inputs) {
    const auto first = static_cast<uint32_t>(plan_.input_pool.size());
    for (const int32_t input : inputs) plan_.input_pool.push_back(input);
    into_->push_back(Node{
        op, out, name, first, static_cast<uint16_t>(inputs.size()), origin_count_, origin_first_});
    return static_cast<int32_t>(plan_.nodes.size() + plan_.auxiliary.size()) - 1;
  }

  Plan& plan_;
  std::vector<Node>* into_;
  uint32_t origin_first_ = 0;
  uint16_t origin_count_ = 0;
};

}  // namespace nas
