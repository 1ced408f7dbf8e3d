#pragma once
// What groupings are made of; for the files of this room only.
#include "hardware/grouping.hpp"
#include "hardware/kernel_key.hpp"
#include "spaces/ops/visit_op.hpp"

namespace nas::grouping_parts {

/// What a key is of, in the upper half of its first number.
enum Tag : uint64_t { kOp = 1, kFused = 2, kBlock = 3 };

/// Two numbers.
void put_shape(const Shape& shape, Pieces& to);
Shape shape_at(std::span<const uint64_t> key, size_t at);
/// A piece of its own: the op with its shapes and attributes.
void put_op(const Plan& plan, size_t id, Pieces& to);
/// Its signature.
std::string op_text(const Plan& plan, const Pieces& pieces, size_t piece);

/// Fills `pieces.uses`.
void find_uses(const Plan& plan, Pieces& pieces);
/// The node that reads this one, where one alone does; else -1.
int32_t only_reader(const Pieces& pieces, int32_t id);

/// The op of a node, where it is of this type; null for inputs and -1, too.
template <typename T>
const T* op_at(const Plan& plan, int32_t id) {
  return id < 0 ? nullptr : std::get_if<T>(&plan.nodes[static_cast<size_t>(id)].op);
}
inline int32_t input_of(const Plan& plan, int32_t id, size_t i = 0) {
  return plan.inputs(plan.nodes[static_cast<size_t>(id)])[i];
}

// Once-for-all's keys (grouping_ofa.cpp).
void split_ofa_mobilenetv3(const Plan& plan, Pieces& pieces);
void split_ofa_proxyless(const Plan& plan, Pieces& pieces);
std::string ofa_mobilenetv3_text(const Plan& plan, const Pieces& pieces, size_t piece);
std::string ofa_proxyless_text(const Plan& plan, const Pieces& pieces, size_t piece);

}  // namespace nas::grouping_parts
