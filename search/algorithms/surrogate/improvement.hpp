#pragma once
// Expected improvement: how much a network that nobody has measured is worth measuring.
#include <span>
#include <vector>

#include "search/pareto.hpp"

namespace nas {

/// What is believed of one network: each objective normal (spread 0: known), minimised.
struct BelievedPoint {
  Point mean, spread;
  double chance = 1;  ///< Of meeting the limits on measured metrics.
};

/// Feasible measured points, and the box they count in.
class Improvement {
 public:
  Improvement(std::vector<Point> front, Point reference);
  /// Expected growth of the hypervolume, times the chance to be feasible. Exact for one objective
  /// and for two of which at most one is uncertain; else a mean over quantiles.
  double of(const BelievedPoint& believed) const;
  /// Takes a point in as if it were measured.
  void add(const Point& point);

 private:
  double growth(const Point& point) const;
  double exact(const BelievedPoint& believed, size_t uncertain) const;
  double by_quantiles(const BelievedPoint& believed) const;

  std::vector<Point> front_;  ///< Non-dominated, inside the box; rising in the first objective.
  Point reference_;
  double volume_ = 0;
};

/// Expected shortfall of a normal variable below `level`: E max(0, level - X).
double expected_below(double level, double mean, double spread);

}  // namespace nas
