#pragma once
// What a training configuration stands for: space, data, device; and a finished supernet reopened.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "search/store/store.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"
#include "supernet/files/checkpoint_files.hpp"
#include "supernet/judge/score.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/placement.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas::cli {

/// Space and data of a configuration, checked to fit together.
struct RunParts {
  TrainConfig config;
  std::unique_ptr<Space> space;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
  Device device;
  int threads = 1;
  /// Borrows; valid while this object stays where it is.
  RunData data() const { return {*dataset, splits, normalisation, config.data}; }
};
/// Decides what the configuration leaves to its device and its space (see settle(TrainOptions&)),
/// so that a stored one says what was done.
void settle(TrainConfig& config);
/// Opens everything and sets threads and allocator. ConfigError when space and data do not fit.
std::unique_ptr<RunParts> open_parts(TrainConfig config);

/// The weights that a configuration asks for, as they begin, where and how the run has them.
Weights make_weights(const RunParts& parts);
/// The same elsewhere.
Weights make_weights(const RunParts& parts, const Placement& place);
/// Fills all sets from a file (see load_initial_weights); returns what kind of file it was.
std::string initialise_weights(const RunParts& parts,
                               WeightStore& weights,
                               const std::string& path);

/// A trained supernet from the results store.
struct SupernetRun {
  RunRow row;
  std::unique_ptr<RunParts> parts;
  std::unique_ptr<WeightStore> weights;
  std::string checkpoint;  ///< File the weights come from.
  std::string sha256;      ///< Its hash.
  Common common;           ///< What it was opened with, for commands that are suggested.
  /// Sets whose weights cannot be read, and why (ReadCheckpoint::lost).
  std::map<int, std::string> lost;
};
/// How a scorer judges this supernet: its fidelity and which weights, so that a value stored before
/// more training is never taken for one of the weights it has now.
std::string fidelity_of(const SupernetRun& run, const SubnetScorer& scorer);
/// Configuration of a run with its data and its space where they are now; `common.sets` may say
/// where (`data.path`).
TrainConfig config_of_run(const Store& store, const RunRow& row, const Common& common);
/// SHA-256 of each checkpoint of a run, by file name.
std::map<std::string, std::string> recorded_checkpoints(const Store& store, const std::string& run);
/// Warns of newer checkpoints that are damaged or missing.
void tell_damaged(const Store& store, const std::string& run, const ReadCheckpoint& read);
/// The newest checkpoint that is whole, to go on with. DataError that says what to do where none
/// can be read.
ReadCheckpoint newest_checkpoint(const Store& store, const RunRow& row, const Common& common);
/// The same to judge with, for which one of several weight sets is enough: sets that are lost are
/// told, with what to do.
ReadCheckpoint checkpoint_to_judge(const Store& store,
                                   const RunRow& row,
                                   const WeightStore& weights,
                                   const Common& common);
/// What to do for a run without one. ConfigError where it has none yet, DataError where those that
/// were written are gone.
[[noreturn]] void refuse_without_checkpoint(const Store& store,
                                            const RunRow& row,
                                            const Common& common);
/// `run` as in Store::run. ConfigError when there is none or it has no checkpoint yet; DataError
/// when files do not belong to it. A run that is not finished gives a warning, and so does a
/// damaged checkpoint, for which the one before is taken. `common.sets` change how it is judged and
/// where its data lies, nothing else (run_sets.hpp).
SupernetRun open_supernet_run(const Store& store, const std::string& run, const Common& common);

/// Warns where a search judged its pick with other weights than those opened now.
void tell_other_weights(const SupernetRun& run,
                        const std::string& search,
                        const std::string& weights);

/// JSON of build, LibTorch, device and threads, stored with every run.
std::string versions_json(const RunParts& parts);

}  // namespace nas::cli
