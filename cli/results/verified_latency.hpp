#pragma once
// A predicted latency against a measured one (`nas export --verify-latency`), and how it is told.
#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nas::cli {

/// All times in ms.
struct VerifiedLatency {
  nlohmann::ordered_json by;  ///< The table or predictor, as searches store it.
  double predicted = 0;
  std::optional<double> spread;                   ///< Standard deviation of the prediction.
  std::optional<std::array<double, 2>> interval;  ///< 95 %.
  std::vector<std::string> assumed;               ///< Conditions that the prediction does not name.
  double measured = 0;                            ///< Median.
  bool folded = false;               ///< Measured was the network with its batch norms merged.
  std::optional<double> as_written;  ///< Of the folded file, where the network itself was measured.
  std::array<double, 2> quartiles{};  ///< Of the measurement.
  int64_t peak_bytes = 0;
  std::optional<double> energy_mj;  ///< Of one run, mJ.
  double tolerance_percent = 10;
  std::map<std::string, std::string> measured_with;  ///< Conditions.

  /// Of the prediction, in percent of what was measured.
  double error_percent() const { return 100 * (predicted - measured) / measured; }
  bool within() const;
};

/// {"predicted_ms", "spread_ms", "interval_ms", "measured_ms", "measured" ("as built" or "folded"),
/// "folded_ms", "quartiles_ms", "error_percent", "tolerance_percent", "within", "table", ...}.
nlohmann::ordered_json verified_json(const VerifiedLatency& verified);
/// What the store keeps of it beside architecture and time (document kLatencyCheck).
nlohmann::ordered_json verified_row(const VerifiedLatency& verified);
/// A sentence or two.
std::string verified_text(const VerifiedLatency& verified);

}  // namespace nas::cli
