#pragma once
// What `nas measure` came to, for people and for scripts.
#include <string>

#include "cli/command.hpp"
#include "cli/latency/judged.hpp"
#include "hardware/latency_table.hpp"

namespace nas::cli {

struct MeasureReport {
  LatencyTable table;
  double smallest_ms = 0, largest_ms = 0;  ///< Of the least and the largest network of the space.
  LatencyCheck check;  ///< Whole networks; without any where none were asked for.
  std::string run;     ///< Training run whose space it is; "" for none.

  /// Mean over the ops of (upper - lower quartile) / median.
  double relative_spread() const;
  /// A condition of the table, "-" where it has none of that name.
  std::string condition(const std::string& key) const;
};

/// Schema nas-measure/1.
std::string measure_json(const MeasureReport& report);
/// The table in words, and the commands that go on from it.
void print_measure(const MeasureReport& report, const Common& common);

}  // namespace nas::cli
