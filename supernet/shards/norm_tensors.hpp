#pragma once
// Tensors of batch norms as norm_kernels reads them.
#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "supernet/shards/dense.hpp"
#include "supernet/shards/norm_kernels.hpp"

namespace nas {

/// Of x, dense, [n, C] or [n, C, H, W].
inline NormLayout norm_layout(const at::Tensor& x) {
  if (x.dim() == 2) return {x.size(0), x.size(1), 1};
  const int64_t inner = x.size(2) * x.size(3);
  if (x.is_contiguous()) return {x.size(0), x.size(1), inner};
  return {x.size(0) * inner, x.size(1), 1};
}

/// What is computed with for values of this type.
inline at::ScalarType number_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

/// [size] of type float or double.
inline at::Tensor vector_of(const std::vector<double>& values, at::ScalarType type) {
  at::Tensor t = at::empty({static_cast<int64_t>(values.size())}, type);
  if (type == at::kDouble)
    std::copy(values.begin(), values.end(), t.data_ptr<double>());
  else
    for (size_t k = 0; k < values.size(); ++k)
      t.data_ptr<float>()[k] = static_cast<float>(values[k]);
  return t;
}

/// Views of tensors that live as long; weight and bias may be undefined.
template <typename T>
Normaliser<T> normaliser(const at::Tensor& mean,
                         const at::Tensor& inverse,
                         const at::Tensor& weight,
                         const at::Tensor& bias,
                         bool relu) {
  return {
      values_in<T>(mean), values_in<T>(inverse), values_in<T>(weight), values_in<T>(bias), relu};
}

}  // namespace nas
