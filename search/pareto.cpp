#include "search/pareto.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <pagmo/utils/hypervolume.hpp>

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

std::vector<int> non_dominated_ranks(const std::vector<ScoredPoint>& points) {
  const size_t n = points.size();
  std::vector<std::vector<size_t>> beats(n);
  std::vector<int> beaten_by(n, 0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (i == j || !constrained_dominates(points[i], points[j])) continue;
      beats[i].push_back(j);
      ++beaten_by[j];
    }
  }
  std::vector<int> ranks(n, 0);
  std::vector<size_t> front;
  for (size_t i = 0; i < n; ++i)
    if (beaten_by[i] == 0) front.push_back(i);
  for (int rank = 0; !front.empty(); ++rank) {
    std::vector<size_t> next;
    for (const size_t i : front) {
      ranks[i] = rank;
      for (const size_t j : beats[i])
        if (--beaten_by[j] == 0) next.push_back(j);
    }
    front = std::move(next);
  }
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
