#pragma once
// Batch normalisation with the statistics of a whole batch whose parts lie in several threads.
#include <ATen/core/Tensor.h>

#include <vector>

#include "spaces/ops/batch_norm.hpp"
#include "supernet/shards/exchange.hpp"

namespace nas {

/// One part of the batch: x [n, C] or [n, C, H, W]; weight and bias [C], undefined without.
struct NormPart {
  at::Tensor x, weight, bias;
  at::Tensor plus;  ///< Added to the normalised x, of its shape and type; undefined: nothing.
};

/// Mean and variance (unbiased, if nothing else is said) of the batch, [C], float or double as x
/// (float for bfloat16).
struct BatchMoments {
  at::Tensor mean, var;
};

/// The parts of this thread's lane, normalised by the moments of all; followed by max(0, .) where
/// `relu`. Values of x, float, double or bfloat16, are computed with as floats at least.
/// Differentiable; the backward pass meets the other threads too, so that all must make one
/// (autograd visits nodes in the reverse order of their making, the same in every thread).
/// GroupAborted when another thread failed. `lane` must live until then.
std::vector<at::Tensor> joint_norm(const BatchNorm& op,
                                   const std::vector<NormPart>& parts,
                                   bool relu,
                                   Lane& lane,
                                   BatchMoments* moments);

}  // namespace nas
