#pragma once
// Limits that cannot be met or cannot be meant are told before anything is paid for.
#include <string>
#include <vector>

#include "search/constraints.hpp"
#include "search/pareto.hpp"

namespace nas {

/// What is known about the values that a limit will be held against.
enum class ValueScale {
  kOurs,       ///< Made here: unit and range are those of the metric table.
  kUnknown,    ///< Of a user's program: a share or percent, nobody can tell.
  kFractions,  ///< Seen, and none exceeds 1.
  kPercents,   ///< Seen, and some exceed 1.
};
/// Fractions or percents, by values that were seen; kUnknown without any.
ValueScale scale_of(const std::vector<double>& values);

/// The limit in the unit of the values: `75%` is 0.75 of a share and 75 of a column in percent.
/// ConfigError, beginning with `where`, for bounds outside of the metric's range (`accuracy >= 75`,
/// `macs <= -5`), for limits that no value meets (`accuracy <= 0`), and for percents where nobody
/// knows the values' scale.
Constraint resolve_limit(const Constraint& limit, ValueScale scale, const std::string& where);

/// ConfigError where two limits on one metric leave nothing between them.
void refuse_contradictions(const std::vector<Constraint>& limits, const std::string& where);

/// Why nobody wants this objective (`minimize accuracy`), or "". Costs may be maximised.
std::string objective_problem(const Objective& objective);
/// What to tell about objectives that run against what their metric's name says (`maximize macs`).
std::vector<std::string> objective_warnings(const std::vector<Objective>& objectives);

}  // namespace nas
