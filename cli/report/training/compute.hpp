#pragma once
// What a training run cost, and which other run cost as much: methods compare at equal compute.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Of all epochs that the store has; multiply-adds are those of forward passes.
struct Compute {
  int64_t epochs = 0;
  double passes = 0, macs = 0;                  ///< Forward and backward, of training.
  double validation_macs = 0;                   ///< Of the paths that a mixture judges.
  double scoring_passes = 0, scoring_macs = 0;  ///< Of the scoring of choices before splits.
  double seconds = 0;                           ///< Validation and scoring not counted.
  double scoring_seconds = 0;
  double all_macs() const { return macs + validation_macs + scoring_macs; }
};
Compute compute_of(const Store& store, const std::string& run);
/// Keys of the fields; null before the first epoch.
nlohmann::ordered_json compute_json(const Compute& compute);
/// (what, how much) for people.
std::vector<std::pair<std::string, std::string>> compute_lines(const Compute& compute);

/// For each of `runs` with several weight sets, the plain run of the same space and data whose
/// compute is nearest, within 5 %: {run, macs, baseline, baseline_macs, ratio, make}; `baseline` is
/// null where the store has none, and `make` then the command that trains one.
nlohmann::ordered_json equal_compute(const Store& store,
                                     const std::vector<std::string>& runs,
                                     const Common& common);
/// A sentence for each.
std::string equal_compute_text(const nlohmann::ordered_json& baselines);

}  // namespace nas::cli
