#pragma once
// How well one list of numbers orders what another orders (panda.md 7.10 and 8).
#include <cstdint>
#include <span>

namespace nas {

/// Exact pair counts of Kendall's tau in O(n log n).
struct KendallCounts {
  int64_t concordant = 0, discordant = 0;
  int64_t ties_x = 0, ties_y = 0, ties_both = 0;  ///< Tied in x only, in y only, in both.
  int64_t pairs() const { return concordant + discordant + ties_x + ties_y + ties_both; }
  double tau_a() const;  ///< NaN without pairs.
  double tau_b() const;  ///< (C-D)/sqrt((C+D+Tx)(C+D+Ty)); NaN when one list is constant.
};
/// Lists of equal length without NaN; otherwise std::invalid_argument.
KendallCounts kendall(std::span<const double> x, std::span<const double> y);

/// Pearson correlation of mid-ranks; NaN when one list is constant.
double spearman(std::span<const double> x, std::span<const double> y);

/// Of the k best by `predicted` (larger is better), the share that is among the k best by `truth`.
/// Here and below ties at the cut count as broken at random: the expectation is returned. k is
/// clamped to the length; NaN for k = 0.
double precision_at(std::span<const double> predicted, std::span<const double> truth, size_t k);
/// Best truth of all minus best truth among the k best by `predicted`.
double regret_at(std::span<const double> predicted, std::span<const double> truth, size_t k);

/// Best place by `truth` (1: the best of all) among the k best by `predicted`.
double best_rank_at(std::span<const double> predicted, std::span<const double> truth, size_t k);

}  // namespace nas
