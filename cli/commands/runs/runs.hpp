#pragma once
// The parts of `nas runs`.
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// How far a run has come.
struct RunProgress {
  std::optional<int64_t> done, total;  ///< Epochs of a training, evaluations of a search.
  std::string text;                    ///< `epoch 5/12`, `120/200 evaluations`; "" when unknown.
};
/// Of a search that waits for values (nas tell) how many; 0: it does not.
size_t values_awaited(const Store& store, const RunRow& run);
RunProgress run_progress(const Store& store, const RunRow& run);

/// The accuracy that a list of runs shows.
struct RunAccuracy {
  std::optional<double> value;  ///< 0..1.
  std::string of;  ///< validation.accuracy.mean, train.accuracy (without validation), best found.
};
RunAccuracy run_accuracy(const Store& store, const RunRow& run);

/// `drawing`: text, json, or dot or svg for the split tree of a few-shot run; to the file `out`, or
/// to stdout where that is empty.
int show_run(const Common& common,
             const Store& store,
             const RunRow& run,
             const std::string& drawing = "text",
             const std::string& out = "");
/// Forgets runs and deletes their folders beside the store. Asks on a terminal unless `yes`.
int remove_runs(const Common& common, const std::vector<std::string>& names, bool yes);
int rename_run(const Common& common, const std::string& which, const std::string& name);

}  // namespace nas::cli
