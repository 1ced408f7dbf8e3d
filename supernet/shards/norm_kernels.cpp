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

using lanes::Number;
using namespace norm_loops;

// Clones for instruction sets are made of plain functions, not of templates. Doubles are for
// comparisons and have none.
#define NAS_NORM_KERNELS(WIDE, S)                                                        \
  WIDE void wide_distances(const S* x,                                                   \
                           const NormLayout& l,                                          \
                           const Number<S>* around,                                      \
                           double* sum,                                                  \
                           double* squares,                                              \
                           Number<S>* scratch) {                                         \
    sums_of_distances(x, l, around, sum, squares, scratch);                              \
  }                                                                                      \
  WIDE void wide_scale(const S* x,                                                       \
                       const NormLayout& l,                                              \
                       const Number<S>* scale,                                           \
                       const Number<S>* shift,                                           \
                       bool relu,                                                        \
                       const S* plus,                                                    \
                       S* y) {                                                           \
    if (plus == nullptr && relu)                                                         \
      scale_values<false, true>(x, l, scale, shift, plus, y);                            \
    else if (plus == nullptr)                                                            \
      scale_values<false, false>(x, l, scale, shift, plus, y);                           \
    else if (relu)                                                                       \
      scale_values<true, true>(x, l, scale, shift, plus, y);                             \
    else                                                                                 \
      scale_values<true, false>(x, l, scale, shift, plus, y);                            \
  }                                                                                      \
  WIDE void wide_sums(const S* dy,                                                       \
                      const S* x,                                                        \
                      const S* y,                                                        \
                      const NormLayout& l,                                               \
                      const Number<S>* const(&n)[3],                                     \
                      bool relu,                                                         \
                      double* sum,                                                       \
                      double* product,                                                   \
                      S* counted,                                                        \
                      Number<S>* scratch) {                                              \
    using enum Counts;                                                                   \
    if (!relu)                                                                           \
      sums_of_gradients<kAll, false>(dy, x, y, l, n, sum, product, counted, scratch);    \
    else if (y == nullptr)                                                               \
      sums_of_gradients<kWhereX, false>(dy, x, y, l, n, sum, product, counted, scratch); \
    else                                                                                 \
      sums_of_gradients<kWhereY, true>(dy, x, y, l, n, sum, product, counted, scratch);  \
  }                                                                                      \
  WIDE void wide_mix(const S* dy,                                                        \
                     const S* x,                                                         \
                     const NormLayout& l,                                                \
                     const Number<S>* const(&n)[5],                                      \
                     bool relu,                                                          \
                     S* dx) {                                                            \
    if (relu)                                                                            \
      mix<Counts::kWhereX>(dy, x, l, n, dx);                                             \
    else                                                                                 \
      mix<Counts::kAll>(dy, x, l, n, dx);                                                \
  }

NAS_NORM_KERNELS(NAS_WIDE, float)
NAS_NORM_KERNELS(NAS_WIDE, Bf16)
NAS_NORM_KERNELS(, double)
#undef NAS_NORM_KERNELS

/// Sums by lane, and what they are collected in.
template <typename T>
struct LaneSums {
  std::vector<double> first, second;
  std::vector<T> scratch;
  explicit LaneSums(const NormLayout& l)
      : first(static_cast<size_t>(lanes_of(l))), second(first.size()), scratch(2 * first.size()) {}
};

/// The mean of each channel's first values, as many as a block holds.
template <typename S>
std::vector<Number<S>> first_means(const S* x, const NormLayout& l) {
  const auto c = static_cast<size_t>(l.channels);
  std::vector<double> sum(c);
  std::vector<Number<S>> means(c);
  // Of planes the channels of the first image, of rows the first pixels.
  const int64_t few =
      l.inner == 1 ? std::min(l.outer, std::max<int64_t>(1, kBlock / l.channels)) : 1;
  const NormLayout part{std::min(few, l.outer), l.channels, l.inner};
  if (part.count() == 0) return means;
  LaneSums<Number<S>> sums(part);
  const std::vector<Number<S>> zero = laid_out(means.data(), part);
  wide_distances(x, part, zero.data(), sums.first.data(), sums.second.data(), sums.scratch.data());
  fold(sums.first, part, sum);
  for (size_t k = 0; k < c; ++k)
    means[k] = static_cast<Number<S>>(sum[k] / static_cast<double>(part.count()));
  return means;
}

/// y = x * scale + shift, as the loops read it.
template <typename T>
struct Line {
  std::vector<T> scale, shift;
  Line(const Normaliser<T>& by, const NormLayout& layout) {
    const auto c = static_cast<size_t>(layout.channels);
    std::vector<T> scales(c), shifts(c);
    for (size_t k = 0; k < c; ++k) {
      const double a = static_cast<double>(by.inverse[k]) *
                       (by.weight == nullptr ? 1.0 : static_cast<double>(by.weight[k]));
      scales[k] = static_cast<T>(a);
      shifts[k] = static_cast<T>((by.bias == nullptr ? 0.0 : static_cast<double>(by.bias[k])) -
                                 a * static_cast<double>(by.mean[k]));
    }
    scale = laid_out(scales.data(), layout);
    shift = laid_out(shifts.data(), layout);
  }
};

/// Joins n values of mean `mean` and squares `m2` around it to `count` values.
void join(double& at_mean, double& at_m2, double count, double mean, double m2, double n) {
  const double delta = mean - at_mean, all = count + n;
  at_mean += delta * (n / all);
  at_m2 += m2 + delta * delta * (count * n / all);
}

}  // namespace

template <typename S>
Moments moments_of(const S* x, const NormLayout& layout) {
  using T = Number<S>;
  Moments m{static_cast<double>(layout.count()), {}, {}};
  const std::vector<T> around = first_means(x, layout), all = laid_out(around.data(), layout);
  LaneSums<T> sums(layout);
  wide_distances(x, layout, all.data(), sums.first.data(), sums.second.data(), sums.scratch.data());
  fold(sums.first, layout, m.mean);
  fold(sums.second, layout, m.m2);
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
  const Line<Number<S>> line(by, layout);
  wide_scale(x, layout, line.scale.data(), line.shift.data(), by.relu, plus, y);
}

template <typename S>
GradientSums gradient_sums(const S* dy,
                           const S* x,
                           const S* y,
                           const NormLayout& layout,
                           const Normaliser<Number<S>>& by,
                           S* counted) {
  using T = Number<S>;
  const Line<T> line(by, layout);
  const std::vector<T> mean = laid_out(by.mean, layout);
  const T* const numbers[] = {mean.data(), line.scale.data(), line.shift.data()};
  LaneSums<T> lane_sums(layout);
  wide_sums(dy,
            x,
            y,
            layout,
            numbers,
            by.relu,
            lane_sums.first.data(),
            lane_sums.second.data(),
            counted,
            lane_sums.scratch.data());
  GradientSums sums;
  fold(lane_sums.first, layout, sums.dy);
  fold(lane_sums.second, layout, sums.dy_xhat);
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
  const Line<T> line(by, layout);
  std::vector<T> p(c), q(c), r(c);
  for (size_t k = 0; k < c; ++k) {
    const auto inverse = static_cast<double>(by.inverse[k]);
    const double a = inverse * (by.weight == nullptr ? 1.0 : static_cast<double>(by.weight[k]));
    const double b = -a * inverse * mean_dy_xhat[k];
    p[k] = static_cast<T>(a);
    q[k] = static_cast<T>(b);
    r[k] = static_cast<T>(-a * mean_dy[k] - b * static_cast<double>(by.mean[k]));
  }
  const std::vector<T> ps = laid_out(p.data(), layout), qs = laid_out(q.data(), layout),
                       rs = laid_out(r.data(), layout);
  const T* const numbers[] = {
      ps.data(), qs.data(), rs.data(), line.scale.data(), line.shift.data()};
  wide_mix(dy, x, layout, numbers, by.relu, dx);
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
