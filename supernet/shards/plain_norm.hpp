#pragma once
// Batch normalisation of one tensor by the kernels of this folder, without gradients: for judging.
#include <ATen/core/Tensor.h>

#include "spaces/ops/batch_norm.hpp"
#include "supernet/shards/joint_norm.hpp"

namespace nas {

/// Whether the kernels take x: [n, C] or [n, C, H, W] on the CPU, float, double or bfloat16.
bool kernels_take(const at::Tensor& x);

/// Mean and biased variance of the channels of x, [C], float or double as x (float for bfloat16).
BatchMoments biased_moments(const at::Tensor& x);

/// part.x normalised by `mean` and `var` ([C]), plus part.plus, and max(0, .) of that where `relu`.
/// The bits are those of the three steps one after the other where x is float or double.
at::Tensor normalised(const BatchNorm& op,
                      const NormPart& part,
                      const at::Tensor& mean,
                      const at::Tensor& var,
                      bool relu);

}  // namespace nas
