// Moments in one pass over memory: distances are taken to the mean of a channel's first block, and
// corrected at the end. With b blocks of n values, (mean - first mean)^2 is at most b times the
// variance (the first block alone adds n * distance^2 to the sum of squares), so that the
// correction enlarges rounding at most b times in the worst of batches, and hardly in others; sums
// inside a block are those of 32-bit floats, between blocks of doubles. Parts are joined by Chan,
// Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances (1979).
// The gradient of a ReLU behind it asks for the sign of y, which costs less to compute again from x
// than to read.
// This file is compiled without contraction into fused products: bits are those of every machine.
#include "supernet/shards/norm_kernels.hpp"

#include <algorithm>

#include "spaces/base/wide.hpp"
#include "supernet/shards/norm_loops.hpp"

namespace nas {
namespace {

using lanes::kLanes;
using lanes::Number;
using namespace norm_loops;

/// How many doubles Sums needs.
size_t lane_sums(const NormLayout& l) {
  return static_cast<size_t>(l.inner == 1 ? (l.channels + kLanes - 1) / kLanes * kLanes
                                          : l.channels * kLanes);
}

/// The sum of each channel.
void fold(const std::vector<double>& sums, const NormLayout& l, std::vector<double>& to) {
  to.assign(static_cast<size_t>(l.channels), 0);
  for (size_t k = 0; k < to.size(); ++k) {
    if (l.inner == 1) {
      to[k] = sums[k];
      continue;
    }
    for (size_t j = 0; j < kLanes; ++j) to[k] += sums[k * kLanes + j];
  }
}

// Clones for instruction sets are made of plain functions, not of templates. Doubles are for
// comparisons and have none.
#define NAS_NORM_KERNELS(WIDE, S)                                                         \
  WIDE void wide_distances(                                                               \
      const S* x, const NormLayout& l, Number<S>* around, double* sum, double* squares) { \
    sums_of_distances(x, l, around, sum, squares);                                        \
  }                                                                                       \
  WIDE void wide_scale(const S* x,                                                        \
                       const NormLayout& l,                                               \
                       const Number<S>* scale,                                            \
                       const Number<S>* shift,                                            \
                       bool relu,                                                         \
                       const S* plus,                                                     \
                       S* y) {                                                            \
    if (plus == nullptr && relu)                                                          \
      scale_values<false, true>(x, l, scale, shift, plus, y);                             \
    else if (plus == nullptr)                                                             \
      scale_values<false, false>(x, l, scale, shift, plus, y);                            \
    else if (relu)                                                                        \
      scale_values<true, true>(x, l, scale, shift, plus, y);                              \
    else                                                                                  \
      scale_values<true, false>(x, l, scale, shift, plus, y);                             \
  }                                                                                       \
  WIDE void wide_sums(const S* dy,                                                        \
                      const S* x,                                                         \
                      const S* y,                                                         \
                      const NormLayout& l,                                                \
                      const Number<S>* mean,                                              \
                      const Number<S>* scale,                                             \
                      const Number<S>* shift,                                             \
                      bool relu,                                                          \
                      double* sum,                                                        \
                      double* product,                                                    \
                      S* counted) {                                                       \
    if (!relu)                                                                            \
      sums_of_gradients<Counts::kAll, false>(                                             \
          dy, x, x, l, mean, scale, shift, sum, product, counted);                        \
    else if (y == nullptr)                                                                \
      sums_of_gradients<Counts::kWhereX, false>(                                          \
          dy, x, x, l, mean, scale, shift, sum, product, counted);                        \
    else                                                                                  \
      sums_of_gradients<Counts::kWhereY, true>(                                           \
          dy, x, y, l, mean, scale, shift, sum, product, counted);                        \
  }                                                                                       \
  WIDE void wide_mix(const S* dy,                                                         \
                     const S* x,                                                          \
                     const NormLayout& l,                                                 \
                     const Number<S>* const* factors,                                     \
                     const Number<S>* scale,                                              \
                     const Number<S>* shift,                                              \
                     bool relu,                                                           \
                     S* dx) {                                                             \
    if (relu)                                                                             \
      mix<Counts::kWhereX>(dy, x, l, factors, scale, shift, dx);                          \
    else                                                                                  \
      mix<Counts::kAll>(dy, x, l, factors, scale, shift, dx);                             \
  }

NAS_NORM_KERNELS(NAS_WIDE, float)
NAS_NORM_KERNELS(NAS_WIDE, Bf16)
NAS_NORM_KERNELS(, double)
#undef NAS_NORM_KERNELS

/// y = x * scale + shift.
template <typename T>
struct Line {
  std::vector<T> scale, shift;
};

template <typename T>
Line<T> line_of(const Normaliser<T>& by, int64_t channels) {
  const auto c = static_cast<size_t>(channels);
  Line<T> line{std::vector<T>(c), std::vector<T>(c)};
  for (size_t k = 0; k < c; ++k) {
    const double a = static_cast<double>(by.inverse[k]) *
                     (by.weight == nullptr ? 1.0 : static_cast<double>(by.weight[k]));
    line.scale[k] = static_cast<T>(a);
    line.shift[k] = static_cast<T>((by.bias == nullptr ? 0.0 : static_cast<double>(by.bias[k])) -
                                   a * static_cast<double>(by.mean[k]));
  }
  return line;
}

/// Joins n values of mean `mean` and squares `m2` around it to `count` values.
void join(double& at_mean, double& at_m2, double count, double mean, double m2, double n) {
  const double delta = mean - at_mean, all = count + n;
  at_mean += delta * (n / all);
  at_m2 += m2 + delta * delta * (count * n / all);
}

}  // namespace

template <typename S>
Moments moments_of(const S* x, const NormLayout& layout) {
  Moments m{static_cast<double>(layout.count()), {}, {}};
  std::vector<Number<S>> around(static_cast<size_t>(layout.channels));
  std::vector<double> sum(lane_sums(layout)), squares(sum.size());
  wide_distances(x, layout, around.data(), sum.data(), squares.data());
  fold(sum, layout, m.mean);
  fold(squares, layout, m.m2);
  if (m.count == 0) return m;
  for (size_t k = 0; k < m.mean.size(); ++k) {
    const double shift = m.mean[k] / m.count;
    m.m2[k] = std::max(m.m2[k] - m.mean[k] * shift, 0.0);
    m.mean[k] = static_cast<double>(around[k]) + shift;
  }
  return m;
}

Moments combined(const std::vector<Moments>& parts) {
  Moments all = parts.front();
  for (size_t p = 1; p < parts.size(); ++p) {
    if (parts[p].count == 0) continue;
    for (size_t k = 0; k < all.mean.size(); ++k)
      join(all.mean[k], all.m2[k], all.count, parts[p].mean[k], parts[p].m2[k], parts[p].count);
    all.count += parts[p].count;
  }
  return all;
}

template <typename S>
void normalise(
    const S* x, const NormLayout& layout, const Normaliser<Number<S>>& by, const S* plus, S* y) {
  const Line<Number<S>> line = line_of(by, layout.channels);
  wide_scale(x, layout, line.scale.data(), line.shift.data(), by.relu, plus, y);
}

template <typename S>
GradientSums gradient_sums(const S* dy,
                           const S* x,
                           const S* y,
                           const NormLayout& layout,
                           const Normaliser<Number<S>>& by,
                           S* counted) {
  const Line<Number<S>> line = line_of(by, layout.channels);
  GradientSums sums;
  std::vector<double> sum(lane_sums(layout)), product(sum.size());
  wide_sums(dy,
            x,
            y,
            layout,
            by.mean,
            line.scale.data(),
            line.shift.data(),
            by.relu,
            sum.data(),
            product.data(),
            counted);
  fold(sum, layout, sums.dy);
  fold(product, layout, sums.dy_xhat);
  for (size_t k = 0; k < sums.dy_xhat.size(); ++k)
    sums.dy_xhat[k] *= static_cast<double>(by.inverse[k]);
  return sums;
}

template <typename S>
void input_gradient(const S* dy,
                    const S* x,
                    const NormLayout& layout,
                    const Normaliser<Number<S>>& by,
                    const std::vector<double>& mean_dy,
                    const std::vector<double>& mean_dy_xhat,
                    S* dx) {
  using T = Number<S>;
  const auto c = static_cast<size_t>(layout.channels);
  const Line<T> line = line_of(by, layout.channels);
  std::vector<T> p(c), q(c), r(c);
  for (size_t k = 0; k < c; ++k) {
    const auto inverse = static_cast<double>(by.inverse[k]);
    const double a = inverse * (by.weight == nullptr ? 1.0 : static_cast<double>(by.weight[k]));
    const double b = -a * inverse * mean_dy_xhat[k];
    p[k] = static_cast<T>(a);
    q[k] = static_cast<T>(b);
    r[k] = static_cast<T>(-a * mean_dy[k] - b * static_cast<double>(by.mean[k]));
  }
  const T* const factors[] = {p.data(), q.data(), r.data()};
  wide_mix(dy, x, layout, factors, line.scale.data(), line.shift.data(), by.relu, dx);
}

#define NAS_INSTANTIATE(S)                                                                \
  template Moments moments_of(const S*, const NormLayout&);                               \
  template void normalise(                                                                \
      const S*, const NormLayout&, const Normaliser<Number<S>>&, const S*, S*);           \
  template GradientSums gradient_sums(                                                    \
      const S*, const S*, const S*, const NormLayout&, const Normaliser<Number<S>>&, S*); \
  template void input_gradient(const S*,                                                  \
                               const S*,                                                  \
                               const NormLayout&,                                         \
                               const Normaliser<Number<S>>&,                              \
                               const std::vector<double>&,                                \
                               const std::vector<double>&,                                \
                               S*);
NAS_INSTANTIATE(float)
NAS_INSTANTIATE(double)
NAS_INSTANTIATE(Bf16)
#undef NAS_INSTANTIATE

}  // namespace nas
