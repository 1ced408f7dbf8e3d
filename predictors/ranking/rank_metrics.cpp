// One implementation for lists and for resamples of them: Resampled, each position taken once.
#include "predictors/ranking/rank_metrics.hpp"

#include <cmath>
#include <limits>

#include "predictors/ranking/resampled.hpp"

namespace nas {

double KendallCounts::tau_a() const {
  return pairs() == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : static_cast<double>(concordant - discordant) / static_cast<double>(pairs());
}

double KendallCounts::tau_b() const {
  const auto both = static_cast<double>(concordant + discordant);
  const double x = both + static_cast<double>(ties_x), y = both + static_cast<double>(ties_y);
  if (x == 0 || y == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto signed_pairs = static_cast<double>(concordant - discordant);
  // Two roots round: full agreement would be 1.0000000000000002.
  if (x == y && std::abs(signed_pairs) == x) return signed_pairs > 0 ? 1 : -1;
  return signed_pairs / (std::sqrt(x) * std::sqrt(y));
}

KendallCounts kendall(std::span<const double> x, std::span<const double> y) {
  return Resampled(x, y).kendall();
}

double spearman(std::span<const double> x, std::span<const double> y) {
  return Resampled(x, y).spearman();
}

double precision_at(std::span<const double> predicted, std::span<const double> truth, size_t k) {
  return Resampled(predicted, truth).precision_at(k);
}

double regret_at(std::span<const double> predicted, std::span<const double> truth, size_t k) {
  return Resampled(predicted, truth).regret_at(k);
}

double best_rank_at(std::span<const double> predicted, std::span<const double> truth, size_t k) {
  return Resampled(predicted, truth).best_rank_at(k);
}

}  // namespace nas
