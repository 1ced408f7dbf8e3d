#pragma once
// Average pooling by kernels of our own.
#include <ATen/core/Tensor.h>

#include "spaces/ops/pool.hpp"

namespace nas {

/// Means over the windows of x [N, C, H, W] on the CPU (float, double or bfloat16), in its memory
/// format. Differentiable. `op.max` must be false.
at::Tensor average_pool(const Pool& op, const at::Tensor& x);

}  // namespace nas
