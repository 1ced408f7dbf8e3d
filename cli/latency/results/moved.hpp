#pragma once
// What `nas latency diff` found between two tables, and how it is told.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hardware/latency_diff.hpp"
#include "hardware/prediction/latency_model.hpp"

namespace nas::cli {

/// What two models say of the same networks.
struct NetworkChange {
  std::string space;
  std::vector<double> ratios;  ///< b over a, ascending.
  double median() const { return ratios[ratios.size() / 2]; }
};

struct TableComparison {
  std::string named_a, named_b;  ///< As the user names them.
  std::string a, b;              ///< Their ids.
  std::string grouping;
  LatencyDiff diff;
  std::optional<Calibration> calibration_a, calibration_b;
  std::optional<NetworkChange> whole;  ///< Where calibrations differ and the space is known.
  size_t above = 0;                    ///< Times that moved too far, see --fail-above.
};

inline constexpr double kRoundingPercent = 1e-7;  ///< Files that round a time do not differ.

/// Schema nas-latency-diff/1.
nlohmann::ordered_json table_comparison_json(const TableComparison& found);
/// The `most` largest changes of each kind are shown.
void print_table_comparison(const TableComparison& found, size_t most);

}  // namespace nas::cli
