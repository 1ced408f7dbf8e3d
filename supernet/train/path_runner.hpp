#pragma once
// The forward and backward passes of one training step, without the optimizer.
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "supernet/executor.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

/// One batch on the device.
struct TrainBatch {
  at::Tensor images;               ///< [N, C, H, W]
  at::Tensor labels;               ///< [N]
  at::Tensor weights;              ///< [N] loss weights, or undefined for all 1.
  std::vector<int64_t> positions;  ///< Training positions of the images.
};

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
  /// Forgets the logits and plans of the last step (teachers of distillation).
  void clear();

  /// Of path `index` of the current step, valid until clear().
  PathOutcome outcome(const Step& step, size_t index, const TrainBatch& batch);

  PathTotals totals;

 private:
  struct Slot {
    Plan plan;
    at::Tensor logits, features;
    WeightSet* weights = nullptr;
  };
  /// `auxiliary`: logits of the plan's training-only head (DARTS), undefined where it has none.
  at::Tensor loss_of(const Path& path,
                     const at::Tensor& logits,
                     const at::Tensor& auxiliary,
                     double auxiliary_weight,
                     const TrainBatch& batch);
  void ask_teacher(const Step& step, const TrainBatch& batch, int64_t global_step);

  const Space& space_;
  const TrainOptions& options_;
  c10::Device device_;
  uint64_t seed_;
  at::Generator generator_;
  std::vector<Slot> slots_;
  at::Tensor teacher_logits_;  ///< Of the current step's batch; undefined until asked for.
  bool running_bn_;
};

/// Reptile (panda.md 3.5): several inner SGD runs from the same start; the mean displacement
/// becomes the gradient of the outer step.
class Reptile {
 public:
  explicit Reptile(const std::vector<NamedTensor>& parameters);
  /// Remembers the start of all paths of this step.
  void begin();
  /// Runs `inner.steps` inner steps from the start; `backward(i, used)` must add the gradients of
  /// the i-th inner step and mark whose they are. Then restores the start.
  void path(const Step::Inner& inner, const std::function<void(int, std::vector<bool>&)>& backward);
  /// Puts mean displacements into the gradients of all parameters that any path moved, and marks
  /// these.
  void finish(std::vector<bool>& used);

  /// Inner momentum kept across steps (`persist`).
  std::map<std::string, at::Tensor> save() const;
  void load(const std::map<std::string, at::Tensor>& state);

 private:
  std::vector<NamedTensor> parameters_;
  std::vector<at::Tensor> start_, sum_, momentum_;
  std::vector<bool> moved_, touched_;  ///< By any path of this step; by the path in progress.
  int64_t paths_ = 0;
};

}  // namespace nas
