#pragma once
// How good a subnet is inside the supernet: the metrics of its task on a named split. No torch
// header here.
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "spaces/error.hpp"
#include "spaces/space.hpp"
#include "supernet/data/run_data.hpp"
#include "supernet/device.hpp"
#include "supernet/task.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

class FixedBatches;
class WeightStore;

/// The logits are no numbers, so there is no accuracy either: of one architecture.
class NotFiniteError : public DataError {
 public:
  using DataError::DataError;
};
/// Memory, of the GPU or the host, did not suffice for one batch.
bool is_out_of_memory(const std::exception& error);

class SubnetScorer {
 public:
  SubnetScorer(const Space& space,
               WeightStore& store,
               const RunData& data,
               const EvaluateOptions& options,
               const Device& device,
               Layout layout = Layout::kContiguous);
  ~SubnetScorer();
  /// Judged with the set that owns `a`. Does not touch its tensors; the same answer whatever was
  /// scored before. NotFiniteError when a logit is NaN or infinite; Interrupted when the user asked
  /// to stop.
  Score score(const Architecture& a);
  /// What scores hold.
  const Task& task() const { return task_; }
  /// How the values came about, as JSON for the results store: split, images, batch, BN treatment.
  std::string fidelity_json() const;
  /// What the user should be told once (running statistics in use); may be empty.
  std::string warning() const;

 private:
  const Space& space_;
  const Task& task_;
  WeightStore& store_;
  EvaluateOptions options_;
  Device device_;
  std::unique_ptr<FixedBatches> batches_;
  std::unique_ptr<FixedBatches> calibration_;
  bool running_ = false;  ///< The space keeps running statistics somewhere.
  Plan plan_;
};

}  // namespace nas
