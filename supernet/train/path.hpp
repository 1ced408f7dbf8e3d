#pragma once
// What one training step is made of: paths, and what is told of each after its backward pass.
#include <ATen/core/Tensor.h>

#include <vector>

#include "spaces/space.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

class Teacher;

/// One forward/backward pass of a step.
struct Path {
  Architecture architecture;
  double weight = 1.0;  ///< Multiplies the loss (importance weight).
  int distill_from =
      -1;  ///< Index of an earlier path of the step whose detached logits teach this one.
  double hard_loss = 1.0;  ///< Share of the label loss (0: soft targets only).
  bool regularise = true;  ///< Dropout/drop-path on for this path.
  /// Share of the cross-entropy with the step's teacher, added to the loss above.
  double teacher_loss = 0;
};

/// The paths of one batch, as a step rule draws them.
struct Step {
  std::vector<Path> paths;
  /// Who teaches paths with a `teacher_loss`; borrowed, runs `teacher_architecture`.
  Teacher* teacher = nullptr;
  Architecture teacher_architecture = {};
};

/// What samplers hear of a path after its backward pass and before the optimizer step. The
/// gradients that lie in the weights are this path's own.
struct PathOutcome {
  const Architecture& architecture;
  const Plan& plan;
  const at::Tensor& logits;               ///< [N, K], detached.
  const at::Tensor& labels;               ///< [N].
  const std::vector<int64_t>& positions;  ///< Training positions (0..train_size-1) of the batch.
  const at::Tensor* features;             ///< [N, F] input of the classifier, if wants_features().
  WeightSet& weights;
  double weight = 1;  ///< Factor of the path's loss: its importance weight and its share.
  double clip = 1;    ///< Factor that clipping has applied to the gradients so far.
};

/// One batch on the device.
struct TrainBatch {
  at::Tensor images;               ///< [N, C, H, W]
  at::Tensor labels;               ///< [N]
  at::Tensor weights;              ///< [N] loss weights, or undefined for all 1.
  std::vector<int64_t> positions;  ///< Training positions of the images.
};

}  // namespace nas
