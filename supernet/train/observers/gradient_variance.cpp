// tr Var of the estimate (1/N) sum g_i / (N q_i), i ~ q, is (1/N^2) sum |g_i|^2 / q_i - |mean g|^2
// (panda.md 3.3). It needs no gradient itself, only norms and the norm of the mean, both of which
// the outer product form of the last layer gives in one pass. `best` is the bound: q in proportion
// to |g_i|.
#include "supernet/train/observers/gradient_variance.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <numeric>

namespace nas {

double weighted_trace(const std::vector<double>& squares,
                      const std::vector<double>& q,
                      double mean_square) {
  const auto n = static_cast<double>(squares.size());
  double sum = 0;
  for (size_t i = 0; i < squares.size(); ++i)
    if (squares[i] > 0) sum += squares[i] / q[i];
  return sum / (n * n) - mean_square;
}

LastLayerGradients last_layer_gradients(const Task& task,
                                        const at::Tensor& logits,
                                        const at::Tensor& labels,
                                        double smoothing,
                                        const at::Tensor& features,
                                        bool bias) {
  const c10::NoGradGuard no_grad;
  const at::Tensor gap = task.output_gradient(logits.to(at::kDouble), labels, smoothing);
  at::Tensor h = features.to(at::kDouble);
  if (bias) h = at::cat({h, at::ones({h.size(0), 1}, h.options())}, 1);
  const at::Tensor squares = (gap.square().sum(1) * h.square().sum(1)).to(at::kCPU).contiguous();
  LastLayerGradients result;
  result.squares.assign(squares.data_ptr<double>(), squares.data_ptr<double>() + squares.numel());
  const at::Tensor mean = at::mm(gap.t(), h) / static_cast<double>(gap.size(0));
  result.mean_square = mean.square().sum().item<double>();
  return result;
}

VarianceReport gradient_variance(const LastLayerGradients& gradients, std::vector<double> q) {
  const std::vector<double>& squares = gradients.squares;
  const size_t n = squares.size();
  const std::vector<double> uniform(n, 1.0 / static_cast<double>(n));
  if (q.empty()) q = uniform;
  const double total = std::accumulate(q.begin(), q.end(), 0.0);
  for (double& v : q) v /= total;
  std::vector<double> best(n);
  for (size_t i = 0; i < n; ++i) best[i] = std::sqrt(squares[i]);
  const double norms = std::accumulate(best.begin(), best.end(), 0.0);
  for (double& v : best) v = norms > 0 ? v / norms : uniform[0];
  VarianceReport report;
  report.uniform = weighted_trace(squares, uniform, gradients.mean_square);
  report.sampling = weighted_trace(squares, q, gradients.mean_square);
  report.best = weighted_trace(squares, best, gradients.mean_square);
  for (size_t i = 0; i < n; ++i) {
    report.unweighted_second_moment += q[i] * squares[i];
    report.uniform_second_moment += uniform[i] * squares[i];
  }
  return report;
}

std::vector<std::pair<std::string, double>> metrics_of(const VarianceReport& r) {
  return {{"gradient.variance.uniform", r.uniform},
          {"gradient.variance.sampling", r.sampling},
          {"gradient.variance.best", r.best},
          {"gradient.second_moment.uniform", r.uniform_second_moment},
          {"gradient.second_moment.unweighted", r.unweighted_second_moment}};
}

}  // namespace nas
