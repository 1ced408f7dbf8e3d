#include "search/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "spaces/error.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

std::string number(double value) {
  char text[64];
  const auto [end, code] = std::to_chars(text, text + sizeof text, value);
  return std::string(text, code == std::errc() ? end : text);
}

bool strict(const Constraint& limit) {
  return limit.relation == Constraint::Relation::kLess ||
         limit.relation == Constraint::Relation::kGreater;
}

// `accuracy >= 75` where accuracies lie in 0..1.
[[noreturn]] void share_expected(const Constraint& limit, const std::string& where) {
  const bool percent = limit.bound > 1 && limit.bound <= 100;
  throw ConfigError(
      where + ": '" + to_string(limit) + "': " + limit.metric + " is a share from 0 to 1",
      percent ? "Did you mean " + number(limit.bound / 100) + " or " + number(limit.bound) + "%?"
              : "Write for example 0.75 or 75%.");
}

void check_range(const Constraint& limit, const Metric& metric, const std::string& where) {
  const std::string text = where + ": '" + to_string(limit) + "': ";
  if (limit.bound > metric.high) share_expected(limit, where);
  if (limit.bound < metric.low)
    throw ConfigError(text + limit.metric + " is never below " + number(metric.low),
                      "No network is told apart by this limit; check sign and value.");
  const bool none =
      limit.upper() ? limit.bound <= metric.low : strict(limit) && limit.bound >= metric.high;
  if (none)
    throw ConfigError(text + "no network that is of use meets this (" + limit.metric + " lies in " +
                          number(metric.low) + " .. " +
                          (std::isinf(metric.high) ? "infinity" : number(metric.high)) + ")",
                      "Loosen the limit.");
}

}  // namespace

ValueScale scale_of(const std::vector<double>& values) {
  if (values.empty()) return ValueScale::kUnknown;
  return *std::max_element(values.begin(), values.end()) > 1 ? ValueScale::kPercents
                                                             : ValueScale::kFractions;
}

Constraint resolve_limit(const Constraint& limit, ValueScale scale, const std::string& where) {
  const Metric* metric = find_metric(limit.metric);
  Constraint resolved = limit;
  if (limit.percent && scale == ValueScale::kPercents) resolved.bound *= 100;
  if (limit.percent &&
      (scale == ValueScale::kUnknown || (metric == nullptr && scale == ValueScale::kOurs)))
    throw ConfigError(where + ": '" + limit.metric + "' may be a share or in percent, so that " +
                          number(100 * limit.bound) + "% can mean two things",
                      "Write " + number(limit.bound) + " or " + number(100 * limit.bound) +
                          ", as the values are.");
  resolved.percent = false;
  if (scale == ValueScale::kOurs) {
    if (metric != nullptr) check_range(resolved, *metric, where);
  } else if (metric != nullptr && metric->unit == MetricUnit::kShare) {
    if (scale == ValueScale::kFractions && resolved.bound > 1) share_expected(resolved, where);
    if (scale == ValueScale::kPercents && !limit.percent &&
        ((resolved.bound > 0 && resolved.bound <= 1) || resolved.bound > 100))
      throw ConfigError(where + ": the values of '" + limit.metric + "' are in percent, so " +
                            number(limit.bound) + " cannot be what is meant",
                        resolved.bound > 100 ? "Loosen the limit."
                                             : "Write " + number(100 * limit.bound) + " or " +
                                                   number(100 * limit.bound) + "%.");
    if (resolved.bound < 0 || (resolved.bound <= 0 && resolved.upper()))
      check_range(resolved, *metric, where);
  } else if (metric != nullptr && metric->cost) {
    check_range(resolved, *metric, where);
  }
  return resolved;
}

void refuse_contradictions(const std::vector<Constraint>& limits, const std::string& where) {
  for (const Constraint& most : limits) {
    for (const Constraint& least : limits) {
      if (!most.upper() || least.upper() || most.metric != least.metric) continue;
      const bool touch = most.bound == least.bound && !strict(most) && !strict(least);
      if (least.bound < most.bound || touch) continue;
      throw ConfigError(where + ": '" + to_string(least) + "' and '" + to_string(most) +
                            "' leave nothing between them",
                        "Loosen one of them.");
    }
  }
}

std::string objective_problem(const Objective& objective) {
  const Metric* metric = find_metric(objective.metric);
  if (metric == nullptr || metric->cost) return "";
  if (objective.maximize == (metric->better == Better::kHigher)) return "";
  return to_string(objective) + " looks for the worst networks: of " + objective.metric + ", " +
         nas::to_string(metric->better);
}

std::vector<std::string> objective_warnings(const std::vector<Objective>& objectives) {
  std::vector<std::string> warnings;
  for (const Objective& objective : objectives) {
    const auto better = better_of(objective.metric);
    if (!better || objective.maximize == (*better == Better::kHigher)) continue;
    warnings.push_back(
        "objective '" + to_string(objective) + "': of " + objective.metric + ", " +
        nas::to_string(*better) +
        (objective.maximize ? "; did you mean minimize?" : "; did you mean maximize?"));
  }
  return warnings;
}

}  // namespace nas
