// A window's sum is a sum over rows of sums over columns: 2k instead of k * k additions a value.
// Both directions are the same sums over neighbours, with the number of values of a window divided
// out afterwards (mean) or before (gradient). Where windows are one apart, the columns of a whole
// row are added as shifted vectors, whatever the layout: neighbours are `step` values away. This
// file is compiled without contraction into fused products: bits are those of every machine.
#include "supernet/shards/pool_kernels.hpp"

#include <algorithm>

#include "spaces/base/wide.hpp"

namespace nas {
namespace {

using lanes::kLanes;
using lanes::Number;
using lanes::Some;
using lanes::Vector;
using lanes::Whole;

/// Sources `first` to `last` (none where it is less) of one result.
struct Range {
  int64_t first = 0, last = -1;
  int64_t size() const { return last - first + 1; }
};

/// The values of each window.
std::vector<Range> values_of(const Windows& w) {
  std::vector<Range> ranges(static_cast<size_t>(w.out));
  for (int64_t o = 0; o < w.out; ++o) {
    const int64_t begin = o * w.stride - w.padding;
    ranges[static_cast<size_t>(o)] = {std::max<int64_t>(begin, 0),
                                      std::min(begin + w.kernel, w.in) - 1};
  }
  return ranges;
}

/// The windows of each value.
std::vector<Range> windows_of(const Windows& w) {
  std::vector<Range> ranges(static_cast<size_t>(w.in));
  for (int64_t i = 0; i < w.in; ++i) {
    const int64_t place = i + w.padding, before = place - w.kernel + 1;
    ranges[static_cast<size_t>(i)] = {before <= 0 ? 0 : (before + w.stride - 1) / w.stride,
                                      std::min(place / w.stride, w.out - 1)};
  }
  return ranges;
}

/// Results `first` to `end - 1` whose ranges are all of one size, each one further than the last.
struct Even {
  int64_t first = 0, end = 0;
};
Even longest_even(const std::vector<Range>& ranges) {
  Even best, now;
  const auto n = static_cast<int64_t>(ranges.size());
  for (int64_t o = 0; o < n; ++o) {
    const auto i = static_cast<size_t>(o);
    if (o > 0 && ranges[i].size() > 0 && ranges[i].size() == ranges[i - 1].size() &&
        ranges[i].first == ranges[i - 1].first + 1)
      now.end = o + 1;
    else
      now = {o, o + 1};
    if (now.end - now.first > best.end - best.first) best = now;
  }
  return best;
}

/// What the pass over all planes knows. T: what one computes with.
template <typename T>
struct Pass {
  int64_t planes, step;
  int64_t rows_in, rows_out, columns_in, columns_out;
  const Range* rows;     ///< Of each row of the result.
  const Range* columns;  ///< Of each column of the result.
  Even even;             ///< Among columns.
  /// Factors of a row of the source, of those of the result: a line of `columns * step` each, by
  /// row; null: 1.
  const T* const* before;
  const T* const* after;
  T* sums;  ///< Scratch: a row of the source.
};

/// to = sum over the rows of a range, each times its factors.
template <typename S>
NAS_INLINE void sum_rows(
    const S* from, int64_t n, const Range& range, const Number<S>* const* before, Number<S>* to) {
  using V = Vector<Number<S>>;
  const auto one = [&](auto width, int64_t t, int lanes) NAS_INLINED {
    using W = decltype(width);
    V sum{};
    for (int64_t i = range.first; i <= range.last; ++i) {
      V v;
      W::get(from + i * n + t, lanes, v);
      if (before != nullptr) {
        V factor;
        W::get(before[i] + t, lanes, factor);
        v *= factor;
      }
      sum = i == range.first ? v : sum + v;
    }
    W::put(sum, lanes, to + t);
  };
  int64_t t = 0;
  for (; t + kLanes <= n; t += kLanes) one(Whole(), t, kLanes);
  if (t < n) one(Some(), t, static_cast<int>(n - t));
}

/// y = (sum of `size` neighbours, `step` apart from `from` on) times `after`, for n values.
template <typename S>
NAS_INLINE void sum_neighbours(
    const Number<S>* from, int64_t n, int64_t size, int64_t step, const Number<S>* after, S* y) {
  using V = Vector<Number<S>>;
  const auto one = [&](auto width, int64_t t, int lanes) NAS_INLINED {
    using W = decltype(width);
    V sum{};
    for (int64_t m = 0; m < size; ++m) {
      V v;
      W::get(from + m * step + t, lanes, v);
      sum = m == 0 ? v : sum + v;
    }
    if (after != nullptr) {
      V factor;
      W::get(after + t, lanes, factor);
      sum *= factor;
    }
    W::put(sum, lanes, y + t);
  };
  int64_t t = 0;
  for (; t + kLanes <= n; t += kLanes) one(Whole(), t, kLanes);
  if (t < n) one(Some(), t, static_cast<int>(n - t));
}

template <typename S>
NAS_INLINE void sum_windows(const S* x, const Pass<Number<S>>& p, S* y) {
  const int64_t in = p.columns_in * p.step, out = p.columns_out * p.step;
  for (int64_t plane = 0; plane < p.planes; ++plane)
    for (int64_t o = 0; o < p.rows_out; ++o) {
      sum_rows(x + plane * p.rows_in * in, in, p.rows[o], p.before, p.sums);
      const Number<S>* after = p.after == nullptr ? nullptr : p.after[o];
      S* to = y + (plane * p.rows_out + o) * out;
      for (int64_t c = 0; c < p.columns_out;) {
        const Range& range = p.columns[c];
        const int64_t end = c == p.even.first ? p.even.end : c + 1;
        sum_neighbours(p.sums + range.first * p.step,
                       (end - c) * p.step,
                       range.size(),
                       p.step,
                       after == nullptr ? nullptr : after + c * p.step,
                       to + c * p.step);
        c = end;
      }
    }
}

// Clones for instruction sets are made of plain functions, not of templates.
NAS_WIDE void wide_windows(const float* x, const Pass<float>& p, float* y) {
  sum_windows(x, p, y);
}
NAS_WIDE void wide_windows(const double* x, const Pass<double>& p, double* y) {
  sum_windows(x, p, y);
}
NAS_WIDE void wide_windows(const Bf16* x, const Pass<float>& p, Bf16* y) {
  sum_windows(x, p, y);
}

/// For each row of windows a line of 1 / (values of the window), `step` times each.
template <typename T>
struct Shares {
  std::vector<std::vector<T>> lines;
  std::vector<const T*> by_row;

  Shares(const std::vector<Range>& rows, const std::vector<Range>& columns, int64_t step) {
    std::vector<int64_t> sizes;  // Few: a whole window's, and those that the border cuts.
    for (const Range& row : rows)
      if (std::find(sizes.begin(), sizes.end(), row.size()) == sizes.end())
        sizes.push_back(row.size());
    for (const int64_t size : sizes) {
      std::vector<T>& line = lines.emplace_back();
      for (const Range& column : columns)
        line.insert(line.end(),
                    static_cast<size_t>(step),
                    static_cast<T>(1.0 / static_cast<double>(size * column.size())));
    }
    for (const Range& row : rows)
      by_row.push_back(lines[static_cast<size_t>(std::find(sizes.begin(), sizes.end(), row.size()) -
                                                 sizes.begin())]
                           .data());
  }
};

}  // namespace

template <typename S>
void average_windows(const S* x, const PoolLayout& layout, S* y) {
  const std::vector<Range> rows = values_of(layout.rows), columns = values_of(layout.columns);
  const Shares<Number<S>> shares(rows, columns, layout.step);
  std::vector<Number<S>> sums(static_cast<size_t>(layout.columns.in * layout.step));
  wide_windows(x,
               {layout.planes,
                layout.step,
                layout.rows.in,
                layout.rows.out,
                layout.columns.in,
                layout.columns.out,
                rows.data(),
                columns.data(),
                longest_even(columns),
                nullptr,
                shares.by_row.data(),
                sums.data()},
               y);
}

template <typename S>
void average_windows_gradient(const S* dy, const PoolLayout& layout, S* dx) {
  const std::vector<Range> rows = windows_of(layout.rows), columns = windows_of(layout.columns);
  const Shares<Number<S>> shares(values_of(layout.rows), values_of(layout.columns), layout.step);
  std::vector<Number<S>> sums(static_cast<size_t>(layout.columns.out * layout.step));
  wide_windows(dy,
               {layout.planes,
                layout.step,
                layout.rows.out,
                layout.rows.in,
                layout.columns.out,
                layout.columns.in,
                rows.data(),
                columns.data(),
                longest_even(columns),
                shares.by_row.data(),
                nullptr,
                sums.data()},
               dx);
}

#define NAS_INSTANTIATE(S)                                        \
  template void average_windows(const S*, const PoolLayout&, S*); \
  template void average_windows_gradient(const S*, const PoolLayout&, S*);
NAS_INSTANTIATE(float)
NAS_INSTANTIATE(double)
NAS_INSTANTIATE(Bf16)
#undef NAS_INSTANTIATE

}  // namespace nas
