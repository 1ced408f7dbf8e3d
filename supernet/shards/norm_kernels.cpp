// One pass over memory for moments: a run (or block of rows) that fits the first-level cache is
// read twice, for a mean and for the distances to it, and joined to what was there before
// (Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances,
// 1979). That is as stable as two passes and costs the memory traffic of one. Sums run in kLanes
// separate lanes, so that compilers may use any width of vectors without changing an order, and
// this file is compiled without contraction into fused products: bits are those of every machine.
#include "supernet/shards/norm_kernels.hpp"

#include <algorithm>

#include "spaces/base/wide.hpp"

namespace nas {
namespace {

constexpr int kLanes = 16;
constexpr int64_t kBlock = 4096;  ///< Values of a block of rows: 16 kB of floats.

template <typename T>
double total(const T* lanes) {
  double sum = 0;
  for (int j = 0; j < kLanes; ++j) sum += static_cast<double>(lanes[j]);
  return sum;
}

template <typename T>
[[gnu::always_inline]] inline double sum_of(const T* x, int64_t n) {
  T lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  for (int j = 0; i < n; ++i, ++j) lanes[j] += x[i];
  return total(lanes);
}

/// Sum and sum of squares of the distances to `around`.
template <typename T>
[[gnu::always_inline]] inline void distances_of(
    const T* x, int64_t n, T around, double& sum, double& squares) {
  T a[kLanes] = {}, b[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) {
      const T d = x[i + j] - around;
      a[j] += d;
      b[j] += d * d;
    }
  for (int j = 0; i < n; ++i, ++j) {
    const T d = x[i] - around;
    a[j] += d;
    b[j] += d * d;
  }
  sum = total(a);
  squares = total(b);
}

/// Joins n values of mean `mean` and squares `m2` around it to `count` values.
void join(double& at_mean, double& at_m2, double count, double mean, double m2, double n) {
  const double delta = mean - at_mean, all = count + n;
  at_mean += delta * (n / all);
  at_m2 += m2 + delta * delta * (count * n / all);
}

/// The same for n values whose distances to `around`, which is near their mean, have these sums.
void join_distances(double& at_mean,
                    double& at_m2,
                    double count,
                    double around,
                    double sum,
                    double squares,
                    double n) {
  const double shift = sum / n;
  join(at_mean, at_m2, count, around + shift, std::max(squares - sum * shift, 0.0), n);
}

template <typename T>
[[gnu::always_inline]] inline void run_moments(const T* x,
                                               const NormLayout& l,
                                               double* mean,
                                               double* m2) {
  const auto n = static_cast<double>(l.inner);
  for (int64_t o = 0; o < l.outer; ++o)
    for (int64_t c = 0; c < l.channels; ++c) {
      const T* run = x + (o * l.channels + c) * l.inner;
      const T around = static_cast<T>(sum_of(run, l.inner) / n);
      double sum = 0, squares = 0;
      distances_of(run, l.inner, around, sum, squares);
      join_distances(
          mean[c], m2[c], static_cast<double>(o) * n, static_cast<double>(around), sum, squares, n);
    }
}

template <typename T>
[[gnu::always_inline]] inline void row_moments(
    const T* x, const NormLayout& l, double* mean, double* m2, T* sum, T* around, T* squares) {
  const int64_t c = l.channels, rows = std::max<int64_t>(1, kBlock / c);
  for (int64_t first = 0; first < l.outer; first += rows) {
    const int64_t end = std::min(first + rows, l.outer);
    const auto n = static_cast<double>(end - first);
    std::fill(sum, sum + c, T(0));
    std::fill(squares, squares + c, T(0));
    for (int64_t r = first; r < end; ++r)
      for (int64_t k = 0; k < c; ++k) sum[k] += x[r * c + k];
    for (int64_t k = 0; k < c; ++k) {
      around[k] = static_cast<T>(static_cast<double>(sum[k]) / n);
      sum[k] = 0;
    }
    for (int64_t r = first; r < end; ++r)
      for (int64_t k = 0; k < c; ++k) {
        const T d = x[r * c + k] - around[k];
        sum[k] += d;
        squares[k] += d * d;
      }
    for (int64_t k = 0; k < c; ++k)
      join_distances(mean[k],
                     m2[k],
                     static_cast<double>(first),
                     static_cast<double>(around[k]),
                     static_cast<double>(sum[k]),
                     static_cast<double>(squares[k]),
                     n);
  }
}

/// y = x * scale + shift, cut off below at `least`.
template <typename T>
[[gnu::always_inline]] inline void scale_values(
    const T* x, const NormLayout& l, const T* scale, const T* shift, bool relu, T* y) {
  if (l.inner == 1) {
    for (int64_t r = 0; r < l.outer; ++r) {
      const T* from = x + r * l.channels;
      T* to = y + r * l.channels;
      for (int64_t k = 0; k < l.channels; ++k) {
        const T v = from[k] * scale[k] + shift[k];
        // Not a number stays what it is: `v < 0` is false for it.
        to[k] = relu && v < 0 ? T(0) : v;
      }
    }
    return;
  }
  for (int64_t o = 0; o < l.outer; ++o)
    for (int64_t c = 0; c < l.channels; ++c) {
      const int64_t at = (o * l.channels + c) * l.inner;
      const T a = scale[c], b = shift[c];
      for (int64_t i = 0; i < l.inner; ++i) {
        const T v = x[at + i] * a + b;
        y[at + i] = relu && v < 0 ? T(0) : v;
      }
    }
}

/// Sums of dy and of dy * (x - mean) * inverse; `kept`: where dy counts, or null for everywhere.
template <typename T>
[[gnu::always_inline]] inline void run_sums(const T* dy,
                                            const T* x,
                                            const T* kept,
                                            const NormLayout& l,
                                            const Normaliser<T>& by,
                                            double* sum,
                                            double* product) {
  for (int64_t o = 0; o < l.outer; ++o)
    for (int64_t c = 0; c < l.channels; ++c) {
      const int64_t at = (o * l.channels + c) * l.inner;
      const T mean = by.mean[c];
      T a[kLanes] = {}, b[kLanes] = {};
      int64_t i = 0;
      for (; i + kLanes <= l.inner; i += kLanes)
        for (int j = 0; j < kLanes; ++j) {
          const T g = kept != nullptr && !(kept[at + i + j] > 0) ? T(0) : dy[at + i + j];
          a[j] += g;
          b[j] += g * (x[at + i + j] - mean);
        }
      for (int j = 0; i < l.inner; ++i, ++j) {
        const T g = kept != nullptr && !(kept[at + i] > 0) ? T(0) : dy[at + i];
        a[j] += g;
        b[j] += g * (x[at + i] - mean);
      }
      sum[c] += total(a);
      product[c] += total(b);
    }
}

template <typename T>
[[gnu::always_inline]] inline void row_sums(const T* dy,
                                            const T* x,
                                            const T* kept,
                                            const NormLayout& l,
                                            const Normaliser<T>& by,
                                            double* sum,
                                            double* product,
                                            T* a,
                                            T* b) {
  const int64_t c = l.channels, rows = std::max<int64_t>(1, kBlock / c);
  for (int64_t first = 0; first < l.outer; first += rows) {
    const int64_t end = std::min(first + rows, l.outer);
    std::fill(a, a + c, T(0));
    std::fill(b, b + c, T(0));
    for (int64_t r = first; r < end; ++r)
      for (int64_t k = 0; k < c; ++k) {
        const int64_t i = r * c + k;
        const T g = kept != nullptr && !(kept[i] > 0) ? T(0) : dy[i];
        a[k] += g;
        b[k] += g * (x[i] - by.mean[k]);
      }
    for (int64_t k = 0; k < c; ++k) {
      sum[k] += static_cast<double>(a[k]);
      product[k] += static_cast<double>(b[k]);
    }
  }
}

/// dx = dy * p + x * q + r, with one p, q, r a channel.
template <typename T>
[[gnu::always_inline]] inline void mix(const T* dy,
                                       const T* x,
                                       const T* kept,
                                       const NormLayout& l,
                                       const T* p,
                                       const T* q,
                                       const T* r,
                                       T* dx) {
  if (l.inner == 1) {
    for (int64_t o = 0; o < l.outer; ++o)
      for (int64_t k = 0; k < l.channels; ++k) {
        const int64_t i = o * l.channels + k;
        const T g = kept != nullptr && !(kept[i] > 0) ? T(0) : dy[i];
        dx[i] = g * p[k] + (x[i] * q[k] + r[k]);
      }
    return;
  }
  for (int64_t o = 0; o < l.outer; ++o)
    for (int64_t c = 0; c < l.channels; ++c) {
      const int64_t at = (o * l.channels + c) * l.inner;
      const T pc = p[c], qc = q[c], rc = r[c];
      for (int64_t i = at; i < at + l.inner; ++i) {
        const T g = kept != nullptr && !(kept[i] > 0) ? T(0) : dy[i];
        dx[i] = g * pc + (x[i] * qc + rc);
      }
    }
}

// Clones for instruction sets are made of plain functions, not of templates.
#define NAS_NORM_KERNELS(T)                                                               \
  NAS_WIDE void wide_moments(                                                             \
      const T* x, const NormLayout& l, double* mean, double* m2, T* s, T* m, T* q) {      \
    if (l.inner == 1)                                                                     \
      row_moments(x, l, mean, m2, s, m, q);                                               \
    else                                                                                  \
      run_moments(x, l, mean, m2);                                                        \
  }                                                                                       \
  NAS_WIDE void wide_scale(                                                               \
      const T* x, const NormLayout& l, const T* scale, const T* shift, bool relu, T* y) { \
    scale_values(x, l, scale, shift, relu, y);                                            \
  }                                                                                       \
  NAS_WIDE void wide_sums(const T* dy,                                                    \
                          const T* x,                                                     \
                          const T* kept,                                                  \
                          const NormLayout& l,                                            \
                          const Normaliser<T>& by,                                        \
                          double* sum,                                                    \
                          double* product,                                                \
                          T* a,                                                           \
                          T* b) {                                                         \
    if (l.inner == 1)                                                                     \
      row_sums(dy, x, kept, l, by, sum, product, a, b);                                   \
    else                                                                                  \
      run_sums(dy, x, kept, l, by, sum, product);                                         \
  }                                                                                       \
  NAS_WIDE void wide_mix(const T* dy,                                                     \
                         const T* x,                                                      \
                         const T* kept,                                                   \
                         const NormLayout& l,                                             \
                         const T* p,                                                      \
                         const T* q,                                                      \
                         const T* r,                                                      \
                         T* dx) {                                                         \
    mix(dy, x, kept, l, p, q, r, dx);                                                     \
  }

NAS_NORM_KERNELS(float)
NAS_NORM_KERNELS(double)
#undef NAS_NORM_KERNELS

}  // namespace

template <typename T>
Moments moments_of(const T* x, const NormLayout& layout) {
  const auto c = static_cast<size_t>(layout.channels);
  Moments m{static_cast<double>(layout.count()), std::vector<double>(c), std::vector<double>(c)};
  std::vector<T> scratch(3 * c);
  wide_moments(x,
               layout,
               m.mean.data(),
               m.m2.data(),
               scratch.data(),
               scratch.data() + c,
               scratch.data() + 2 * c);
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

template <typename T>
void normalise(const T* x, const NormLayout& layout, const Normaliser<T>& by, T* y) {
  const auto c = static_cast<size_t>(layout.channels);
  std::vector<T> scale(c), shift(c);
  for (size_t k = 0; k < c; ++k) {
    const double a = static_cast<double>(by.inverse[k]) *
                     (by.weight == nullptr ? 1.0 : static_cast<double>(by.weight[k]));
    scale[k] = static_cast<T>(a);
    shift[k] = static_cast<T>((by.bias == nullptr ? 0.0 : static_cast<double>(by.bias[k])) -
                              a * static_cast<double>(by.mean[k]));
  }
  wide_scale(x, layout, scale.data(), shift.data(), by.relu, y);
}

template <typename T>
GradientSums gradient_sums(
    const T* dy, const T* x, const T* y, const NormLayout& layout, const Normaliser<T>& by) {
  const auto c = static_cast<size_t>(layout.channels);
  GradientSums sums{std::vector<double>(c), std::vector<double>(c)};
  std::vector<T> scratch(2 * c);
  wide_sums(dy,
            x,
            by.relu ? y : nullptr,
            layout,
            by,
            sums.dy.data(),
            sums.dy_xhat.data(),
            scratch.data(),
            scratch.data() + c);
  for (size_t k = 0; k < c; ++k) sums.dy_xhat[k] *= static_cast<double>(by.inverse[k]);
  return sums;
}

template <typename T>
void input_gradient(const T* dy,
                    const T* x,
                    const T* y,
                    const NormLayout& layout,
                    const Normaliser<T>& by,
                    const std::vector<double>& mean_dy,
                    const std::vector<double>& mean_dy_xhat,
                    T* dx) {
  const auto c = static_cast<size_t>(layout.channels);
  std::vector<T> p(c), q(c), r(c);
  for (size_t k = 0; k < c; ++k) {
    const auto inverse = static_cast<double>(by.inverse[k]);
    const double a = inverse * (by.weight == nullptr ? 1.0 : static_cast<double>(by.weight[k]));
    const double b = -a * inverse * mean_dy_xhat[k];
    p[k] = static_cast<T>(a);
    q[k] = static_cast<T>(b);
    r[k] = static_cast<T>(-a * mean_dy[k] - b * static_cast<double>(by.mean[k]));
  }
  wide_mix(dy, x, by.relu ? y : nullptr, layout, p.data(), q.data(), r.data(), dx);
}

#define NAS_INSTANTIATE(T)                                                        \
  template Moments moments_of(const T*, const NormLayout&);                       \
  template void normalise(const T*, const NormLayout&, const Normaliser<T>&, T*); \
  template GradientSums gradient_sums(                                            \
      const T*, const T*, const T*, const NormLayout&, const Normaliser<T>&);     \
  template void input_gradient(const T*,                                          \
                               const T*,                                          \
                               const T*,                                          \
                               const NormLayout&,                                 \
                               const Normaliser<T>&,                              \
                               const std::vector<double>&,                        \
                               const std::vector<double>&,                        \
                               T*);
NAS_INSTANTIATE(float)
NAS_INSTANTIATE(double)
#undef NAS_INSTANTIATE

}  // namespace nas
