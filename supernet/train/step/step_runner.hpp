#pragma once
// Runs the steps of a training: a rule's services, and what a checkpoint keeps of them.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "supernet/files/checkpoint.hpp"
#include "supernet/train/step/draw_counts.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "supernet/train/step/validation_stream.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/trained_sets.hpp"

namespace nas {

/// Where a batch stands in the run.
struct StepPlace {
  int64_t epoch = 0;        ///< Of the strategy, 0-based.
  int64_t step = 0;         ///< Batches done in this epoch.
  int64_t steps = 1;        ///< Of this epoch.
  int64_t global_step = 0;  ///< Batches done since the start of the run.
  double rate = 0;          ///< Learning rate.
};

class StepRunner final : public StepServices {
 public:
  /// References must outlive it.
  StepRunner(const Space& space,
             WeightStore& store,
             TrainedSets& sets,
             const RunData& data,
             const TrainOptions& options,
             c10::Device device,
             uint64_t seed);

  /// Before the first batch of an epoch, unless it is gone on with.
  void begin_epoch();
  /// One step of `strategy` on `batch`.
  void run(Strategy& strategy, const TrainBatch& batch, const StepPlace& place);
  /// Forgets the sums of the epoch.
  void end_epoch();

  // Of the epoch so far.
  PathTotals totals;
  int64_t clipped = 0;         ///< Updates that clipping scaled.
  int64_t updates = 0;         ///< Optimizer steps.
  double validation_macs = 0;  ///< Forward MACs on validation batches.
  int64_t distinct() const { return static_cast<int64_t>(distinct_.size()); }
  /// Mean loss of the epoch so far; reads it from the device.
  double mean_loss() const;

  /// Of the whole run.
  DrawCounts draws;

  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);
  /// What was drawn before a checkpoint, where that tells it.
  void load_draws(const Checkpoint& checkpoint);

  // ---- StepServices
  const TrainBatch& batch() const override { return *batch_; }
  const TrainBatch& validation() override;
  double share() const override;
  at::Tensor backward(size_t path, double share) override;
  void backward_each(size_t first, double share) override;
  at::Tensor backward(size_t path, TrainedSet& with, std::vector<bool>& used) override;
  void tell(size_t path) override;
  TrainedSet& set_of(size_t path) override;
  void update() override;

 private:
  int set_number(size_t path);
  /// Gradients that earlier paths left in the parameters of a path's set, put aside while its own
  /// are there.
  using Aside = std::vector<std::pair<at::Tensor, at::Tensor>>;
  Aside put_aside(size_t path);
  /// After the backward pass of a path: tells of it where its gradients are its own, and adds those
  /// that were put aside.
  void finish_path(size_t path, const Aside& aside);
  std::vector<double> clip();
  void judge_paths();

  const Space& space_;
  const Task& task_;
  WeightStore& store_;
  TrainedSets& sets_;
  const TrainOptions& options_;
  c10::Device device_;
  PathRunner runner_;
  Rng set_rng_;  ///< Draws the set of a path, where a store asks for it.
  ValidationStream validation_;
  std::unordered_set<uint64_t> distinct_;  ///< Hashes of the paths of this epoch.

  // Of the step in progress.
  Strategy* strategy_ = nullptr;
  const TrainBatch* batch_ = nullptr;
  StepPlace place_;
  Step step_;
  std::vector<int> set_numbers_;  ///< Of each path; -1: not drawn yet.
  std::vector<double> shares_;    ///< Of each path's loss.
  bool told_ = false;             ///< Samplers were told of the paths.
};

}  // namespace nas
