#pragma once
// The forward and backward passes of one training step, without the optimizer.
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <vector>

#include "supernet/executor.hpp"
#include "supernet/task.hpp"
#include "supernet/train/step/batch_parts.hpp"
#include "supernet/train/step/outcome.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

/// Sums over the paths of some steps, kept on the device until they are asked for.
struct PathTotals {
  at::Tensor loss, correct;  ///< Scalars; undefined before the first path.
  int64_t paths = 0;
  int64_t path_images = 0;
  double macs = 0;  ///< Forward MACs of all images of all paths.
};

class PathRunner {
 public:
  PathRunner(const Space& space,
             bool keeps_statistics,
             const TrainOptions& options,
             c10::Device device,
             uint64_t seed);

  /// Forward and backward of path `index` with the tensors of `weights`; marks in `used` the
  /// parameters that got a gradient; `share` multiplies its loss. `step` numbers the batches
  /// of the run: dropout masks depend on (seed, step, index) only. Returns the loss, detached.
  at::Tensor run(const Step& step,
                 size_t index,
                 WeightSet& weights,
                 std::vector<bool>& used,
                 const TrainBatch& batch,
                 double share,
                 int64_t global_step,
                 bool features);
  /// The same for paths `first` to the last, which must not learn from one another: side by side
  /// where `train.shards` is set. Sets and their `used` by path; `before(i)` comes before the
  /// gradients of path i are added to those of its set, `after(i)` then.
  struct PathSet {
    WeightSet* weights = nullptr;
    std::vector<bool>* used = nullptr;
  };
  void run_each(const Step& step,
                size_t first,
                const std::vector<PathSet>& sets,
                const TrainBatch& batch,
                double share,
                int64_t global_step,
                bool features,
                const std::function<void(size_t)>& before,
                const std::function<void(size_t)>& after);
  /// Logits [N, K] of a network that does not learn from this batch, normalised with its
  /// statistics, on the device; in parts where `train.shards` is set. `bind` gives its tensors.
  /// Dropout and drop-path are on where `randomness`, the seed of their masks, is given.
  at::Tensor answer(const Plan& plan,
                    const at::Tensor& images,
                    const std::function<std::unique_ptr<TensorSource>()>& bind,
                    std::optional<uint64_t> randomness);
  /// Forgets the logits and plans of the last step (teachers of distillation).
  void clear();

  /// Of path `index` of the current step, valid until clear(). `share` as in run(), `clip`: factor
  /// that clipping has applied to the gradients.
  PathOutcome outcome(
      const Step& step, size_t index, const TrainBatch& batch, double share = 1, double clip = 1);

  PathTotals totals;

 private:
  struct Slot {
    Plan plan;
    at::Tensor logits, features;
    WeightSet* weights = nullptr;
  };
  struct PassSetup {
    double factor = 1;                   ///< Of the loss.
    std::optional<uint64_t> randomness;  ///< Where the plan draws.
    bool features = false;
  };
  /// What the images of a batch, or of a part of it, are to be taught.
  struct Lesson {
    at::Tensor labels, weights;
    at::Tensor taught;   ///< Logits of the path that this one imitates, if any.
    at::Tensor teacher;  ///< Logits of the step's teacher, if asked for.
  };
  /// `auxiliary`: logits of the plan's training-only head (DARTS), undefined where it has none.
  at::Tensor loss_of(const Path& path,
                     const at::Tensor& logits,
                     const at::Tensor& auxiliary,
                     double auxiliary_weight,
                     const Lesson& lesson) const;
  Lesson lesson_of(const Path& path, const TrainBatch& batch) const;
  /// Forward and backward with threads inside ops; fills the slot and returns the loss, detached.
  at::Tensor whole(const Path& path, Slot& slot, const TrainBatch& batch, const PassSetup& setup);
  /// What in_parts() works on; must stay where it is until it is done.
  struct PartsInput {
    std::vector<bool> used;
    Lesson lesson;
  };
  PartsJob parts_job(const Path& path,
                     Slot& slot,
                     const TrainBatch& batch,
                     const PassSetup& setup,
                     PartsInput& input);
  /// What comes before a pass: plan, teacher, randomness.
  PassSetup prepare(const Step& step,
                    size_t index,
                    const PathSet& set,
                    const TrainBatch& batch,
                    double share,
                    int64_t global_step,
                    bool features);
  void count(Slot& slot, const TrainBatch& batch, const at::Tensor& loss);
  bool parts_wanted() const { return options_.shards.value_or(0) > 0 && device_.is_cpu(); }
  void ask_teacher(const Step& step, const TrainBatch& batch, int64_t global_step);

  const Space& space_;
  const Task& task_;
  const TrainOptions& options_;
  c10::Device device_;
  uint64_t seed_;
  at::Generator generator_;
  std::vector<Slot> slots_;
  at::Tensor teacher_logits_;  ///< Of the current step's batch; undefined until asked for.
  bool running_bn_;
  BatchParts parts_;
};

}  // namespace nas
