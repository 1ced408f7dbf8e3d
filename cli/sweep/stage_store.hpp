#pragma once
// What the store knows about stages: whether one is done is its answer, nobody else's.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/sweep/sweep_plan.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Kind of the document that a run of a sweep carries: stage, hash, sweep.
inline constexpr const char* kSweepDocument = "sweep";

struct StageState {
  bool done = false;
  /// Of train and search: its newest run, done or not; of rank and export: the run they work on.
  std::string run;
  std::string status;      ///< As stored; "" without a run. `killed` for a dead one.
  bool anew = false;       ///< Nothing in it is worth going on from: try again from the start.
  bool worked_on = false;  ///< A living process has it.
  std::string error;       ///< Of the run.
  std::string started;     ///< UTC.
  double seconds = 0;      ///< From begin to end, where done.
  std::string store;       ///< Where that is so.
};

/// The states of all stages as of now, one for each of `plan.stages`. Looks into `store`, and where
/// a stage is not done there into `others` (the store that shards are merged into). A file that is
/// not there knows nothing.
std::vector<StageState> stage_states(const SweepPlan& plan,
                                     const std::string& store,
                                     const std::vector<std::string>& others = {});

/// Notes on a finished run of train or search which stage it is.
void mark_stage(const std::string& store,
                const std::string& run,
                const std::string& sweep,
                const Stage& stage);
/// Keeps what rank or export printed, with the run that they worked on: then it is done.
void keep_stage(const std::string& store,
                const std::string& run,
                const Stage& stage,
                nlohmann::ordered_json document);

/// Name and value of what a finished stage found, e.g. `validation.accuracy.mean`, `hypervolume`.
using Metrics = std::vector<std::pair<std::string, double>>;
Metrics stage_metrics(const Stage& stage, const StageState& state);

}  // namespace nas::cli
