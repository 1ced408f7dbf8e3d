#pragma once
// What cannot lead inside limits, or to anything better than is known: bounds for front.cpp and
// pool.cpp.
#include <optional>
#include <span>
#include <vector>

#include "search/exact/front.hpp"
#include "search/exact/inside.hpp"

namespace nas::exact {

/// The least that a part adds: to each side of a limit, and to a weighted sum.
struct Rest {
  std::vector<double> sides;
  double weighted = 0;
  Rest& operator+=(const Rest& other);
};

/// The sides of limits that some architecture breaks, as sums that must stay small.
class Bounds {
 public:
  /// `weights` by metric (none: no weighted sum).
  Bounds(const Terms& terms, std::span<const Limit> limits, std::vector<double> weights);
  const std::vector<Aim>& sides() const { return sides_; }
  /// The most that a side may be, without the metric's constant.
  double room(size_t side) const { return room_[side]; }
  /// False: a limit alone cannot be met.
  bool possible() const;
  Rest none() const { return {std::vector<double>(sides_.size(), 0.0), 0}; }
  Rest below(size_t term, size_t key) const;
  Rest above(size_t term, size_t key) const;

 private:
  std::vector<Aim> sides_;
  std::vector<double> room_;
  std::vector<Weighted> least_;
  std::optional<Weighted> weighted_;
};

/// Lagrangian relaxation of limits on one aim: aim + sum of multiplier * side is nowhere more, for
/// solutions inside the limits, than the aim + sum of multiplier * room.
class Relaxation {
 public:
  Relaxation(const Terms& terms,
             const Aim& aim,
             std::span<const Limit> limits,
             const Bounds& sides);
  /// By metric of the terms: the weights of the relaxed sum.
  const std::vector<double>& weights() const { return weights_; }
  /// Of a sum to be small (see Solver): the aim's own is 1.
  double weight(const Aim& dim) const;
  /// Relaxed sums above this lead to nothing as good as `best`.
  double ceiling() const { return ceiling_; }
  /// Of the relaxed sum: sum of multiplier * room.
  double shift() const { return shift_; }
  /// Inside the limits, where one was met.
  const std::optional<Solution>& best() const { return best_; }
  /// No solution is better (in units of the metric, constant included).
  int64_t bound() const { return bound_; }

 private:
  void offer(const Architecture& a);
  void improve();
  double dual(const std::vector<double>& multipliers, Architecture& at);
  void ascend(const std::vector<double>& ranges);

  const Terms& terms_;
  const Aim aim_;
  const std::span<const Limit> limits_;
  const Bounds& sides_;
  std::vector<double> multipliers_, weights_;
  double shift_ = 0, ceiling_ = 0;
  std::optional<Solution> best_;
  int64_t bound_ = 0;
};

}  // namespace nas::exact
