#pragma once
// Multi-objective arithmetic. Points are in minimisation form (maximised metrics negated).
#include <span>
#include <string>
#include <vector>

namespace nas {

/// One direction of the search.
struct Objective {
  std::string metric;
  bool maximize = false;
  /// +1 for minimised, -1 for maximised: value * sign() is to be minimised.
  double sign() const { return maximize ? -1.0 : 1.0; }
  bool operator==(const Objective&) const = default;
};
std::string to_string(const Objective& objective);  ///< `maximize accuracy`

using Point = std::vector<double>;

/// No coordinate worse and one better.
bool dominates(std::span<const double> a, std::span<const double> b);

/// A point with its constraint violation (0: feasible). Failures have a large violation.
struct ScoredPoint {
  Point objectives;
  double violation = 0;
};
/// Deb's constrained dominance: a feasible point beats an infeasible one, less violation beats
/// more, feasible points compare by objectives.
bool constrained_dominates(const ScoredPoint& a, const ScoredPoint& b);

/// Rank of every point (0: dominated by none) by repeated removal of the non-dominated set.
std::vector<int> non_dominated_ranks(const std::vector<ScoredPoint>& points);
std::vector<int> non_dominated_ranks(const std::vector<Point>& points);

/// NSGA-II crowding distance within one front: sum over objectives of the gap between the two
/// neighbours divided by the front's range; infinite for the extremes. An objective in which all
/// points agree adds nothing.
std::vector<double> crowding_distances(const std::vector<Point>& front);

/// Exact hypervolume between `points` and `reference` (search.md 3.6): points that do not lie
/// strictly inside the box in every objective add nothing; no points: 0.
double hypervolume(const std::vector<Point>& points, const Point& reference);

/// A reference point for points of which the worst value in each objective is taken, moved outwards
/// by a tenth of the range (a tenth of the size where the range is 0, 1 where that is 0 too).
Point derived_reference(const std::vector<Point>& points);

/// Position of the knee in a non-empty front: the point farthest below the hyperplane through the
/// extremes, objectives scaled to [0, 1] by the front (equal: the first).
size_t knee_index(const std::vector<Point>& front);

}  // namespace nas
