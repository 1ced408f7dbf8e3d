#pragma once
// Judging subnets inside the supernet: accuracy and loss on a named split, batch norm recalibrated
// for each subnet.
#include <ATen/core/Tensor.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "spaces/error.hpp"
#include "supernet/executor.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// The images of a run; borrowed, and must outlive whoever holds this.
struct RunData {
  const Dataset& dataset;
  const Splits& splits;
  Normalisation normalisation;
  const DataOptions& options;
};

/// Batches of a fixed list of images without augmentation, cut into parts that differ by one image
/// at most. The published mixture program drops the incomplete last batch instead
/// (balanced_mixture.md 3.6), because the batch statistics of a small rest are poor; equal parts
/// have no such rest, and every image counts. Decoded once where they fit into memory.
class FixedBatches {
 public:
  struct Item {
    at::Tensor images, labels;
  };
  FixedBatches(const RunData& data,
               std::vector<int64_t> indices,
               int64_t batch,
               c10::Device device,
               Layout layout);
  ~FixedBatches();
  /// Calls f for each batch, always in the same order.
  template <typename F>
  void each(const F& f) {
    begin();
    for (Item item; next(item);) f(item);
  }
  int64_t size() const;   ///< Images.
  int64_t batch() const;  ///< Size of the largest batches.
  /// Versions before 0.2 cut the same images otherwise: full batches, and the rest in a last one.
  bool cut_anew() const;

 private:
  void begin();
  bool next(Item& item);
  struct State;
  std::unique_ptr<State> state_;
};

/// At most `images` (0: all) of `indices`, drawn and ordered by the stream (seed, purpose).
std::vector<int64_t> seeded_subset(std::vector<int64_t> indices,
                                   int64_t images,
                                   uint64_t seed,
                                   const std::string& purpose);

/// Statistics of every batch-norm node of `plan` that keeps running ones: mean over batches of the
/// batch mean and of the biased batch variance (search.md 2.7). `all`: of the others too, for a
/// network that is to answer for single images.
BnTable recalibrate(const Plan& plan, TensorSource& tensors, FixedBatches& data, bool all = false);

/// The logits are no numbers, so there is no accuracy either: of one architecture.
class NotFiniteError : public DataError {
 public:
  using DataError::DataError;
};
/// Memory, of the GPU or the host, did not suffice for one batch.
bool is_out_of_memory(const std::exception& error);

struct Score {
  double accuracy = 0;  ///< Share of images whose best class is right, 0..1.
  double top5 = 0;      ///< Share whose label is among the five best classes.
  double loss = 0;      ///< Mean cross-entropy.
  int64_t images = 0;
};

class SubnetScorer {
 public:
  SubnetScorer(const Space& space,
               WeightStore& store,
               const RunData& data,
               const EvaluateOptions& options,
               c10::Device device,
               Layout layout = Layout::kContiguous);
  /// Judged with the set that owns `a`. Does not touch its tensors; the same answer whatever was
  /// scored before. NotFiniteError when a logit is NaN or infinite; Interrupted when the user asked
  /// to stop.
  Score score(const Architecture& a);
  /// How the values came about, as JSON for the results store: split, images, batch, BN treatment.
  std::string fidelity_json() const;
  /// What the user should be told once (running statistics in use); may be empty.
  std::string warning() const;

 private:
  const Space& space_;
  WeightStore& store_;
  EvaluateOptions options_;
  FixedBatches batches_;
  std::unique_ptr<FixedBatches> calibration_;
  bool running_ = false;  ///< The space keeps running statistics somewhere.
  Plan plan_;
};

}  // namespace nas
