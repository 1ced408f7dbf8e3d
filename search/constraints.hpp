#pragma once
// Hard limits on metrics, as users write them: `macs <= 20M`, `latency_ms < 5`, `accuracy >= 0.9`.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

struct Constraint {
  enum class Relation { kLess, kLessEqual, kGreater, kGreaterEqual };
  std::string metric;
  Relation relation = Relation::kLessEqual;
  double bound = 0;  ///< In the metric's unit.
  /// Written with %: the number before it, and `bound` is the share. See resolve_limit().
  std::optional<double> percent = std::nullopt;
  bool unit = false;  ///< Written with a unit.

  bool upper() const { return relation == Relation::kLess || relation == Relation::kLessEqual; }
  bool holds(double value) const;  ///< False for NaN.
  /// 0 when it holds, else the distance to the bound relative to the bound's size (search.md 4), at
  /// least kSmallest, so that a value that just misses a strict bound still counts.
  double violation(double value) const;
  static constexpr double kSmallest = 1e-9;
  /// Whether both mean the same, however they were written.
  bool operator==(const Constraint& other) const {
    return metric == other.metric && relation == other.relation && bound == other.bound &&
           percent == other.percent;
  }
};
std::string to_string(const Constraint& constraint);  ///< `macs <= 20000000`

/// NAME RELATION NUMBER[UNIT], spaces allowed around each part; a NAME may be that of a column such
/// as `acc (%)`, without quotes and `=`. Units are those of the metric
/// (spaces/metric.hpp): k, M, G, T (powers of 1000), `25ms`, `20MB`, `75%`. Throws ConfigError that
/// says what was expected at which character (from 1).
Constraint parse_constraint(std::string_view text);

/// METRIC = NUMBER[UNIT] as a constraint (its relation says nothing). Throws ConfigError.
Constraint parse_assignment(std::string_view text);

/// A number with an optional unit of `metric` ("": k, M, G, T): `20M`, `1.5e6`. Throws ConfigError.
double parse_quantity(std::string_view text, const std::string& metric = "");

/// Sum of violations; a metric that is absent counts as kMissing.
double total_violation(const std::vector<Constraint>& constraints,
                       const std::map<std::string, double>& values);
/// Violation of a failed evaluation or an absent metric.
constexpr double kMissing = 1e3;

}  // namespace nas
