#pragma once
// Depthwise convolution whose weights' gradient is computed by a kernel of our own.
#include <ATen/core/Tensor.h>

#include "spaces/ops/conv2d.hpp"

namespace nas {

/// Whether depthwise_conv() is for this op on x: one filter a channel, on the CPU, channels last.
bool takes_depthwise(const Conv2d& op, const at::Tensor& x);

/// x [N, C, H, W] by `weight` [C, 1, K, K] (no bias), differentiable once; the values are those of
/// at::conv2d. Casts as autocast would.
at::Tensor depthwise_conv(const Conv2d& op, const at::Tensor& x, const at::Tensor& weight);

}  // namespace nas
