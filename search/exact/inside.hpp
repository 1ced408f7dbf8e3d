#pragma once
// Best sums below and above each term and key: what bounds and shortest ways stand on.
#include <vector>

#include "search/exact/terms.hpp"

namespace nas::exact {

/// Least sum (sign 1), or the negative of the most (sign -1), of a metric, its constant included.
int64_t least_sum(const Terms& terms, size_t metric, int sign);

/// A weighted sum of metrics, without constants, to be small.
class Weighted {
 public:
  /// `weights` by metric of the terms.
  Weighted(const Terms& terms, std::vector<double> weights);
  /// Least of what the term and all below it add.
  double below(size_t term, size_t key) const { return below_[term][key]; }
  /// Least of what all else adds.
  double above(size_t term, size_t key) const { return above_[term][key]; }
  double least() const { return least_; }
  /// An architecture with that; the first rows among equals.
  Architecture best() const;

 private:
  const Terms& terms_;
  const std::vector<double> weights_;
  std::vector<std::vector<double>> below_, above_;
  std::vector<double> own_;  ///< By row, of all terms.
  std::vector<size_t> first_row_;
  double least_ = 0;
};

}  // namespace nas::exact
