#pragma once
// Whole exact Pareto fronts of additive metrics, and optima under several limits at once.
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "search/exact/terms.hpp"

namespace nas::exact {

/// What is to be small (sign 1) or large (sign -1).
struct Aim {
  size_t metric = 0;
  int sign = 1;
};

/// Sums from low to high only.
struct Limit {
  size_t metric = 0;
  int64_t low = std::numeric_limits<int64_t>::min();
  int64_t high = std::numeric_limits<int64_t>::max();
  bool holds(int64_t sum) const { return sum >= low && sum <= high; }
};

struct Solution {
  Architecture architecture;
  std::vector<int64_t> sums;  ///< By metric of the terms.
};

/// All that no architecture inside the limits betters in one aim without falling behind in another,
/// rising in the first aim; of equals in all aims one: least in the metrics of the limits, in their
/// order, then the first by genes. Empty: nothing is inside. TooMany (sums.hpp) where more than
/// `most` partial solutions would have to be kept.
std::vector<Solution> front(const Terms& terms,
                            std::span<const Aim> aims,
                            std::span<const Limit> limits = {},
                            size_t most = 3'000'000);

struct Optimum {
  std::optional<Solution> solution;  ///< None: see `proven`.
  /// Nothing better is inside the limits (or, without a solution, nothing at all).
  bool proven = false;
  int64_t bound = 0;  ///< Where not proven: no better than this.
};

/// The best of one aim inside all limits; ties as in `front`.
Optimum optimum(const Terms& terms,
                const Aim& aim,
                std::span<const Limit> limits,
                size_t most = 3'000'000);

struct Pool {
  std::vector<Solution> solutions;  ///< From the best on.
  bool proven = false;  ///< Each is the best that keeps its distance to those before it.
};

/// The best, then again and again the best of those that differ from all before in at least
/// `distance` choices (a choice that only one of two has open counts): at most `size`, fewer where
/// nothing is left. Each is looked for in at most `steps` steps.
Pool pool(const Terms& terms,
          const Aim& aim,
          std::span<const Limit> limits,
          size_t size,
          size_t distance,
          int64_t steps = 5'000'000);

}  // namespace nas::exact
