#pragma once
// How well times were foretold, and what is kept of that.
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nas::cli {

struct Foretold {
  size_t networks = 0;
  double mape = 0;       ///< Percent of the measured time.
  double within_10 = 0;  ///< Share of networks that are off by at most a tenth.
  double tau_b = 0;      ///< NaN where one list is constant.
  double bias = 0;       ///< Mean relative error, predicted above measured being positive; percent.
};
/// Lists of equal length, measured > 0.
Foretold foretold(std::span<const double> predicted, std::span<const double> measured);

nlohmann::ordered_json foretold_json(const Foretold& f);
/// Cells under kForetoldHeader.
std::vector<std::string> foretold_cells(const std::string& name, const Foretold& f);
inline const std::vector<std::string> kForetoldHeader = {
    "prediction", "MAPE", "within 10 %", "tau-b", "bias"};

/// Whole networks with their times and what one or two ways foretold; `nas report` draws it.
struct LatencyCheck {
  std::vector<std::string> networks;
  std::vector<double> measured_ms;
  std::vector<std::pair<std::string, std::vector<double>>> predicted_ms;  ///< By the way.
};
/// The JSON text of a latency table with its section `check`, which its readers pass over.
std::string with_check(const std::string& table_json, const LatencyCheck& check);
/// The section of such a text; no networks where it has none. DataError where it is damaged.
LatencyCheck check_of(const nlohmann::ordered_json& table);

}  // namespace nas::cli
