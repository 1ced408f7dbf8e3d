// LibTorch takes the moments of a batch by a sum that adds value by value, and once more for the
// norm itself; here one pass finds them, and another applies them together with what follows.
#include "supernet/shards/plain_norm.hpp"

#include "supernet/shards/norm_tensors.hpp"

namespace nas {

bool kernels_take(const at::Tensor& x) {
  return has_kernels(x) && (x.dim() == 2 || x.dim() == 4) && x.numel() > 0;
}

BatchMoments biased_moments(const at::Tensor& x) {
  const at::Tensor values = dense(x);
  const Moments m = typed(values, [&](auto zero) {
    return moments_of(values_in<decltype(zero)>(values), norm_layout(values));
  });
  std::vector<double> var(m.m2.size());
  for (size_t k = 0; k < var.size(); ++k) var[k] = m.m2[k] / m.count;
  return {vector_of(m.mean, number_type(x)), vector_of(var, number_type(x))};
}

at::Tensor normalised(const BatchNorm& op,
                      const NormPart& part,
                      const at::Tensor& mean,
                      const at::Tensor& var,
                      bool relu) {
  const at::Tensor x = dense(part.x);
  const at::Tensor plus = part.plus.defined() ? dense_like(part.plus, x) : at::Tensor();
  const auto numbers = [type = number_type(x)](const at::Tensor& t) {
    return t.defined() ? t.to(type).contiguous() : t;
  };
  const at::Tensor means = numbers(mean), weight = numbers(part.weight), bias = numbers(part.bias);
  const at::Tensor inverse = (var.to(at::kDouble) + op.eps).rsqrt().to(number_type(x));
  at::Tensor y = at::empty_like(x);
  typed(x, [&](auto zero) {
    using S = decltype(zero);
    normalise(values_in<S>(x),
              norm_layout(x),
              normaliser<lanes::Number<S>>(means, inverse, weight, bias, relu),
              values_in<S>(plus),
              values_in<S>(y));
  });
  return y;
}

}  // namespace nas
