#pragma once
// Quantiles of repeated times.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace nas {

/// Quartiles of a normal law lie so many deviations from its mean.
inline constexpr double kQuartileDeviations = 0.6744897501960817;

/// The value at the share `q` (0 to 1) of a sorted range that holds something, linear between
/// neighbours; `value` is the number of an element.
template <typename Sorted, typename Value = std::identity>
double sorted_quantile(const Sorted& sorted, double q, Value value = {}) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = value(sorted[below]), high = value(sorted[above]);
  return low + (at - static_cast<double>(below)) * (high - low);
}

/// The middle value, or the mean of the two in the middle, of a list that holds something.
inline double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return sorted_quantile(values, 0.5);
}

}  // namespace nas
