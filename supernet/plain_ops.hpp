#pragma once
// Ops that need nothing but their input, on LibTorch.
#include <ATen/core/Tensor.h>

#include "spaces/plan.hpp"

namespace nas {

at::Tensor activated(const Activation& op, const at::Tensor& x);
/// The largest or the mean of each window of x, [N, C, H, W]; what lies outside does not count.
at::Tensor pooled(const Pool& op, const at::Tensor& x);
/// The mean over places: of an image [N, C, H, W], or of a sequence [N, L, D].
at::Tensor averaged(const GlobalAvgPool& op, const at::Tensor& x, bool image);
/// Every `stride`-th pixel of x, [N, C, H, W], from `offset` on, in both directions: a view.
at::Tensor strided(const at::Tensor& x, int64_t stride, int64_t offset);

}  // namespace nas
