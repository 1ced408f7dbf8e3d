#pragma once
// Questions that every op answers, asked of an op of unknown type.
#include <utility>

#include "spaces/ops/all_ops.hpp"

namespace nas {

namespace detail {

template <typename Result, typename V, typename F, size_t... I>
constexpr Result visit_index(V& op, F&& f, std::index_sequence<I...>) {
  Result result{};
  // A chain that compilers make a jump of, with the bodies in place: std::visit calls through a
  // table of pointers, which costs more than most answers (a cost is asked for twice per node).
  (void)((op.index() == I && (result = f(*std::get_if<I>(&op)), true)) || ...);
  return result;
}

}  // namespace detail

/// f(op) for the op that is held; f answers every type of op with the same type.
template <typename F>
constexpr auto visit_op(const Op& op, F&& f) {
  using Result = std::invoke_result_t<F, const std::variant_alternative_t<0, Op>&>;
  return detail::visit_index<Result>(
      op, std::forward<F>(f), std::make_index_sequence<std::variant_size_v<Op>>{});
}

/// Short lower-case name: conv2d, batch_norm, relu, max_pool, ...
inline std::string_view op_name(const Op& op) {
  return visit_op(op, [](const auto& o) { return o.name(); });
}
/// Attributes that decide the work of an op, as signatures have them: ` k=3 s=2`.
std::string attributes_text(const Op& op);
/// Output shape of `op` for these inputs; throws InternalShapeError (op, shapes) on a misfit.
Shape infer_shape(const Op& op, std::span<const Shape> inputs);
/// Tensors of a node: parameters first, then (for BatchNorm with running) the two buffers.
/// Returns how many were written to `out` (at most kMostTensors).
int tensors_of(const Op& op, TensorSpec out[kMostTensors]);
/// How one of them is filled before training.
Start start_of(const Op& op, const TensorSpec& spec);
int64_t params_of(const Op& op);
/// Whether it costs nothing at inference: it stands in no latency table.
bool is_free(const Op& op);
/// Whether it draws random numbers in training.
bool is_random(const Op& op);
/// Whether its parameters only scale and shift what it normalised.
bool normalises(const Op& op);
/// Whether it joins several inputs.
bool takes_many(const Op& op);
Flow flow_of(const Op& op);
Channels channel_order(const Op& op);
/// Makes the sizes of this subnet those of its tensors.
void forget_full_sizes(Op& op);

}  // namespace nas
