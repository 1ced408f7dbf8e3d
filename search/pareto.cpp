// Dominance and ranks. Points with two objectives are ranked by a sweep in n log n; more go to
// pagmo, which compares all pairs.
#include "search/pareto.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <pagmo/utils/hypervolume.hpp>
#include <pagmo/utils/multi_objective.hpp>
#include <tuple>

namespace nas {

std::string to_string(const Objective& objective) {
  return (objective.maximize ? "maximize " : "minimize ") + objective.metric;
}

bool dominates(std::span<const double> a, std::span<const double> b) {
  bool better = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] <= b[i])) return false;
    better |= a[i] < b[i];
  }
  return better;
}

bool constrained_dominates(const ScoredPoint& a, const ScoredPoint& b) {
  if (a.violation > 0 || b.violation > 0) return a.violation < b.violation;
  return dominates(a.objectives, b.objectives);
}

namespace {

bool any_nan(const std::vector<Point>& points) {
  for (const Point& point : points)
    for (const double x : point)
      if (std::isnan(x)) return true;
  return false;
}

// Ranks of points with two objectives (one: counted twice) by a sweep in n log n, where comparing
// all pairs would take minutes for the populations we allow: in lexicographic order a point is
// dominated by a front exactly if that front's lowest second objective so far is no higher, and
// these lowest values ascend from front to front.
std::vector<int> ranks_by_sweep(const std::vector<Point>& points) {
  std::vector<size_t> order(points.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(
      order.begin(), order.end(), [&](size_t a, size_t b) { return points[a] < points[b]; });
  std::vector<int> ranks(points.size(), 0);
  std::vector<double> lowest;
  for (size_t i = 0; i < order.size(); ++i) {
    const Point& point = points[order[i]];
    if (i > 0 && point == points[order[i - 1]]) {
      ranks[order[i]] = ranks[order[i - 1]];  // equal points dominate nothing of each other
      continue;
    }
    const auto front = std::upper_bound(lowest.begin(), lowest.end(), point.back());
    ranks[order[i]] = static_cast<int>(front - lowest.begin());
    if (front == lowest.end())
      lowest.push_back(point.back());
    else
      *front = point.back();
  }
  return ranks;
}

std::vector<int> feasible_ranks(const std::vector<Point>& points) {
  std::vector<int> ranks(points.size(), 0);
  if (points.size() < 2) return ranks;
  if (points[0].size() <= 2 && !any_nan(points)) return ranks_by_sweep(points);
  const auto sorted = pagmo::fast_non_dominated_sorting(points);
  for (size_t i = 0; i < points.size(); ++i) ranks[i] = static_cast<int>(std::get<3>(sorted)[i]);
  return ranks;
}

}  // namespace

// Constrained dominance needs no comparison across the border: every feasible point comes before
// every infeasible one, and these are ordered by their violation alone.
std::vector<int> non_dominated_ranks(const std::vector<ScoredPoint>& points) {
  std::vector<int> ranks(points.size(), 0);
  std::vector<Point> feasible;
  std::vector<size_t> where;
  std::vector<double> violations;
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].violation > 0) {
      violations.push_back(points[i].violation);
    } else {
      feasible.push_back(points[i].objectives);
      where.push_back(i);
    }
  }
  int fronts = 0;
  const std::vector<int> among = feasible_ranks(feasible);
  for (size_t i = 0; i < where.size(); ++i) {
    ranks[where[i]] = among[i];
    fronts = std::max(fronts, among[i] + 1);
  }
  std::sort(violations.begin(), violations.end());
  violations.erase(std::unique(violations.begin(), violations.end()), violations.end());
  for (size_t i = 0; i < points.size(); ++i)
    if (points[i].violation > 0)
      ranks[i] =
          fronts + static_cast<int>(
                       std::lower_bound(violations.begin(), violations.end(), points[i].violation) -
                       violations.begin());
  return ranks;
}

std::vector<int> non_dominated_ranks(const std::vector<Point>& points) {
  std::vector<ScoredPoint> scored;
  for (const Point& point : points) scored.push_back({point, 0});
  return non_dominated_ranks(scored);
}

std::vector<double> crowding_distances(const std::vector<Point>& front) {
  const size_t n = front.size();
  std::vector<double> distance(n, 0.0);
  if (n == 0) return distance;
  std::vector<size_t> order(n);
  for (size_t k = 0; k < front[0].size(); ++k) {
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(
        order.begin(), order.end(), [&](size_t a, size_t b) { return front[a][k] < front[b][k]; });
    const double range = front[order.back()][k] - front[order.front()][k];
    if (!(range > 0)) continue;
    distance[order.front()] = distance[order.back()] = std::numeric_limits<double>::infinity();
    for (size_t i = 1; i + 1 < n; ++i)
      distance[order[i]] += (front[order[i + 1]][k] - front[order[i - 1]][k]) / range;
  }
  return distance;
}

double hypervolume(const std::vector<Point>& points, const Point& reference) {
  // pagmo refuses points on or outside the box and NaN: they add nothing.
  std::vector<Point> inside;
  for (const Point& point : points) {
    bool keep = point.size() == reference.size();
    for (size_t k = 0; keep && k < point.size(); ++k)
      keep = std::isfinite(point[k]) && point[k] < reference[k];
    if (keep) inside.push_back(point);
  }
  if (inside.empty()) return 0.0;
  if (reference.size() == 1) {
    double best = inside[0][0];
    for (const Point& point : inside) best = std::min(best, point[0]);
    return reference[0] - best;
  }
  return pagmo::hypervolume(std::move(inside)).compute(reference);
}

Point derived_reference(const std::vector<Point>& points) {
  if (points.empty()) return {};
  Point reference(points[0].size());
  for (size_t k = 0; k < reference.size(); ++k) {
    double low = points[0][k], high = low;
    for (const Point& point : points) {
      low = std::min(low, point[k]);
      high = std::max(high, point[k]);
    }
    const double size = high > low ? high - low : std::abs(high);
    reference[k] = high + (size > 0 ? 0.1 * size : 1.0);
  }
  return reference;
}

size_t knee_index(const std::vector<Point>& front) {
  const size_t objectives = front.at(0).size();
  Point low = front[0], high = front[0];
  for (const Point& point : front)
    for (size_t k = 0; k < objectives; ++k) {
      low[k] = std::min(low[k], point[k]);
      high[k] = std::max(high[k], point[k]);
    }
  size_t best = 0;
  double best_sum = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < front.size(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < objectives; ++k)
      if (high[k] > low[k]) sum += (front[i][k] - low[k]) / (high[k] - low[k]);
    if (sum < best_sum) {
      best_sum = sum;
      best = i;
    }
  }
  return best;
}

}  // namespace nas
