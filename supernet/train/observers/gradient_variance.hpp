#pragma once
// Variance of importance-sampled gradients, measured on frozen weights (panda.md 3.3).
#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "supernet/task.hpp"

namespace nas {

/// Trace of the covariance of w_i g_i, i ~ q, w_i = 1 / (N q_i), for one draw (divide by B for a
/// batch of B): (1/N^2) sum ||g_i||^2 / q_i - ||gbar||^2. `squares`: ||g_i||^2; `mean_square`:
/// ||gbar||^2; q sums to 1 and is positive wherever a square is.
double weighted_trace(const std::vector<double>& squares,
                      const std::vector<double>& q,
                      double mean_square);

/// The gradients of the classifier alone, for which all per-image gradients are known exactly.
struct LastLayerGradients {
  std::vector<double> squares;  ///< ||g_i||^2 of each image.
  double mean_square = 0;       ///< ||gbar||^2.
};
/// logits: [N, K], labels: [N], features: [N, F] (input of the classifier); the task's loss with
/// label smoothing, mean over images. Computed in float64.
LastLayerGradients last_layer_gradients(const Task& task,
                                        const at::Tensor& logits,
                                        const at::Tensor& labels,
                                        double smoothing,
                                        const at::Tensor& features,
                                        bool bias);

/// Traces for one draw: uniform, by the probabilities given, and by the best ones (in proportion to
/// the norms).
struct VarianceReport {
  double uniform = 0, sampling = 0, best = 0;
  /// sum q_i ||g_i||^2: second moment without weights (biased), beside the uniform one.
  double unweighted_second_moment = 0, uniform_second_moment = 0;
};
/// As names and values of a table of metrics.
std::vector<std::pair<std::string, double>> metrics_of(const VarianceReport& report);
/// `q` empty: uniform. It need not sum to 1.
VarianceReport gradient_variance(const LastLayerGradients& gradients, std::vector<double> q);

}  // namespace nas
