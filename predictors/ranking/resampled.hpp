#pragma once
// Ranking statistics of one pair of lists over many resamples of its positions.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "predictors/ranking/rank_metrics.hpp"
#include "spaces/random.hpp"

namespace nas {

/// Sorts once; each resample then costs O(n sqrt(d)) simple steps, d being the distinct values of
/// `predicted`. The statistics are those of rank_metrics.hpp, of the sample written out.
class Resampled {
 public:
  /// As for kendall().
  Resampled(std::span<const double> predicted, std::span<const double> truth);
  /// The sample has each position `counts` times.
  void take(std::span<const int32_t> counts);

  KendallCounts kendall() const;
  double spearman() const;
  double precision_at(size_t k) const;
  double regret_at(size_t k) const;
  double best_rank_at(size_t k) const;

 private:
  struct Cut;
  int64_t discordant() const;
  /// Positions in `order_` of a rank of predictions, the best truth first.
  std::span<const int32_t> at_rank(int32_t rank) const {
    const auto r = static_cast<size_t>(rank);
    return {by_rank_.data() + first_at_rank_[r],
            static_cast<size_t>(first_at_rank_[r + 1] - first_at_rank_[r])};
  }
  /// Expectation of f(rank of the truth of the truly best) among the k best by prediction.
  double expected_best(size_t k, const std::function<double(int32_t)>& f) const;

  std::vector<double> truth_;    ///< Of each truth rank.
  std::vector<int32_t> order_;   ///< Positions by truth, then by prediction.
  std::vector<int32_t> x_, y_;   ///< Ranks of both (equal values, equal rank), in that order.
  std::vector<int32_t> counts_;  ///< In that order.
  std::vector<int32_t> by_rank_, first_at_rank_;
  std::vector<int64_t> in_x_, in_y_;  ///< Drawn of each rank.
  int64_t n_ = 0;
};

/// Draws of positions 0..n-1 with replacement, as counts: the draws of bootstrap() with that
/// stream.
class Draws {
 public:
  Draws(size_t n, Rng rng) : rng_(rng), counts_(n, 0) {}
  std::span<const int32_t> next();

 private:
  Rng rng_;
  std::vector<int32_t> counts_;
};

struct Interval {
  double low = 0, high = 0;
};
/// The central `level` of values; those that are NaN are left out, NaN when none is left.
Interval central(std::vector<double> values, double level);

}  // namespace nas
