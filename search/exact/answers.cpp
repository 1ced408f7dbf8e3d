// Limits become whole numbers of the metric's unit, with the slack of its rounding on the safe
// side, so that a sum of table entries and the cost of the whole network are on the same side of a
// limit. Where nothing is feasible, the violation of any mixture of limits grows with each metric
// alone, so the least violation lies on the front of the metrics: that front is enumerated, not the
// space.
#include "search/exact/answers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nas::exact {

std::vector<MetricFunction> metrics_of(const CostModel& costs,
                                       const std::vector<std::string>& names,
                                       const Domain* domain) {
  std::vector<MetricFunction> metrics;
  for (const std::string& name : names) {
    const bool known = std::any_of(
        metrics.begin(), metrics.end(), [&](const MetricFunction& m) { return m.name == name; });
    if (known) continue;
    MetricFunction& metric = metrics.emplace_back();
    metric.name = name;
    metric.sum = name != "peak_bytes";
    metric.value = costs.function(name);
    if (domain != nullptr)
      metric.value = [whole = *domain, value = costs.function(name)](const Architecture& a) {
        return value(whole.canonical(a));
      };
  }
  return metrics;
}

Limit limit_of(const Constraint& constraint, const Terms& terms) {
  Limit limit;
  limit.metric = terms.metric(constraint.metric);
  const Unit& unit = terms.units()[limit.metric];
  const double bound = constraint.bound / unit.size;
  // Beyond what any sum can be: nothing, or everything, holds.
  constexpr double kFar = 4e18;
  const auto slack = static_cast<double>(unit.slack);
  const bool strict = constraint.relation == Constraint::Relation::kLess ||
                      constraint.relation == Constraint::Relation::kGreater;
  if (constraint.upper()) {
    const double high = strict ? std::ceil(bound - slack) - 1 : std::floor(bound + slack);
    limit.high = high > kFar    ? std::numeric_limits<int64_t>::max()
                 : high < -kFar ? std::numeric_limits<int64_t>::min() + 1
                                : static_cast<int64_t>(high);
  } else {
    const double low = strict ? std::floor(bound + slack) + 1 : std::ceil(bound - slack);
    limit.low = low < -kFar  ? std::numeric_limits<int64_t>::min()
                : low > kFar ? std::numeric_limits<int64_t>::max()
                             : static_cast<int64_t>(low);
  }
  return limit;
}

std::vector<Limit> limits_of(const std::vector<Constraint>& constraints, const Terms& terms) {
  std::vector<Limit> limits;
  for (const Constraint& constraint : constraints) {
    const Limit limit = limit_of(constraint, terms);
    const auto known = std::find_if(limits.begin(), limits.end(), [&](const Limit& other) {
      return other.metric == limit.metric;
    });
    if (known == limits.end()) {
      limits.push_back(limit);
      continue;
    }
    known->low = std::max(known->low, limit.low);
    known->high = std::min(known->high, limit.high);
  }
  return limits;
}

Attainable attainable(const Terms& terms, const std::vector<Constraint>& constraints) {
  Attainable found;
  std::vector<Aim> aims;
  for (const Constraint& constraint : constraints) {
    const Aim aim{terms.metric(constraint.metric), constraint.upper() ? 1 : -1};
    found.each.push_back(optimum(terms, aim, {}).solution->architecture);
    const bool known = std::any_of(aims.begin(), aims.end(), [&](const Aim& other) {
      return other.metric == aim.metric && other.sign == aim.sign;
    });
    if (!known) aims.push_back(aim);
  }
  const std::vector<Limit> limits = limits_of(constraints, terms);
  const Optimum inside = optimum(terms, aims.front(), limits);
  if (!inside.proven && !inside.solution) throw TooMany("too many partial solutions");
  if (inside.solution) {
    found.witness = inside.solution->architecture;
    return found;
  }
  // The violation grows with each metric: the least stands on their front.
  double least = std::numeric_limits<double>::infinity();
  for (const Solution& solution : front(terms, aims, {})) {
    double violation = 0;
    for (const Constraint& constraint : constraints) {
      const Unit& unit = terms.units()[terms.metric(constraint.metric)];
      violation += constraint.violation(unit.value(solution.sums[terms.metric(constraint.metric)]));
    }
    if (violation < least) {
      least = violation;
      found.together = solution.architecture;
    }
  }
  return found;
}

}  // namespace nas::exact
