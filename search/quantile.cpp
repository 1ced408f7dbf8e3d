// Errors of calibrated predictions are taken as normal: they are sums of many ops' errors. Where
// the spread is a share of the mean, as that of a calibrated table, a quantile is the mean times a
// number, so that it adds up over a network as the mean does and all exact answers hold for it.
#include "search/quantile.hpp"

#include <charconv>

#include "predictors/statistics/two_samples.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

constexpr double kLeast = 50, kMost = 99.99;

}  // namespace

std::optional<QuantileName> quantile_name(const std::string& name) {
  const size_t at = name.rfind("@p");
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  // A column of the user may be called `latency@phone`.
  if (at == name.npos || at == 0 || at + 2 >= name.size() || !digit(name[at + 2]))
    return std::nullopt;
  QuantileName result{name.substr(0, at)};
  const char* first = name.data() + at + 2;
  const char* last = name.data() + name.size();
  const auto [stop, code] = std::from_chars(first, last, result.percent);
  if (code != std::errc() || stop != last || !(result.percent >= kLeast) ||
      !(result.percent <= kMost))
    throw ConfigError(
        "'" + name + "': expected METRIC@pNN with NN from 50 to 99.99",
        "Write for example " + result.metric + "@p95: what 95 of 100 measurements stay below.");
  return result;
}

void add_quantile(CostModel& costs, const std::string& name) {
  const auto wanted = quantile_name(name);
  if (!wanted || costs.knows(name)) return;
  const std::string start = "'" + name + "': ";
  // A name of the user's own table or program.
  if (!costs.knows(wanted->metric) && find_metric(wanted->metric) == nullptr) return;
  if (!costs.knows(wanted->metric))
    throw ConfigError(
        start + "'" + wanted->metric + "' is not predicted here",
        wanted->metric == "latency_ms"
            ? "Name a calibrated latency table (--latency-table; of nas space check --table)."
            : "Quantiles are of metrics that are predicted with a spread: latency_ms "
              "of a calibrated table.");
  if (!costs.has_spread(wanted->metric))
    throw ConfigError(
        start + "nothing says how far off " + wanted->metric + " may be",
        wanted->metric == "latency_ms"
            ? "Calibrate the table on whole networks: nas latency calibrate --table TABLE --space "
              "SPACE --measure 30; or limit latency_ms itself."
            : wanted->metric + " is exact: limit " + wanted->metric + " itself.");
  costs.add_quantile(name, wanted->metric, standard_normal_quantile(wanted->percent / 100));
}

void add_quantiles(CostModel& costs, const Goal& goal) {
  for (const Objective& objective : goal.objectives) add_quantile(costs, objective.metric);
  for (const Constraint& constraint : goal.constraints) add_quantile(costs, constraint.metric);
}

}  // namespace nas
