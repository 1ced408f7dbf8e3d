#include "supernet/plain_ops.hpp"

#include <ATen/ATen.h>

#include <stdexcept>

namespace nas {

at::Tensor activated(const Activation& op, const at::Tensor& x) {
  switch (op.act) {
    case Act::kRelu:
      return at::relu(x);
    case Act::kRelu6:
      return at::hardtanh(x, 0, 6);
    case Act::kHSwish:
      return at::hardswish(x);
    case Act::kHSigmoid:
      return at::hardsigmoid(x);
    case Act::kSwish:
      return at::silu(x);
    case Act::kSigmoid:
      return at::sigmoid(x);
  }
  throw std::logic_error("unknown activation");
}

at::Tensor pooled(const Pool& op, const at::Tensor& x) {
  const int64_t k[2] = {op.kernel, op.kernel};
  const int64_t s[2] = {op.stride, op.stride};
  const int64_t p[2] = {op.padding, op.padding};
  const at::IntArrayRef kernel(k, 2), stride(s, 2), padding(p, 2);
  if (op.max) return at::max_pool2d(x, kernel, stride, padding);
  return at::avg_pool2d(
      x, kernel, stride, padding, /*ceil_mode=*/false, /*count_include_pad=*/false);
}

at::Tensor averaged(const GlobalAvgPool& op, const at::Tensor& x, bool image) {
  const int64_t over[2] = {2, 3}, places[1] = {1};
  return image ? at::mean(x, at::IntArrayRef(over, 2), op.keep)
               : at::mean(x, at::IntArrayRef(places, 1));
}

at::Tensor strided(const at::Tensor& x, int64_t stride, int64_t offset) {
  if (stride == 1 && offset == 0) return x;
  return x.slice(2, offset, std::nullopt, stride).slice(3, offset, std::nullopt, stride);
}

}  // namespace nas
