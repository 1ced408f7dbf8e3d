#pragma once
// What a network takes, with how far off that may be: a table, and a calibration where it has one.
#include <optional>
#include <string>

#include "hardware/latency_table.hpp"
#include "hardware/prediction/calibration.hpp"

namespace nas {

/// Ops of a plan that take time.
int64_t timed_ops(const Plan& plan);
/// The shortest time in the table.
double least_op_ms(const LatencyTable& table);
/// `plan` as a calibration sees it, measured_ms 0.
MeasuredNetwork summed(const LatencyTable& table, const Plan& plan);

class LatencyModel {
 public:
  explicit LatencyModel(LatencyTable table, std::optional<Calibration> calibration = std::nullopt)
      : table_(std::move(table)), calibration_(calibration) {}

  const LatencyTable& table() const { return table_; }
  LatencyTable& table() { return table_; }
  const std::optional<Calibration>& calibration() const { return calibration_; }

  /// In ms for table().batch() images at once. DataError names an op without a time.
  double mean(const Plan& plan) const;
  /// Whether it knows how far off it may be. A sum of ops does not: what their repeats differ by is
  /// the least part of its error.
  bool has_spread() const { return calibration_.has_value(); }
  /// Standard deviation of a measurement around mean(), as a share of it, the same for all
  /// networks; 0 without has_spread().
  double relative_spread() const { return calibration_ ? calibration_->spread : 0; }

 private:
  LatencyTable table_;
  std::optional<Calibration> calibration_;
};

/// JSON text of the table with its section `calibration`. Programs that do not know the section
/// read it as the plain table.
std::string to_json(const LatencyModel& model);
/// As latency_table_from_json(); DataError (file, line) for a calibration that cannot be.
LatencyModel latency_model_from_json(const std::string& text, const std::string& where);

}  // namespace nas
