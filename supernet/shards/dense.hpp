#pragma once
// Tensors as plain arrays for the kernels of this folder.
#include <ATen/core/Tensor.h>

#include <stdexcept>

#include "supernet/shards/lanes.hpp"

namespace nas {

/// x in one piece, [N, C, H, W] as planes or (channels last) as rows of pixels.
inline at::Tensor dense(const at::Tensor& x) {
  if (x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast)) return x;
  return x.contiguous();
}

/// t laid out as the dense x of the same shape.
inline at::Tensor dense_like(const at::Tensor& t, const at::Tensor& x) {
  return x.dim() == 4 && !x.is_contiguous() ? t.contiguous(at::MemoryFormat::ChannelsLast)
                                            : t.contiguous();
}

/// The values of a dense tensor of type S; null for an undefined one.
template <typename S>
S* values_in(const at::Tensor& t) {
  return t.defined() ? static_cast<S*>(t.data_ptr()) : nullptr;
}

/// Whether kernels take values of x's type, and x is on the CPU.
inline bool has_kernels(const at::Tensor& x) {
  const at::ScalarType type = x.scalar_type();
  return x.is_cpu() && (type == at::kFloat || type == at::kDouble || type == at::kBFloat16);
}

/// f(S()) for the type of x: float, double or bfloat16.
template <typename F>
auto typed(const at::Tensor& x, F&& f) {
  switch (x.scalar_type()) {
    case at::kDouble:
      return f(double());
    case at::kBFloat16:
      return f(Bf16());
    case at::kFloat:
      return f(float());
    default:
      throw std::logic_error("no kernel for values of this type");
  }
}

}  // namespace nas
