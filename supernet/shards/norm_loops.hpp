#pragma once
// The loops of norm_kernels.cpp, for any type of values: whoever includes this file compiles them
// for several instruction sets.
#include <algorithm>

#include "supernet/shards/norm_kernels.hpp"

namespace nas::norm_loops {

using lanes::kLanes;
using lanes::Number;
using lanes::Some;
using lanes::Strip;
using lanes::Vector;
using lanes::Whole;

constexpr int64_t kBlock = 4096;  ///< Values of a block: 16 kB of floats.

/// A number for each channel, as the vector that belongs to a strip.
template <typename T>
struct PerChannel {
  const T* values;
  bool rows;  ///< The lanes of a strip are channels; else all are of one.

  NAS_INLINE void get(int64_t channel, int lanes, Vector<T>& v) const {
    if (rows) {
      if (lanes == kLanes)
        lanes::load(values + channel, v);
      else
        lanes::load_some(values + channel, lanes, v);
      return;
    }
    // Unused lanes are 0 like what is read there: distances in them are 0.
    T all[kLanes] = {};
    for (int j = 0; j < lanes; ++j) all[j] = values[channel];
    lanes::load(all, v);
  }
};

/// Asks for `n` values that are soon to be read.
template <typename S>
NAS_INLINE void ask_for(const S* values, int64_t n) {
  constexpr int64_t kLine = 64 / sizeof(S);
  for (int64_t i = 0; i < n; i += kLine) __builtin_prefetch(values + i, 0, 2);
}

enum class Order {
  kBlocks,  ///< What is summed stays in registers for a whole block.
  kInTurn,  ///< As the values lie in memory.
};

/// f(strip, channel of its first lane) for all values: in rows of pixels, blocks that fit the
/// first-level cache with as many channels at once as there are lanes (of few channels in any
/// order: constants stay in registers then); else run by run. A block of many channels is not read
/// in the order of memory, so the next is asked for, of all `arrays`.
template <Order kOrder, typename F, typename... S>
NAS_INLINE void each_strip(const NormLayout& l, F&& f, const S*... arrays) {
  constexpr int64_t kFew = 64;
  if (l.inner == 1) {
    const int64_t c = l.channels;
    const int64_t rows =
        c > kFew && kOrder == Order::kInTurn ? 1 : std::max<int64_t>(1, kBlock / c);
    for (int64_t first = 0; first < l.outer; first += rows) {
      if (const int64_t next = first + rows; c > kFew && next < l.outer)
        (ask_for(arrays + next * c, std::min(rows, l.outer - next) * c), ...);
      for (int64_t k = 0; k < c; k += kLanes)
        f(Strip{first * c + k,
                std::min(rows, l.outer - first),
                c,
                static_cast<int>(std::min<int64_t>(kLanes, c - k))},
          k);
    }
    return;
  }
  for (int64_t o = 0; o < l.outer; ++o)
    for (int64_t k = 0; k < l.channels; ++k) {
      const int64_t run = (o * l.channels + k) * l.inner;
      for (int64_t i = 0; i < l.inner; i += kBlock) {
        const int64_t n = std::min(kBlock, l.inner - i), vectors = n / kLanes;
        if (vectors > 0) f(Strip{run + i, vectors, kLanes, kLanes}, k);
        if (const int64_t rest = n % kLanes; rest > 0)
          f(Strip{run + i + vectors * kLanes, 1, kLanes, static_cast<int>(rest)}, k);
      }
    }
}

/// g(Whole()) or g(Some()), so that the loop over full strips knows that they are.
template <typename G>
NAS_INLINE void by_width(const Strip& s, G&& g) {
  if (s.lanes == kLanes)
    g(Whole());
  else
    g(Some());
}

/// Sums that are kept in doubles, a vector for each group of channels (rows) or each channel.
template <typename T>
class Sums {
 public:
  Sums(double* at, bool rows) : at_(at), rows_(rows) {}
  NAS_INLINE void add(int64_t channel, const Vector<T>& v) {
    double* sum = at_ + (rows_ ? channel : channel * kLanes);
    Vector<double> all;
    lanes::load(sum, all);
    all += __builtin_convertvector(v, Vector<double>);
    lanes::store(all, sum);
  }

 private:
  double* at_;
  bool rows_;
};

/// Four vectors on their way, so that a sum does not wait for the one before.
constexpr int kChains = 4;

template <typename W, typename S>
NAS_INLINE void strip_sum(const S* x, const Strip& s, Vector<Number<S>>& total) {
  using V = Vector<Number<S>>;
  V a[kChains] = {};
  const S* from = x + s.at;
  int64_t i = 0;
  for (; i + kChains <= s.count; i += kChains)
    for (int u = 0; u < kChains; ++u) {
      V v;
      W::get(from + (i + u) * s.stride, s.lanes, v);
      a[u] += v;
    }
  for (; i < s.count; ++i) {
    V v;
    W::get(from + i * s.stride, s.lanes, v);
    a[0] += v;
  }
  total = (a[0] + a[1]) + (a[2] + a[3]);
}

template <typename W, typename S>
NAS_INLINE void strip_distances(const S* x,
                                const Strip& s,
                                const Vector<Number<S>>& around,
                                Vector<Number<S>>& total,
                                Vector<Number<S>>& squares) {
  using V = Vector<Number<S>>;
  V a[kChains] = {}, b[kChains] = {};
  const S* from = x + s.at;
  int64_t i = 0;
  for (; i + kChains <= s.count; i += kChains)
    for (int u = 0; u < kChains; ++u) {
      V v;
      W::get(from + (i + u) * s.stride, s.lanes, v);
      v -= around;
      a[u] += v;
      b[u] += v * v;
    }
  for (; i < s.count; ++i) {
    V v;
    W::get(from + i * s.stride, s.lanes, v);
    v -= around;
    a[0] += v;
    b[0] += v * v;
  }
  total = (a[0] + a[1]) + (a[2] + a[3]);
  squares = (b[0] + b[1]) + (b[2] + b[3]);
}

/// Means of the first block of each channel.
template <typename S>
NAS_INLINE void first_means(const S* x, const NormLayout& l, Number<S>* around) {
  using T = Number<S>;
  const auto mean_of = [&](const Strip& s, int64_t channel, int64_t values) NAS_INLINED {
    Vector<T> sum;
    by_width(s, [&](auto width) NAS_INLINED { strip_sum<decltype(width)>(x, s, sum); });
    T out[kLanes];
    lanes::store(sum, out);
    if (l.inner == 1) {
      for (int j = 0; j < s.lanes; ++j)
        around[channel + j] =
            static_cast<T>(static_cast<double>(out[j]) / static_cast<double>(values));
      return;
    }
    double all = 0;
    for (const T v : out) all += static_cast<double>(v);
    around[channel] = static_cast<T>(all / static_cast<double>(values));
  };
  if (l.outer == 0) return;
  if (l.inner == 1) {
    const int64_t rows = std::min(l.outer, std::max<int64_t>(1, kBlock / l.channels));
    each_strip<Order::kBlocks>({rows, l.channels, 1},
                               [&](const Strip& s, int64_t channel)
                                   NAS_INLINED { mean_of(s, channel, s.count); });
    return;
  }
  for (int64_t k = 0; k < l.channels; ++k) {
    const int64_t n = std::min(kBlock, l.inner), vectors = n / kLanes;
    if (vectors > 0)
      mean_of({k * l.inner, vectors, kLanes, kLanes}, k, vectors * kLanes);
    else
      mean_of({k * l.inner, 1, kLanes, static_cast<int>(n)}, k, n);
  }
}

template <typename S>
NAS_INLINE void sums_of_distances(
    const S* x, const NormLayout& l, Number<S>* around, double* sum, double* squares) {
  using T = Number<S>;
  first_means(x, l, around);
  const bool rows = l.inner == 1;
  const PerChannel<T> centre{around, rows};
  Sums<T> sums(sum, rows), more(squares, rows);
  each_strip<Order::kBlocks>(
      l,
      [&](const Strip& s, int64_t channel) NAS_INLINED {
        Vector<T> at, a, b;
        centre.get(channel, s.lanes, at);
        by_width(s,
                 [&](auto width) NAS_INLINED { strip_distances<decltype(width)>(x, s, at, a, b); });
        sums.add(channel, a);
        more.add(channel, b);
      },
      x);
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
  const bool rows = l.inner == 1;
  const PerChannel<Number<S>> scales{scale, rows}, shifts{shift, rows};
  each_strip<Order::kInTurn>(l, [&](const Strip& s, int64_t channel) NAS_INLINED {
    V a, b;
    scales.get(channel, s.lanes, a);
    shifts.get(channel, s.lanes, b);
    by_width(s, [&](auto width) NAS_INLINED {
      using W = decltype(width);
      for (int64_t i = 0; i < s.count; ++i) {
        const int64_t at = s.at + i * s.stride;
        V v;
        W::get(x + at, s.lanes, v);
        v = v * a + b;
        if constexpr (kPlus) {
          V other;
          W::get(plus + at, s.lanes, other);
          v += other;
        }
        // Not a number stays what it is: `v < 0` is false for it.
        if constexpr (kRelu) v = v < 0 ? V{} : v;
        W::put(v, s.lanes, y + at);
      }
    });
  });
}

enum class Counts { kAll, kWhereY, kWhereX };

/// What decides which dy count, for the lanes of a strip.
template <typename T>
struct Sign {
  Vector<T> scale, shift;
};

template <Counts kCounts, typename W, typename S>
NAS_INLINE void counted_dy(const S* dy,
                           const Vector<Number<S>>& x,
                           const S* y,
                           int lanes,
                           const Sign<Number<S>>& sign,
                           Vector<Number<S>>& g) {
  using V = Vector<Number<S>>;
  W::get(dy, lanes, g);
  if constexpr (kCounts == Counts::kWhereY) {
    V v;
    W::get(y, lanes, v);
    g = v > 0 ? g : V{};
  } else if constexpr (kCounts == Counts::kWhereX) {
    const V v = x * sign.scale + sign.shift;
    g = v > 0 ? g : V{};
  }
}

/// Sums of dy and of dy * (x - mean).
template <Counts kCounts, bool kKeep, typename S>
NAS_INLINE void sums_of_gradients(const S* dy,
                                  const S* x,
                                  const S* y,
                                  const NormLayout& l,
                                  const Number<S>* mean,
                                  const Number<S>* scale,
                                  const Number<S>* shift,
                                  double* sum,
                                  double* product,
                                  S* counted) {
  using T = Number<S>;
  using V = Vector<T>;
  constexpr int kTwo = 2;
  const bool rows = l.inner == 1;
  const PerChannel<T> means{mean, rows}, scales{scale, rows}, shifts{shift, rows};
  Sums<T> sums(sum, rows), products(product, rows);
  each_strip<Order::kBlocks>(
      l,
      [&](const Strip& s, int64_t channel) NAS_INLINED {
        V centre;
        Sign<T> sign;
        means.get(channel, s.lanes, centre);
        if constexpr (kCounts == Counts::kWhereX) {
          scales.get(channel, s.lanes, sign.scale);
          shifts.get(channel, s.lanes, sign.shift);
        }
        by_width(s, [&](auto width) NAS_INLINED {
          using W = decltype(width);
          V a[kTwo] = {}, b[kTwo] = {};
          const auto one = [&](int64_t i, int u) NAS_INLINED {
            const int64_t at = s.at + i * s.stride;
            V v, g;
            W::get(x + at, s.lanes, v);
            counted_dy<kCounts, W>(dy + at, v, y + at, s.lanes, sign, g);
            if constexpr (kKeep) W::put(g, s.lanes, counted + at);
            a[u] += g;
            b[u] += g * (v - centre);
          };
          int64_t i = 0;
          for (; i + kTwo <= s.count; i += kTwo)
            for (int u = 0; u < kTwo; ++u) one(i + u, u);
          for (; i < s.count; ++i) one(i, 0);
          a[0] += a[1];
          b[0] += b[1];
          sums.add(channel, a[0]);
          products.add(channel, b[0]);
        });
      },
      dy,
      x);
}

/// dx = dy * p + x * q + r, with one p, q, r a channel.
template <Counts kCounts, typename S>
NAS_INLINE void mix(const S* dy,
                    const S* x,
                    const NormLayout& l,
                    const Number<S>* const* factors,
                    const Number<S>* scale,
                    const Number<S>* shift,
                    S* dx) {
  using T = Number<S>;
  using V = Vector<T>;
  const bool rows = l.inner == 1;
  const PerChannel<T> ps{factors[0], rows}, qs{factors[1], rows}, rs{factors[2], rows};
  const PerChannel<T> scales{scale, rows}, shifts{shift, rows};
  each_strip<Order::kInTurn>(l, [&](const Strip& s, int64_t channel) NAS_INLINED {
    V p, q, r;
    Sign<T> sign;
    ps.get(channel, s.lanes, p);
    qs.get(channel, s.lanes, q);
    rs.get(channel, s.lanes, r);
    if constexpr (kCounts == Counts::kWhereX) {
      scales.get(channel, s.lanes, sign.scale);
      shifts.get(channel, s.lanes, sign.shift);
    }
    by_width(s, [&](auto width) NAS_INLINED {
      using W = decltype(width);
      for (int64_t i = 0; i < s.count; ++i) {
        const int64_t at = s.at + i * s.stride;
        V v, g;
        W::get(x + at, s.lanes, v);
        counted_dy<kCounts, W>(dy + at, v, x, s.lanes, sign, g);
        v = g * p + (v * q + r);
        W::put(v, s.lanes, dx + at);
      }
    });
  });
}

}  // namespace nas::norm_loops
