// Expected hypervolume improvement (Emmerich et al. 2006). With two objectives of which one is
// known (MACs) and one believed normal (accuracy), the growth is a sum over the steps of the front:
// width of the step times how far the value falls below its level, and the expectation of each term
// is the closed form of expected improvement. So it is exact, in one pass over the front. Where
// more is uncertain it is the mean over stratified quantiles, the same ones for every network, so
// that comparisons are not noisy.
#include "search/algorithms/surrogate/improvement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "predictors/statistics/two_samples.hpp"

namespace nas {
namespace {

constexpr int kQuantiles = 8;  ///< By uncertain objective, at most two of them.
constexpr int kDraws = 64;     ///< Points of a lattice where more are uncertain.

double density(double z) {
  return std::exp(-0.5 * z * z) / std::sqrt(2 * std::acos(-1.0));
}
double cumulative(double z) {
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

}  // namespace

double expected_below(double level, double mean, double spread) {
  if (!(spread > 0)) return std::max(0.0, level - mean);
  const double z = (level - mean) / spread;
  return std::max(0.0, (level - mean) * cumulative(z) + spread * density(z));
}

Improvement::Improvement(std::vector<Point> front, Point reference)
    : reference_(std::move(reference)) {
  for (const Point& point : front) add(point);
}

void Improvement::add(const Point& point) {
  for (size_t k = 0; k < reference_.size(); ++k)
    if (!(point[k] < reference_[k])) return;
  for (const Point& other : front_)
    if (other == point || dominates(other, point)) return;
  std::erase_if(front_, [&](const Point& other) { return dominates(point, other); });
  front_.insert(std::upper_bound(front_.begin(), front_.end(), point), point);
  if (reference_.size() > 2) volume_ = hypervolume(front_, reference_);
}

double Improvement::of(const BelievedPoint& believed) const {
  std::vector<size_t> uncertain;
  for (size_t k = 0; k < believed.spread.size(); ++k)
    if (believed.spread[k] > 0) uncertain.push_back(k);
  if (uncertain.empty()) return believed.chance * growth(believed.mean);
  if (reference_.size() <= 2 && uncertain.size() == 1)
    return believed.chance * exact(believed, uncertain.front());
  return believed.chance * by_quantiles(believed);
}

// Walks the steps of the front in the known objective x; below them the uncertain one, y, gains.
double Improvement::exact(const BelievedPoint& b, size_t uncertain) const {
  const double mean = b.mean[uncertain], spread = b.spread[uncertain];
  if (reference_.size() == 1) {
    const double level = front_.empty() ? reference_[0] : front_.front()[0];
    return expected_below(level, mean, spread);
  }
  const size_t known = 1 - uncertain;
  const double x = b.mean[known];
  if (!(x < reference_[known])) return 0;
  // Rising in the known objective, the level of the other falls from step to step.
  std::vector<std::pair<double, double>> steps;
  for (const Point& p : front_) steps.emplace_back(p[known], p[uncertain]);
  std::sort(steps.begin(), steps.end());
  double level = reference_[uncertain], sum = 0, from = x;
  for (const auto& [at, value] : steps) {
    if (at > from) {
      sum += (at - from) * expected_below(level, mean, spread);
      from = at;
    }
    level = std::min(level, value);
  }
  return sum + (reference_[known] - from) * expected_below(level, mean, spread);
}

double Improvement::growth(const Point& point) const {
  for (size_t k = 0; k < reference_.size(); ++k)
    if (!(point[k] < reference_[k])) return 0;
  if (reference_.size() == 1)
    return std::max(0.0, (front_.empty() ? reference_[0] : front_.front()[0]) - point[0]);
  if (reference_.size() == 2) {
    double level = reference_[1], sum = 0, from = point[0];
    for (const Point& p : front_) {
      if (p[0] > from) {
        sum += (p[0] - from) * std::max(0.0, level - point[1]);
        from = p[0];
      }
      level = std::min(level, p[1]);
    }
    return sum + (reference_[0] - from) * std::max(0.0, level - point[1]);
  }
  for (const Point& p : front_)
    if (p == point || dominates(p, point)) return 0;
  std::vector<Point> with = front_;
  with.push_back(point);
  return std::max(0.0, hypervolume(with, reference_) - volume_);
}

double Improvement::by_quantiles(const BelievedPoint& b) const {
  std::vector<size_t> uncertain;
  for (size_t k = 0; k < b.spread.size(); ++k)
    if (b.spread[k] > 0) uncertain.push_back(k);
  static const std::vector<double> quantiles = [] {
    std::vector<double> list;
    for (int i = 0; i < kDraws; ++i) list.push_back(standard_normal_quantile((i + 0.5) / kDraws));
    return list;
  }();
  // A grid for one or two, a lattice of rank one beyond.
  const bool grid = uncertain.size() <= 2;
  const int draws = uncertain.size() == 1 ? kQuantiles : kDraws;
  constexpr int kGenerators[] = {1, 19, 27, 45};
  double sum = 0;
  for (int i = 0; i < draws; ++i) {
    Point point = b.mean;
    for (size_t k = 0; k < uncertain.size(); ++k) {
      int at = i * kGenerators[k % 4] % kDraws;
      if (grid) {
        const int step = k == 0 ? i % kQuantiles : i / kQuantiles;
        at = step * kDraws / kQuantiles + kDraws / (2 * kQuantiles);
      }
      point[uncertain[k]] += b.spread[uncertain[k]] * quantiles[static_cast<size_t>(at)];
    }
    sum += growth(point);
  }
  return sum / draws;
}

}  // namespace nas
