#pragma once
// The images of a training step, and what is told of each path after its backward pass.
#include <ATen/core/Tensor.h>

#include <vector>

#include "supernet/task.hpp"
#include "supernet/train/step/path.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

/// What samplers hear of a path after its backward pass and before the optimizer step. The
/// gradients that lie in the weights are this path's own.
struct PathOutcome {
  const Architecture& architecture;
  const Plan& plan;
  const Task& task;
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
