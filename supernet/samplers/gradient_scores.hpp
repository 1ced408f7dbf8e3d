#pragma once
// Gradient norms that importance sampling scores paths and images by (panda.md 3.1, 3.2).
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "supernet/train/step/outcome.hpp"

namespace nas {

/// What an image's gradient norm is taken to be.
enum class DataScore {
  kLogit,      ///< r = ||softmax(z) - target||, as released.
  kLastLayer,  ///< Exact norm of the classifier's gradient: r * sqrt(||h||^2 + 1).
};

/// Norm of each sample's gradient with respect to the outputs, in float32; in classification
/// ||softmax(z) - y||, y smoothed over the classes. logits: [N, K], labels: [N]; returns [N].
at::Tensor logit_norms(const Task& task,
                       const at::Tensor& logits,
                       const at::Tensor& labels,
                       double smoothing);
/// Norm of each image's gradient with respect to the classifier's weight and, with `bias`, its
/// bias. features: [N, F].
at::Tensor last_layer_norms(const Task& task,
                            const at::Tensor& logits,
                            const at::Tensor& labels,
                            double smoothing,
                            const at::Tensor& features,
                            bool bias);

/// Gradient norms of the convolutions and linear layers of a path, each with the choices whose
/// options put it there. One fused norm; read on the host when asked.
struct PathNorms {
  at::Tensor norms;                          ///< [T] on the device; undefined when T is 0.
  std::vector<std::vector<size_t>> choices;  ///< Of each of the T tensors.
  std::vector<bool> parametric;              ///< Per choice of the space.
};
PathNorms path_norms(const PathOutcome& outcome, size_t choices);

}  // namespace nas
