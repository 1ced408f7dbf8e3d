#pragma once
// Dominance among measured values, which would come out otherwise when measured again.
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "search/pareto.hpp"

namespace nas {

/// How far a value may be off: what METRIC_spread and METRIC_n say beside METRIC.
struct Noise {
  double error = 0;  ///< Standard error of the value; 0: exact.
  /// Degrees of freedom of that error's estimate; infinite where it is known.
  double freedom = std::numeric_limits<double>::infinity();
};

/// Of a metric of several architectures. METRIC_spread is the deviation of one measurement,
/// METRIC_n says how many the value is the mean of (absent: one, whose spread is known). A value
/// that was measured once has no spread of its own and takes the pooled one of the others. All are
/// exact where no architecture has a spread.
std::vector<Noise> noise_of(const std::vector<std::map<std::string, double>>& values,
                            const std::string& metric);

/// Probability that `a` is truly no worse than `b` in any objective (minimised).
double chance_no_worse(const Point& a,
                       const std::vector<Noise>& noise_a,
                       const Point& b,
                       const std::vector<Noise>& noise_b);

/// Whether each point is dominated by another one beyond noise: that one is better as measured, and
/// truly no worse with probability `confidence` at least. Without noise: plain dominance.
std::vector<bool> dominated_beyond_noise(const std::vector<Point>& points,
                                         const std::vector<std::vector<Noise>>& noise,
                                         double confidence);

}  // namespace nas
