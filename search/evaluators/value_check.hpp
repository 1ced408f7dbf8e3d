#pragma once
// Numbers that cannot be what their metric holds. One set of rules for the cells of tables, the
// answers of programs and the truth of a ranking.
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace nas {

/// Why no network can have this value, whatever the others are: a negative accuracy, error, cost or
/// time, an accuracy above 100 %, one above 1 of a name that says share. "" where it may be. The
/// metric's name alone says what it is (spaces/metric.hpp). `percent`: the value was written in
/// percent and is a share.
std::string impossible_value(const std::string& metric, double value, bool percent = false);

struct OddValue {
  size_t index = 0;          ///< In the list that was checked.
  std::string why;           ///< `is a share among percents (29 .. 45)`
  std::string instead = {};  ///< The number that must be meant; "" where nobody can tell.
  size_t more = 0;           ///< Further values of which the same holds.
  bool certain = true;       ///< Refused; else only told, since it can be meant.
};

/// The first value that the others and the name `metric` speak against; nullopt where all is well.
///  - Impossible ones.
///  - Of accuracies and errors: shares among percents, percentages among shares. A value up to 1
///    that stands far below nearly all others is a share; what can be the chance level of a network
///    that learnt nothing (1.0 of 100 classes, 0.83 of 120) or no share of theirs is only told.
///  - Of a name that says nothing the same, and values outside of 0 .. 100 where nearly all lie
///    inside: told.
///  - A name that says share holds no percents, whatever the others are.
/// A metric whose name says percent, or whose values were `written_in_percent`, has stated its
/// unit.
std::optional<OddValue> odd_value(std::span<const double> values,
                                  const std::string& metric,
                                  bool written_in_percent = false);

/// Why `values` of a table's column of this name cannot become a metric of that name (`latency_ms =
/// latency_us`, `accuracy = err`); "" where they can. Nothing is converted, so that whatever the
/// two names state must agree: quantity, direction, unit.
std::string rename_problem(const std::string& metric,
                           const std::string& column,
                           std::span<const double> values);

}  // namespace nas
