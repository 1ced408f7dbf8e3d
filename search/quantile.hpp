#pragma once
// Quantiles of what is predicted: `latency_ms@p95` is what 95 of 100 measurements stay below.
#include <optional>
#include <string>

#include "search/archive.hpp"
#include "search/costs.hpp"

namespace nas {

struct QuantileName {
  std::string metric;
  double percent = 50;
};
/// `METRIC@pNN`; nullopt for a name without `@p`. ConfigError where NN is no number from 50 to
/// 99.99.
std::optional<QuantileName> quantile_name(const std::string& name);

/// Gives `costs` the quantile that `name` asks for, mean + z * spread; nothing for other names and
/// for metrics that only the user's table or program knows. ConfigError where the metric is none of
/// `costs`, or has no spread, with what to do.
void add_quantile(CostModel& costs, const std::string& name);
/// Of all objectives and limits.
void add_quantiles(CostModel& costs, const Goal& goal);

}  // namespace nas
