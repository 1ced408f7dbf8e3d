#pragma once
// The loops of norm_kernels.cpp, for any type of values: whoever includes this file compiles them
// for several instruction sets.
//
// Rows of pixels (one value of each channel in turn) are read as one long run, whatever the number
// of channels: a period is the least number of whole vectors after which the channels stand in the
// same lanes again (a few of them, where that is short, so that a sum is not needed again at once).
// Numbers of channels are laid out once for a period, and sums are kept for each of its lanes.
// Planes (runs of one channel) have one number for all lanes, and a rest after each run.
#include <algorithm>
#include <numeric>
#include <vector>

#include "supernet/shards/norm_kernels.hpp"

namespace nas::norm_loops {

using lanes::kLanes;
using lanes::Number;
using lanes::Some;
using lanes::Vector;
using lanes::Whole;

constexpr int64_t kBlock = 4096;  ///< Values whose sums are kept as floats.
constexpr int64_t kApart = 8;     ///< Vectors between two uses of a sum, at least.

/// Vectors of a period.
inline int64_t period_of(int64_t channels) {
  const int64_t least = channels / std::gcd<int64_t, int64_t>(channels, kLanes);
  return least * ((kApart + least - 1) / least);
}

/// How many lanes have sums of their own.
inline int64_t lanes_of(const NormLayout& l) {
  return kLanes * (l.inner == 1 ? period_of(l.channels) : l.channels);
}

/// A number for each channel as the loops read it: for each lane of a period, or each channel.
template <typename T>
std::vector<T> laid_out(const T* values, const NormLayout& l) {
  if (l.inner > 1) return {values, values + l.channels};
  std::vector<T> all(static_cast<size_t>(lanes_of(l)));
  int64_t channel = 0;
  for (T& value : all) {
    value = values[channel];
    if (++channel == l.channels) channel = 0;
  }
  return all;
}

/// The sum of each channel, of the sums of all lanes.
inline void fold(const std::vector<double>& sums, const NormLayout& l, std::vector<double>& to) {
  to.assign(static_cast<size_t>(l.channels), 0);
  for (int64_t i = 0; i < static_cast<int64_t>(sums.size()); ++i)
    to[static_cast<size_t>(l.inner == 1 ? i % l.channels : i / kLanes)] +=
        sums[static_cast<size_t>(i)];
}

/// Numbers of the lanes of vector `i` of a period.
template <typename T>
struct OfLanes {
  const T* values;
  NAS_INLINE void get(int64_t i, Vector<T>& v) const { lanes::load(values + i * kLanes, v); }
};
/// One number for all of a run; 0 in lanes that its rest does not use, see cut().
template <typename T>
struct OfRun {
  Vector<T> value;
  NAS_INLINE OfRun(const T& given, int lanes) {
    T all[kLanes] = {};
    for (int j = 0; j < lanes; ++j) all[j] = given;
    lanes::load(all, value);
  }
  NAS_INLINE void get(int64_t, Vector<T>& v) const { v = value; }
};

template <typename C, typename V, int N>
NAS_INLINE void get_all(const C* from, int64_t i, V (&to)[N]) {
  for (int n = 0; n < N; ++n) from[n].get(i, to[n]);
}

/// The first `used` lanes; 0 in the others, like what is read there: distances in them are 0.
template <typename T, int N>
NAS_INLINE void cut(Vector<T> (&v)[N], int used) {
  for (int n = 0; n < N; ++n) {
    T all[kLanes];
    lanes::store(v[n], all);
    for (int j = used; j < kLanes; ++j) all[j] = 0;
    lanes::load(all, v[n]);
  }
}

/// f(width, at, lanes, numbers) for every vector of values from `at` on.
template <typename T, int N, typename F>
NAS_INLINE void each_vector(const NormLayout& l, const T* const (&numbers)[N], F&& f) {
  Vector<T> c[N];
  if (l.inner == 1) {
    OfLanes<T> of[N];
    for (int n = 0; n < N; ++n) of[n].values = numbers[n];
    const int64_t all = l.outer * l.channels, vectors = all / kLanes;
    const int64_t period = period_of(l.channels);
    for (int64_t first = 0; first < vectors; first += period) {
      const int64_t count = std::min(period, vectors - first);
      for (int64_t i = 0; i < count; ++i) {
        get_all(of, i, c);
        f(Whole(), (first + i) * kLanes, kLanes, c);
      }
    }
    if (const int64_t rest = all % kLanes; rest > 0) {
      get_all(of, vectors % period, c);
      f(Some(), vectors * kLanes, static_cast<int>(rest), c);
    }
    return;
  }
  const int64_t vectors = l.inner / kLanes;
  const int rest = static_cast<int>(l.inner % kLanes);
  for (int64_t run = 0; run < l.outer * l.channels; ++run) {
    const int64_t channel = run % l.channels, at = run * l.inner;
    for (int n = 0; n < N; ++n) OfRun<T>(numbers[n][channel], kLanes).get(0, c[n]);
    for (int64_t i = 0; i < vectors; ++i) f(Whole(), at + i * kLanes, kLanes, c);
    if (rest == 0) continue;
    for (int n = 0; n < N; ++n) OfRun<T>(numbers[n][channel], rest).get(0, c[n]);
    f(Some(), at + vectors * kLanes, rest, c);
  }
}

/// Adds float sums of a block to those in doubles.
template <typename T>
NAS_INLINE void add_to(double* sums, const Vector<T>& v) {
  Vector<double> all;
  lanes::load(sums, all);
  all += __builtin_convertvector(v, Vector<double>);
  lanes::store(all, sums);
}

/// f(width, at, lanes, numbers, a, b) gives the two terms of every vector; their sums by lane in
/// `sum` and `product`. `scratch`: 2 * lanes_of(l) numbers.
template <typename T, int N, typename F>
NAS_INLINE void two_sums(const NormLayout& l,
                         const T* const (&numbers)[N],
                         double* sum,
                         double* product,
                         T* scratch,
                         F&& f) {
  using V = Vector<T>;
  V c[N], a, b, s;
  if (l.inner == 1) {
    OfLanes<T> of[N];
    for (int n = 0; n < N; ++n) of[n].values = numbers[n];
    const int64_t all = l.outer * l.channels, vectors = all / kLanes;
    const int64_t period = period_of(l.channels), lanes = period * kLanes;
    const int64_t block = period * std::max<int64_t>(1, kBlock / lanes);
    T *sums = scratch, *products = scratch + lanes;
    const auto add = [&](auto width, int64_t v, int64_t i, int used) NAS_INLINED {
      get_all(of, i, c);
      if (used < kLanes) cut<T, N>(c, used);
      f(width, v * kLanes, used, c, a, b);
      lanes::load(sums + i * kLanes, s);
      s += a;
      lanes::store(s, sums + i * kLanes);
      lanes::load(products + i * kLanes, s);
      s += b;
      lanes::store(s, products + i * kLanes);
    };
    for (int64_t first = 0; first * kLanes < all; first += block) {
      std::fill(scratch, scratch + 2 * lanes, T(0));
      const int64_t end = std::min(first + block, vectors);
      for (int64_t begin = first; begin < end; begin += period) {
        const int64_t count = std::min(period, end - begin);
        for (int64_t i = 0; i < count; ++i) add(Whole(), begin + i, i, kLanes);
      }
      // Vectors are many enough for a rest in the last block only.
      if (const int64_t rest = all % kLanes; end == vectors && rest > 0 && first + block > vectors)
        add(Some(), vectors, vectors % period, static_cast<int>(rest));
      for (int64_t i = 0; i < period; ++i) {
        lanes::load(sums + i * kLanes, s);
        add_to<T>(sum + i * kLanes, s);
        lanes::load(products + i * kLanes, s);
        add_to<T>(product + i * kLanes, s);
      }
    }
    return;
  }
  constexpr int kChains = 4;  // Sums on their way, so that none waits for the one before.
  for (int64_t run = 0; run < l.outer * l.channels; ++run) {
    const int64_t channel = run % l.channels;
    for (int64_t from = 0; from < l.inner; from += kBlock) {
      const int64_t n = std::min(kBlock, l.inner - from), at = run * l.inner + from;
      const int64_t vectors = n / kLanes;
      V as[kChains] = {}, bs[kChains] = {};
      for (int k = 0; k < N; ++k) OfRun<T>(numbers[k][channel], kLanes).get(0, c[k]);
      int64_t i = 0;
      for (; i + kChains <= vectors; i += kChains)
        for (int u = 0; u < kChains; ++u) {
          f(Whole(), at + (i + u) * kLanes, kLanes, c, a, b);
          as[u] += a;
          bs[u] += b;
        }
      for (; i < vectors; ++i) {
        f(Whole(), at + i * kLanes, kLanes, c, a, b);
        as[0] += a;
        bs[0] += b;
      }
      if (const int rest = static_cast<int>(n % kLanes); rest > 0) {
        for (int k = 0; k < N; ++k) OfRun<T>(numbers[k][channel], rest).get(0, c[k]);
        f(Some(), at + vectors * kLanes, rest, c, a, b);
        as[1] += a;
        bs[1] += b;
      }
      s = (as[0] + as[1]) + (as[2] + as[3]);
      add_to<T>(sum + channel * kLanes, s);
      s = (bs[0] + bs[1]) + (bs[2] + bs[3]);
      add_to<T>(product + channel * kLanes, s);
    }
  }
}

/// Sums of the distances to `around` and of their squares.
template <typename S>
NAS_INLINE void sums_of_distances(const S* x,
                                  const NormLayout& l,
                                  const Number<S>* around,
                                  double* sum,
                                  double* squares,
                                  Number<S>* scratch) {
  using V = Vector<Number<S>>;
  const Number<S>* const numbers[] = {around};
  two_sums(l,
           numbers,
           sum,
           squares,
           scratch,
           [&](auto width, int64_t at, int lanes, const V(&c)[1], V& a, V& b) NAS_INLINED {
             decltype(width)::get(x + at, lanes, a);
             a -= c[0];
             b = a * a;
           });
}

/// y = x * scale + shift (+ plus), cut off below at 0 where kRelu.
template <bool kPlus, bool kRelu, typename S>
NAS_INLINE void scale_values(const S* x,
                             const NormLayout& l,
                             const Number<S>* scale,
                             const Number<S>* shift,
                             const S* plus,
                             S* y) {
  using V = Vector<Number<S>>;
  const Number<S>* const numbers[] = {scale, shift};
  each_vector(l, numbers, [&](auto width, int64_t at, int lanes, const V(&c)[2]) NAS_INLINED {
    using W = decltype(width);
    V v;
    W::get(x + at, lanes, v);
    v = v * c[0] + c[1];
    if constexpr (kPlus) {
      V other;
      W::get(plus + at, lanes, other);
      v += other;
    }
    // Not a number stays what it is: `v < 0` is false for it.
    if constexpr (kRelu) v = v < 0 ? V{} : v;
    W::put(v, lanes, y + at);
  });
}

/// Which dy count: all, those whose y is above 0, those whose x * scale + shift is.
enum class Counts { kAll, kWhereY, kWhereX };

/// Sums of dy and of dy * (x - mean).
template <Counts kCounts, bool kKeep, typename S>
NAS_INLINE void sums_of_gradients(const S* dy,
                                  const S* x,
                                  const S* y,
                                  const NormLayout& l,
                                  const Number<S>* const (&numbers)[3],
                                  double* sum,
                                  double* product,
                                  S* counted,
                                  Number<S>* scratch) {
  using V = Vector<Number<S>>;
  two_sums(l,
           numbers,
           sum,
           product,
           scratch,
           [&](auto width, int64_t at, int lanes, const V(&c)[3], V& a, V& b) NAS_INLINED {
             using W = decltype(width);
             V v;
             W::get(x + at, lanes, v);
             W::get(dy + at, lanes, a);
             if constexpr (kCounts == Counts::kWhereY) {
               V of;
               W::get(y + at, lanes, of);
               a = of > 0 ? a : V{};
             } else if constexpr (kCounts == Counts::kWhereX) {
               b = v * c[1] + c[2];
               a = b > 0 ? a : V{};
             }
             if constexpr (kKeep) W::put(a, lanes, counted + at);
             b = a * (v - c[0]);
           });
}

/// dx = dy * p + x * q + r, with one p, q, r a channel; numbers: p, q, r, scale, shift.
template <Counts kCounts, typename S>
NAS_INLINE void mix(
    const S* dy, const S* x, const NormLayout& l, const Number<S>* const (&numbers)[5], S* dx) {
  using V = Vector<Number<S>>;
  each_vector(l, numbers, [&](auto width, int64_t at, int lanes, const V(&c)[5]) NAS_INLINED {
    using W = decltype(width);
    V v, g;
    W::get(x + at, lanes, v);
    W::get(dy + at, lanes, g);
    if constexpr (kCounts == Counts::kWhereX) {
      const V y = v * c[3] + c[4];
      g = y > 0 ? g : V{};
    }
    v = g * c[0] + (v * c[1] + c[2]);
    W::put(v, lanes, dx + at);
  });
}

}  // namespace nas::norm_loops
