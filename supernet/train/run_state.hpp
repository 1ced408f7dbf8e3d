#pragma once
// What a training is at a moment, all of which a checkpoint keeps: weights, moments, random
// streams, strategies, and where it stands.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supernet/train/step/step_runner.hpp"
#include "supernet/train/trained_sets.hpp"
#include "supernet/train/trainer.hpp"

namespace nas {

class RunState {
 public:
  /// References must outlive it.
  RunState(const TrainSetup& setup, Curriculum& curriculum);

  TrainedSets sets;
  StepRunner runner;
  int64_t epoch = 0;           ///< In progress, 0-based.
  int64_t step = 0;            ///< Batches done in this epoch.
  int64_t global_step = 0;     ///< Batches done since the start.
  std::vector<int64_t> order;  ///< Training positions of this epoch; empty: not begun.
  double macs_before = 0;      ///< Spent in earlier epochs.

  double spent() const { return macs_before + runner.totals.macs; }
  /// The strategy of a stage, made at its first epoch.
  Strategy& strategy_of(const Stage& stage);

  /// Mean loss of this epoch so far. Error when it is not finite.
  double finite_loss() const;
  /// Error when weights or statistics are not finite: the last update may have spoilt them after a
  /// finite loss.
  void require_finite_weights() const;

  /// Writes a checkpoint into the run's folder, unless a number in it is not finite (Error). What a
  /// hook must record of it comes before remove_older(). Returns its path; `sha256` receives its
  /// hash.
  std::string save(std::string& sha256);
  void remove_older() const;
  /// DataError when the checkpoint is not one of this run.
  void load(const Checkpoint& checkpoint, const std::string& path);
  /// As Trainer::adopt().
  void adopt(const Checkpoint& of_one_set, const std::string& path);

 private:
  void require_finite(const std::map<std::string, at::Tensor>& tensors) const;
  [[noreturn]] void diverged(const std::string& what) const;
  void require_same_run(const Checkpoint& checkpoint, const std::string& path) const;
  void load_scopes(const Checkpoint& checkpoint);

  const TrainSetup& setup_;
  Curriculum& curriculum_;
  std::map<std::string, std::unique_ptr<Strategy>> scoped_;  ///< Strategies of other scopes.
};

}  // namespace nas
