#pragma once
// Limits that cannot be met or cannot be meant are told before anything is paid for.
#include <string>
#include <vector>

#include "search/constraints.hpp"
#include "search/pareto.hpp"

namespace nas {

/// In which unit the values are that a limit will be held against.
enum class ValueScale {
  kOurs,       ///< Made here: unit and range are those of the metric table.
  kUnknown,    ///< Of a user's program: a share or percent, nobody can tell.
  kFractions,  ///< Seen, all in 0..1.
  kPercents,   ///< Seen, all in 0..100, and some exceed 1.
  kOther,      ///< Seen, neither shares nor percents.
};
/// By values that were seen; kUnknown without any.
ValueScale scale_of(const std::vector<double>& values);

/// What is known about the values of one metric.
struct KnownValues {
  ValueScale scale = ValueScale::kUnknown;
  std::vector<double> seen = {};
  /// `seen` are all there will be (the rows of a table): a limit that none meets finds nothing.
  bool complete = false;
};
KnownValues values_of(std::vector<double> seen, bool complete);

/// The limit in the unit of the values: `75%` is 0.75 of a share and 75 of a column in percent.
/// ConfigError, beginning with `where`, for bounds outside of the metric's range (`accuracy >= 75`,
/// `macs <= -5`), for limits that no value meets (`accuracy <= 0`), for percents where nobody knows
/// the values' scale, and where the values that were seen show that another scale is meant: the
/// limit tells none of them apart and would, times or by 100 or 1000 (`acc >= 0.8` of 50 .. 85).
/// `notes` (may be null) gets what is odd but can be meant.
Constraint resolve_limit(const Constraint& limit,
                         const KnownValues& known,
                         const std::string& where,
                         std::vector<std::string>* notes = nullptr);
Constraint resolve_limit(const Constraint& limit, ValueScale scale, const std::string& where);

/// A value that is no limit (a reference point) in the unit of the values: `10%` is 10 of a column
/// in percent. ConfigError where nobody knows the values' scale.
double resolve_value(const Constraint& value, ValueScale scale, const std::string& where);

/// The same, held against the values that were seen: ConfigError where they show that another scale
/// is meant (`acc = 0.5` of 50 .. 85), and for what the metric cannot be.
double resolve_reference(const Constraint& value,
                         const KnownValues& known,
                         const std::string& where);

/// Of a resolved limit that none of the values meets: the bound that must have been meant, as a
/// question (`Did you mean 1600?`); "" where it may be meant as it is.
std::string scale_hint(const Constraint& limit, const KnownValues& known);

/// ConfigError where two limits on one metric leave nothing between them.
void refuse_contradictions(const std::vector<Constraint>& limits, const std::string& where);

/// Why nobody wants this objective (`minimize accuracy`, `maximize latency_ms`, `minimize
/// neg_loss`), or "". The size of a network (macs, params) may be maximised.
std::string objective_problem(const Objective& objective);
/// What to tell about objectives that run against what their metric's name says (`maximize macs`).
std::vector<std::string> objective_warnings(const std::vector<Objective>& objectives);

}  // namespace nas
