#pragma once
// The stages of a sweep as child processes, several at once.
#include <functional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/sweep/stage_store.hpp"
#include "cli/sweep/sweep_plan.hpp"

namespace nas::cli {

/// Where a sweep runs.
struct SweepPlace {
  std::string nas;                  ///< The program.
  std::string store;                ///< Results store of this sweep or shard.
  std::vector<std::string> others;  ///< Stores in which finished stages count, too.
  std::string folder;               ///< Logs and exports.
  std::string locks;                ///< Of stages: shared by all sweeps of the store.
  int jobs = 1;
  int threads = 1;  ///< Of each stage whose configuration gives none.
  /// They are the processors divided by the jobs; else each child finds out for itself.
  bool threads_divided = false;
};
/// The threads that a stage gets as `nas train` alone would: `given` is OMP_NUM_THREADS (null where
/// it is not set); without it the processors, divided among the jobs.
void set_threads(SweepPlace& place, const char* given, int processors);
/// What stands before the command of a stage for that.
std::vector<std::string> thread_words(const Stage& stage, const SweepPlace& place);

enum class Outcome {
  kWaiting,
  kDone,  ///< Now or before.
  kFailed,
  kBlocked,  ///< A stage that it needs failed.
};
struct StageResult {
  Outcome outcome = Outcome::kWaiting;
  bool before = false;  ///< Was done when the sweep began.
  std::string error;    ///< Why it failed.
  std::string log;      ///< What its process wrote; "" where none ran.
  StageState state;
};

/// Runs what is not done, `jobs` stages at a time; a failure ends what needs the stage and nothing
/// else. Another sweep of the same store that works on a stage is waited for. On a wish to stop the
/// children are asked to end, save, and are waited for: then Interrupted. `fail_fast`: the first
/// failure starts nothing more.
std::vector<StageResult> run_sweep(const SweepPlan& plan,
                                   const SweepPlace& place,
                                   const Common& common,
                                   bool fail_fast);

/// Stages that are not done and that some cell of the plan needs, with what they need themselves.
/// What another store has done is done: its runs are brought over before the first child begins.
std::vector<bool> stages_to_run(const SweepPlan& plan, const std::vector<StageState>& states);
/// The command line that does a stage or goes on with it.
std::vector<std::string> stage_command(const Stage& stage,
                                       const StageState& own,
                                       const std::string& needed_run,
                                       const SweepPlace& place);
std::string log_of(const Stage& stage, const SweepPlace& place);

}  // namespace nas::cli
