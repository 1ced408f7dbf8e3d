#pragma once
// What `nas latency calibrate` made of a table, and how it is told.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/latency/judged.hpp"
#include "cli/latency/networks.hpp"
#include "hardware/latency_table.hpp"
#include "hardware/prediction/latency_model.hpp"

namespace nas::cli {

/// The table of another device carried over by a few ops (hardware/prediction/transfer.hpp).
struct CarriedOver {
  std::string from;  ///< Id of the table that was known.
  size_t measured = 0, ops = 0;
  double scale = 1;       ///< New over known times.
  double held_out = 0;    ///< Mean relative error of ops left out in turn, a share.
  double scale_only = 0;  ///< The same of the scale alone.
};

struct CalibrationResult {
  LatencyTable table;
  std::string from;  ///< The table that was calibrated, as the user names it.
  std::optional<CarriedOver> carried;
  std::optional<Calibration> calibration;  ///< None where the table was only carried over.
  MeasuredRows rows;                       ///< What was learnt from.
  std::vector<double> sums, held;          ///< Of these: sums of ops, and what the others foretell.
  Widening widening;                       ///< Of these.
  MeasuredRows left_out;                   ///< Far off (hardware/prediction: far_off).
  std::vector<double> left_out_sums;
  Foretold raw, held_out;
};

/// Why what came of it should not be trusted, a sentence each: networks that it does not tell
/// apart, a spread beyond a half, ops of another device that tell nothing of the others. Empty: no
/// reason.
std::vector<std::string> doubts_of(const CalibrationResult& result);
/// Schema nas-latency-calibrate/1.
nlohmann::ordered_json calibration_json(const CalibrationResult& result, const Space& space);
/// `named`: the space, as a command that may come next names it.
void print_calibration(const CalibrationResult& result,
                       const Space& space,
                       const std::string& named,
                       const Common& common);
/// A note about networks that are kept and widen the spread: whoever measured them may know why.
void tell_widening(const Common& common, const CalibrationResult& result, const Space& space);
/// `rows.csv:5: ARCHITECTURE`.
std::string place_of_network(const Space& space, const MeasuredRows& rows, size_t i);

}  // namespace nas::cli
