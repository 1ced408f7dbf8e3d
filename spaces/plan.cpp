#include "spaces/plan.hpp"

#include <algorithm>

#include "spaces/visit.hpp"

namespace nas {
namespace {

std::string shape_list(std::span<const Shape> shapes) {
  std::string text;
  for (const Shape& shape : shapes) {
    if (!text.empty()) text += ", ";
    text += to_string(shape);
  }
  return text;
}

Shape infer_add(const Op& op, std::span<const Shape> inputs) {
  for (const Shape& shape : inputs)
    if (shape != inputs[0]) detail::shape_misfit(op, inputs, "shapes differ");
  return inputs[0];
}

Shape infer_concat(const Op& op, std::span<const Shape> inputs) {
  Shape out = inputs[0];
  for (const Shape& shape : inputs.subspan(1)) {
    if (shape.h != out.h || shape.w != out.w || shape.flat != out.flat)
      detail::shape_misfit(op, inputs, "heights, widths or flatness differ");
    out.c += shape.c;
  }
  return out;
}

Shape infer_mul(const Op& op, std::span<const Shape> inputs) {
  const bool fits = inputs.size() == 2 && inputs[0].c == inputs[1].c &&
                    (inputs[0] == inputs[1] ||
                     (inputs[1].h == 1 && inputs[1].w == 1 && inputs[0].flat == inputs[1].flat));
  if (!fits) detail::shape_misfit(op, inputs, "wants [c, h, w] and [c, 1, 1]");
  return inputs[0];
}

// 0 means "as in this subnet".
int32_t full_or(int32_t full, int32_t own) {
  return full > 0 ? full : own;
}

}  // namespace

uint32_t SymbolTable::intern(std::string_view text) {
  const auto [it, added] =
      ids_.try_emplace(std::string(text), static_cast<uint32_t>(texts_.size()));
  if (added) texts_.emplace_back(text);
  return it->second;
}

std::string to_string(const Shape& shape) {
  if (shape.flat) return std::to_string(shape.c);
  return std::to_string(shape.c) + "x" + std::to_string(shape.h) + "x" + std::to_string(shape.w);
}

std::string_view suffix(Role role) {
  switch (role) {
    case Role::kWeight:
      return ".weight";
    case Role::kBias:
      return ".bias";
    case Role::kRunningMean:
      return ".running_mean";
    case Role::kRunningVar:
      return ".running_var";
  }
  return "";
}

int64_t Dims::elements() const {
  int64_t n = 1;
  for (const int64_t size : span()) n *= size;
  return n;
}

int tensors_of(const Op& op, TensorSpec out[4]) {
  const auto vector_of = [](int64_t n) { return Dims{{n, 0, 0, 0}, 1}; };
  return std::visit(Overloaded{
                        [&](const Conv2d& conv) {
                          const int32_t full_in = full_or(conv.full_in, conv.in);
                          const int32_t full_out = full_or(conv.full_out, conv.out);
                          const int64_t k = conv.kernel;
                          const int64_t full_k = std::max(conv.kernel, conv.full_kernel);
                          const bool depthwise = conv.groups > 1 && conv.groups == conv.in;
                          const int64_t full_depth = depthwise ? 1 : full_in / conv.groups;
                          out[0] = {Role::kWeight,
                                    {{conv.out, conv.in / conv.groups, k, k}, 4},
                                    {{full_out, full_depth, full_k, full_k}, 4}};
                          if (!conv.bias) return 1;
                          out[1] = {Role::kBias, vector_of(conv.out), vector_of(full_out)};
                          return 2;
                        },
                        [&](const BatchNorm& bn) {
                          int n = 0;
                          const Dims own = vector_of(bn.channels);
                          const Dims full = vector_of(full_or(bn.full, bn.channels));
                          if (bn.affine) {
                            out[n++] = {Role::kWeight, own, full};
                            out[n++] = {Role::kBias, own, full};
                          }
                          if (bn.running) {
                            out[n++] = {Role::kRunningMean, own, full};
                            out[n++] = {Role::kRunningVar, own, full};
                          }
                          return n;
                        },
                        [&](const Linear& linear) {
                          const int32_t full_in = full_or(linear.full_in, linear.in);
                          const int32_t full_out = full_or(linear.full_out, linear.out);
                          out[0] = {Role::kWeight,
                                    {{linear.out, linear.in, 0, 0}, 2},
                                    {{full_out, full_in, 0, 0}, 2}};
                          if (!linear.bias) return 1;
                          out[1] = {Role::kBias, vector_of(linear.out), vector_of(full_out)};
                          return 2;
                        },
                        [](const Activation&) { return 0; },
                        [](const Pool&) { return 0; },
                        [](const GlobalAvgPool&) { return 0; },
                        [](const Add&) { return 0; },
                        [](const Mul&) { return 0; },
                        [](const Concat&) { return 0; },
                        [](const Zero&) { return 0; },
                        [](const Identity&) { return 0; },
                        [](const Subsample&) { return 0; },
                        [](const Dropout&) { return 0; },
                        [](const DropPath&) { return 0; },
                    },
                    op);
}

void Plan::clear() {
  nodes.clear();
  auxiliary.clear();
  auxiliary_weight = 0;
  input_pool.clear();
  origin_pool.clear();
  resize_input = false;
}

std::string Plan::tensor_name(const Node& node, Role role) const {
  return name(node) + std::string(suffix(role));
}

PlanBuilder::PlanBuilder(Plan& plan, const SymbolTable& symbols, Shape input)
    : plan_(plan), into_(&plan.nodes) {
  plan.clear();
  plan.symbols = &symbols;
  plan.input = input;
}

int32_t PlanBuilder::add(const Op& op, uint32_t name, std::span<const int32_t> inputs) {
  static constexpr size_t kFew = 16;
  if (inputs.size() <= kFew) {
    Shape shapes[kFew];
    for (size_t i = 0; i < inputs.size(); ++i) shapes[i] = plan_.shape_of(inputs[i]);
    return append(op, infer_shape(op, {shapes, inputs.size()}), name, inputs);
  }
  std::vector<Shape> shapes;
  for (const int32_t input : inputs) shapes.push_back(plan_.shape_of(input));
  return append(op, infer_shape(op, shapes), name, inputs);
}

Shape infer_shape(const Op& op, std::span<const Shape> inputs) {
  if (inputs.empty()) detail::shape_misfit(op, inputs, "has no input");
  const auto many = [&](auto infer) { return infer(op, inputs); };
  return std::visit(Overloaded{
                        [&](const Add&) { return many(infer_add); },
                        [&](const Mul&) { return many(infer_mul); },
                        [&](const Concat&) { return many(infer_concat); },
                        [&](const auto& one) {
                          if (inputs.size() != 1)
                            detail::shape_misfit(op, inputs, "wants one input");
                          return detail::infer_one(one, inputs[0]);
                        },
                    },
                    op);
}

namespace detail {

void shape_misfit(const Op& op, std::span<const Shape> inputs, const char* why) {
  std::string text = std::string(op_name(op));
  if (const auto* conv = std::get_if<Conv2d>(&op))
    text += " " + std::to_string(conv->in) + "->" + std::to_string(conv->out) +
            " k=" + std::to_string(conv->kernel) + " g=" + std::to_string(conv->groups);
  if (const auto* linear = std::get_if<Linear>(&op))
    text += " " + std::to_string(linear->in) + "->" + std::to_string(linear->out);
  if (const auto* bn = std::get_if<BatchNorm>(&op)) text += " " + std::to_string(bn->channels);
  throw InternalShapeError(text + " on [" + shape_list(inputs) + "]: " + why);
}

}  // namespace detail
}  // namespace nas
