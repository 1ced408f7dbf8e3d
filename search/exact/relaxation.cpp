// Multipliers by subgradient steps with Polyak's length (his rule needs a good known solution: the
// relaxed ones that happen to lie inside the limits, made better by single changes). Any
// multipliers give a valid bound; better ones a closer one.
#include "search/exact/relaxation.hpp"

#include <algorithm>
#include <cmath>

namespace nas::exact {
namespace {

constexpr int kSteps = 300;

}  // namespace

Rest& Rest::operator+=(const Rest& other) {
  for (size_t s = 0; s < sides.size(); ++s) sides[s] += other.sides[s];
  weighted += other.weighted;
  return *this;
}

Bounds::Bounds(const Terms& terms, std::span<const Limit> limits, std::vector<double> weights) {
  for (const Limit& limit : limits) {
    const int64_t least = least_sum(terms, limit.metric, 1);
    const int64_t most = -least_sum(terms, limit.metric, -1);
    const int64_t constant = terms.units()[limit.metric].constant;
    const auto add = [&](int sign, int64_t room) {
      for (size_t s = 0; s < sides_.size(); ++s)
        if (sides_[s].metric == limit.metric && sides_[s].sign == sign) {
          room_[s] = std::min(room_[s], static_cast<double>(room));
          return;
        }
      sides_.push_back({limit.metric, sign});
      room_.push_back(static_cast<double>(room));
      std::vector<double> unit(terms.metrics(), 0.0);
      unit[limit.metric] = sign;
      least_.emplace_back(terms, std::move(unit));
    };
    if (limit.high < most) add(1, limit.high - constant);
    if (limit.low > least) add(-1, constant - limit.low);
  }
  if (!weights.empty()) weighted_.emplace(terms, std::move(weights));
}

bool Bounds::possible() const {
  for (size_t s = 0; s < sides_.size(); ++s)
    if (least_[s].least() > room_[s]) return false;
  return true;
}

Rest Bounds::below(size_t term, size_t key) const {
  Rest rest = none();
  for (size_t s = 0; s < sides_.size(); ++s) rest.sides[s] = least_[s].below(term, key);
  if (weighted_) rest.weighted = weighted_->below(term, key);
  return rest;
}

Rest Bounds::above(size_t term, size_t key) const {
  Rest rest = none();
  for (size_t s = 0; s < sides_.size(); ++s) rest.sides[s] = least_[s].above(term, key);
  if (weighted_) rest.weighted = weighted_->above(term, key);
  return rest;
}

Relaxation::Relaxation(const Terms& terms,
                       const Aim& aim,
                       std::span<const Limit> limits,
                       const Bounds& sides)
    : terms_(terms), aim_(aim), limits_(limits), sides_(sides) {
  multipliers_.assign(sides.sides().size(), 0.0);
  std::vector<double> ranges;
  for (const Aim& side : sides.sides())
    ranges.push_back(
        static_cast<double>(-least_sum(terms, side.metric, -1) - least_sum(terms, side.metric, 1)));
  ascend(ranges);
  weights_.assign(terms.metrics(), 0.0);
  weights_[aim.metric] += aim.sign;
  shift_ = 0;
  for (size_t s = 0; s < multipliers_.size(); ++s) {
    weights_[sides.sides()[s].metric] += multipliers_[s] * sides.sides()[s].sign;
    shift_ += multipliers_[s] * sides.room(s);
  }
  const double constant = static_cast<double>(aim.sign * terms.units()[aim.metric].constant);
  Architecture at;
  bound_ = aim.sign * static_cast<int64_t>(std::ceil(dual(multipliers_, at) + constant - 1e-6));
  if (!best_) {
    ceiling_ = std::numeric_limits<double>::infinity();
    return;
  }
  const double known = static_cast<double>(aim.sign * best_->sums[aim.metric]) - constant;
  ceiling_ = known + shift_;
  ceiling_ += 1e-9 * (std::abs(known) + std::abs(shift_)) + 1e-6;
}

double Relaxation::weight(const Aim& dim) const {
  double weight = dim.metric == aim_.metric && dim.sign == aim_.sign ? 1 : 0;
  for (size_t s = 0; s < multipliers_.size(); ++s)
    if (sides_.sides()[s].metric == dim.metric && sides_.sides()[s].sign == dim.sign)
      weight += multipliers_[s];
  return weight;
}

double Relaxation::dual(const std::vector<double>& multipliers, Architecture& at) {
  std::vector<double> weights(terms_.metrics(), 0.0);
  weights[aim_.metric] += aim_.sign;
  double shift = 0;
  for (size_t s = 0; s < multipliers.size(); ++s) {
    weights[sides_.sides()[s].metric] += multipliers[s] * sides_.sides()[s].sign;
    shift += multipliers[s] * sides_.room(s);
  }
  const Weighted relaxed(terms_, std::move(weights));
  at = relaxed.best();
  return relaxed.least() - shift;
}

void Relaxation::offer(const Architecture& a) {
  Solution solution{a, {}};
  if (!terms_.evaluate(a, solution.sums)) return;
  for (const Limit& limit : limits_)
    if (!limit.holds(solution.sums[limit.metric])) return;
  if (!best_ || aim_.sign * solution.sums[aim_.metric] < aim_.sign * best_->sums[aim_.metric])
    best_ = std::move(solution);
}

/// Single changes, as long as one is better.
void Relaxation::improve() {
  for (int64_t before = 0; best_;) {
    before = best_->sums[aim_.metric];
    for (const Architecture& a : terms_.domain().neighbours(best_->architecture)) offer(a);
    if (best_->sums[aim_.metric] == before) return;
  }
}

void Relaxation::ascend(const std::vector<double>& ranges) {
  Architecture at;
  double highest = dual(multipliers_, at);
  offer(at);
  if (multipliers_.empty()) return;
  const double aim_range =
      static_cast<double>(-least_sum(terms_, aim_.metric, -1) - least_sum(terms_, aim_.metric, 1));
  const double constant = static_cast<double>(aim_.sign * terms_.units()[aim_.metric].constant);
  std::vector<double> now = multipliers_;
  double value = highest, pace = 1;
  for (int step = 0, idle = 0; step < kSteps; ++step) {
    std::vector<int64_t> sums;
    terms_.evaluate(at, sums);
    // How far each side is over, in shares of its range.
    double square = 0;
    std::vector<double> over;
    for (size_t s = 0; s < now.size(); ++s) {
      const Aim& side = sides_.sides()[s];
      const double sum = static_cast<double>(
          side.sign * (sums[side.metric] - terms_.units()[side.metric].constant));
      over.push_back((sum - sides_.room(s)) / ranges[s]);
      if (now[s] == 0 && over[s] < 0) over[s] = 0;
      square += over[s] * over[s];
    }
    if (square == 0) break;
    const double known = best_
                             ? static_cast<double>(aim_.sign * best_->sums[aim_.metric]) - constant
                             : highest + 0.1 * aim_range;
    const double length = pace * std::max(known - value, 1e-6 * aim_range) / square;
    for (size_t s = 0; s < now.size(); ++s)
      now[s] = std::max(0.0, now[s] + length * over[s] / ranges[s]);
    value = dual(now, at);
    const bool none = !best_;
    offer(at);
    if (none && best_) improve();
    if (value > highest) {
      highest = value;
      multipliers_ = now;
      idle = 0;
    } else if (++idle == 10) {
      pace /= 2;
      now = multipliers_;
      idle = 0;
    }
  }
  improve();
}

}  // namespace nas::exact
