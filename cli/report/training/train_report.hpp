#pragma once
// What `nas train` says at its end.
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/report/training/compute.hpp"
#include "search/store/store.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

struct TrainReport {
  RunRow run;
  std::string strategy;
  int64_t epochs = 0;
  std::vector<std::pair<std::string, double>> last;  ///< Metrics of the last epoch.
  std::vector<std::string> health;
  std::string checkpoint, weights_sha256;
  double seconds = 0;     ///< Of this process.
  bool resumed = false;   ///< Then the run took longer than `seconds`.
  Compute compute;        ///< Of the whole run.
  std::string only_arch;  ///< The architecture of strategy `fixed`, "" for a supernet.
};

/// For people: last epoch and whole run apart, metrics in words.
std::string train_report_text(const TrainReport& report);
/// Schema nas-train/1.
std::string train_report_json(const TrainReport& report);
/// Commands that go on from here, each a line.
std::string train_next(const TrainReport& report, const Common& common);

}  // namespace nas::cli
