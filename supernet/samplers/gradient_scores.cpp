// An image's gradient in the classifier is the outer product (softmax - target) x features, so its
// norm is the product of two norms: exact scores of a whole batch without a backward pass for each
// image (panda.md 3.1). Norms of options come from the one backward pass that the step makes
// anyway.
#include "supernet/samplers/gradient_scores.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace nas {

at::Tensor logit_norms(const Task& task,
                       const at::Tensor& logits,
                       const at::Tensor& labels,
                       double smoothing) {
  const c10::NoGradGuard no_grad;
  const at::ScalarType type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const int64_t over[1] = {1};
  return at::norm(
      task.output_gradient(logits.to(type), labels, smoothing), 2, at::IntArrayRef(over, 1));
}

at::Tensor last_layer_norms(const Task& task,
                            const at::Tensor& logits,
                            const at::Tensor& labels,
                            double smoothing,
                            const at::Tensor& features,
                            bool bias) {
  const c10::NoGradGuard no_grad;
  const at::Tensor r = logit_norms(task, logits, labels, smoothing);
  const at::Tensor squares = features.to(r.scalar_type()).square().sum(1);
  return r * (bias ? squares + 1.0 : squares).sqrt();
}

PathNorms path_norms(const PathOutcome& outcome, size_t choices) {
  const c10::NoGradGuard no_grad;
  PathNorms result;
  result.parametric.assign(choices, false);
  std::vector<at::Tensor> grads, leaves;
  for (const Node& node : outcome.plan.nodes) {
    // The parameters of the layers themselves, not of what normalises their outputs.
    TensorSpec specs[kMostTensors];
    const int tensors = normalises(node.op) ? 0 : tensors_of(node.op, specs);
    if (tensors == 0) continue;
    std::vector<size_t> owners;
    for (const Provenance& origin : outcome.plan.origins(node))
      if (origin.choice >= 0) owners.push_back(static_cast<size_t>(origin.choice));
    if (owners.empty()) continue;
    for (const size_t c : owners) result.parametric[c] = true;
    leaves.clear();
    for (int i = 0; i < tensors; ++i)
      if (!is_buffer(specs[i].role))
        outcome.weights.leaves(outcome.plan, node, specs[i].role, leaves);
    for (const at::Tensor& leaf : leaves) {
      if (!leaf.grad().defined()) continue;
      grads.push_back(leaf.grad());
      result.choices.push_back(owners);
    }
  }
  // Summed in double: thousands of small squares lose the fifth digit in single precision.
  if (!grads.empty()) result.norms = at::stack(at::_foreach_norm(grads, 2, at::kDouble));
  return result;
}

}  // namespace nas
