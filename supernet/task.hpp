#pragma once
// Task: what the outputs of a network mean. The loss of training, how one network imitates another,
// the gradient that importance is scored by, what judging measures: whoever needs one of these asks
// the task of the space and knows nothing of classes or labels. No torch header here.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace at {
class Tensor;
}

namespace nas {

class Space;

/// What judging a network gave: the metrics of its task, means over the samples.
struct Score {
  int64_t samples = 0;
  /// As Task::metrics() has them; the first is the one that networks are compared by.
  std::vector<std::pair<std::string, double>> values;
  /// std::out_of_range for a name that is no metric of the task.
  double value(std::string_view name) const;
  double first() const { return values.front().second; }
};

/// Outputs and targets are batches: [N, ...] of what the plan gives and the data set holds.
class Task {
 public:
  virtual ~Task() = default;
  virtual std::string_view name() const = 0;
  /// Rows of spaces/metric.hpp (unit, direction, range): first the one that networks are compared
  /// by; one of them is `loss`.
  virtual std::span<const char* const> metrics() const = 0;
  /// Sums over the samples, one for each of metrics(), outputs being finite.
  virtual std::vector<double> sums(const at::Tensor& outputs, const at::Tensor& targets) const = 0;

  /// Mean over the samples, or with `each` of every sample ([N]). `smoothing`: share of the target
  /// spread over all answers.
  virtual at::Tensor loss(const at::Tensor& outputs,
                          const at::Tensor& targets,
                          double smoothing,
                          bool each) const = 0;
  /// Loss against what another network (`taught`, its outputs) says of the same batch.
  virtual at::Tensor imitation(const at::Tensor& outputs,
                               const at::Tensor& taught,
                               bool each) const = 0;
  /// Of each sample's own loss with respect to its outputs, in the type of `outputs`.
  virtual at::Tensor output_gradient(const at::Tensor& outputs,
                                     const at::Tensor& targets,
                                     double smoothing) const = 0;
  /// How many samples are answered rightly, a scalar that stays on the device.
  virtual at::Tensor right(const at::Tensor& outputs, const at::Tensor& targets) const = 0;
};

/// Images into classes: outputs are logits [N, K], targets the indices of classes [N] (int64); the
/// loss is cross-entropy; metrics `accuracy`, `accuracy_top5`, `loss`.
const Task& classification();
/// All there are.
std::span<const Task* const> tasks();
/// That of a space (Space::task); std::logic_error when no task has that name.
const Task& task_of(const Space& space);

}  // namespace nas
