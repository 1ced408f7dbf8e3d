#pragma once
// One path on a batch that is cut into a fixed number of parts: threads share the parts among them,
// and what comes out does not depend on how many threads there are.
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "supernet/executor.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

/// Images `first` to `first + count - 1` of a batch.
struct BatchRange {
  int64_t first = 0, count = 0;
  at::Tensor of(const at::Tensor& t) const { return t.defined() ? t.narrow(0, first, count) : t; }
};

/// Cuts `images` into at most `parts` nearly equal ranges.
std::vector<BatchRange> batch_ranges(int64_t images, int parts);

struct PartsJob {
  const Architecture& architecture;
  const Plan& plan;
  WeightSet& weights;
  const std::vector<bool>& used;  ///< Parameters that this path uses.
  const at::Tensor& images;       ///< [N, C, H, W]
  ForwardOptions::Bn bn;
  bool regularise = false;             ///< Dropout and drop-path on.
  std::optional<uint64_t> randomness;  ///< Seed of their masks, where the plan draws any.
  bool features = false;
  double factor = 1;  ///< Of the loss, in its gradient.
  /// Mean loss of the images of a range, from their logits and those of the auxiliary head
  /// (undefined where there is none). Called in several threads.
  std::function<at::Tensor(const BatchRange&, const at::Tensor&, const at::Tensor&)> loss;
};

struct PartsResult {
  at::Tensor loss;      ///< Of the whole batch, detached.
  at::Tensor logits;    ///< [N, K], detached.
  at::Tensor features;  ///< [N, F], if asked for.
};

/// A network that answers a batch without learning, with the batch's own statistics.
struct LogitsJob {
  const Plan& plan;
  const at::Tensor& images;  ///< [N, C, H, W]
  /// Its tensors, once for each part; called by the caller's thread.
  std::function<std::unique_ptr<TensorSource>()> bind;
  bool regularise = false;             ///< Dropout and drop-path on.
  std::optional<uint64_t> randomness;  ///< Seed of their masks, where the plan draws any.
};

/// Forward and backward of paths in `shards` parts.
class BatchParts {
 public:
  BatchParts(int shards, Precision precision) : shards_(shards), precision_(precision) {}
  /// Adds the gradients to those of the set's parameters: of each part summed for itself, then part
  /// by part in their order. Running statistics move then, too.
  PartsResult run(const PartsJob& job);
  /// The same for several paths that do not wait for one another, side by side. By the
  /// caller's thread, in the order of the jobs: `before(i)`, the gradients of job i are added,
  /// `done(i, result)`. The first error of any is thrown when all have ended.
  void run_each(std::span<const PartsJob> jobs,
                const std::function<void(size_t)>& before,
                const std::function<void(size_t, PartsResult)>& done);
  /// Forward alone: logits [N, K], no gradient.
  at::Tensor logits(const LogitsJob& job);

 private:
  struct Running;
  WorkerPool& pool(int threads);

  int shards_;
  Precision precision_;
  std::unique_ptr<WorkerPool> pool_;
  int threads_ = 0;  ///< Of the pool.
};

}  // namespace nas
