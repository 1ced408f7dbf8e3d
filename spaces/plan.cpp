// Nodes, inputs and provenance lie in pools that a plan keeps when it is cleared: sampling and
// costing build a plan for each of millions of architectures, and then allocate nothing.
#include "spaces/plan.hpp"

#include <stdexcept>

#include "spaces/plan_builder.hpp"
#include "spaces/relaxed.hpp"

namespace nas {

uint32_t SymbolTable::intern(std::string_view text) {
  const auto [it, added] =
      ids_.try_emplace(std::string(text), static_cast<uint32_t>(texts_.size()));
  if (added) texts_.emplace_back(text);
  return it->second;
}

void Plan::clear() {
  nodes.clear();
  auxiliary.clear();
  auxiliary_weight = 0;
  classifier = -1;
  input_pool.clear();
  origin_pool.clear();
  option_pool.clear();
  resize_input = false;
}

const Linear& Plan::classifier_layer() const {
  if (classifier < 0) throw std::logic_error("a plan without a classifier");
  return std::get<Linear>(nodes[static_cast<size_t>(classifier)].op);
}

std::string Plan::tensor_name(const Node& node, Role role) const {
  return name(node) + std::string(suffix(role));
}

PlanBuilder::PlanBuilder(Plan& plan, const SymbolTable& symbols, Shape input)
    : plan_(plan), into_(&plan.nodes) {
  plan.clear();
  plan.symbols = &symbols;
  plan.input_shapes.assign(1, input);
}

void PlanBuilder::push(Provenance p) {
  if (size_ == kMostOrigins)
    throw std::logic_error("a node that belongs to more than " + std::to_string(kMostOrigins) +
                           " choices");
  stack_[size_++] = p;
}

bool PlanBuilder::mixes(size_t choice) const {
  return !plan_.relaxation_->options[choice].empty();
}

int32_t PlanBuilder::mix(size_t choice, const std::function<int32_t(int16_t)>& branch) {
  const std::vector<int16_t>& options = plan_.relaxation_->options[choice];
  std::vector<int32_t> outputs;
  for (const int16_t option : options)
    outputs.push_back(
        under({static_cast<int16_t>(choice), option}, [&] { return branch(option); }));
  const WeightedSum sum{static_cast<int16_t>(choice),
                        static_cast<uint32_t>(plan_.option_pool.size())};
  plan_.option_pool.insert(plan_.option_pool.end(), options.begin(), options.end());
  return add(sum, 0, std::span<const int32_t>(outputs));
}

int32_t PlanBuilder::add(const Op& op, uint32_t name, std::span<const int32_t> inputs) {
  std::vector<Shape> shapes;
  for (const int32_t input : inputs) shapes.push_back(plan_.shape_of(input));
  return append(op, infer_shape(op, shapes), name, inputs);
}

}  // namespace nas
