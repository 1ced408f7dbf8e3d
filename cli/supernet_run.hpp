#pragma once
// What a training configuration stands for: space, data, device; and a finished supernet reopened.
#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "search/store.hpp"
#include "spaces/registry.hpp"
#include "supernet/evaluate.hpp"
#include "supernet/train_options.hpp"

namespace nas::cli {

/// Space and data of a configuration, checked to fit together.
struct RunParts {
  TrainConfig config;
  std::unique_ptr<Space> space;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
  c10::Device device{c10::kCPU};
  int threads = 1;
  /// Borrows; valid while this object stays where it is.
  RunData data() const { return {*dataset, splits, normalisation, config.data}; }
};
/// Opens everything and sets threads and allocator. ConfigError when space and data do not fit.
std::unique_ptr<RunParts> open_parts(TrainConfig config);

/// A trained supernet from the results store.
struct SupernetRun {
  RunRow row;
  std::unique_ptr<RunParts> parts;
  std::unique_ptr<WeightStore> weights;
  std::string checkpoint;  ///< File the weights come from.
  std::string sha256;      ///< Its hash.
};
/// How a scorer judges this supernet: its fidelity and which weights, so that a value stored before
/// more training is never taken for one of the weights it has now.
std::string fidelity_of(const SupernetRun& run, const SubnetScorer& scorer);
/// `run` as in Store::run. ConfigError when there is none or it has no checkpoint yet; DataError
/// when files do not belong to it. A run that is not finished gives a warning. `common.sets` change
/// how it is judged and where its data lies, nothing else (run_sets.hpp).
SupernetRun open_supernet_run(const Store& store, const std::string& run, const Common& common);

/// Folder of a run's files: nas-runs/<id> beside the database.
std::string run_folder(const std::string& db, const std::string& id);
/// JSON of build, LibTorch, device and threads, stored with every run.
std::string versions_json(const RunParts& parts);

}  // namespace nas::cli
