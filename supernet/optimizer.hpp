#pragma once
// Optimizers on fused multi-tensor operations. What happens to parameters that a path did not use
// is the caller's explicit choice.
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "spaces/yaml_binder.hpp"
#include "supernet/weight_store.hpp"

namespace nas {

enum class OptimizerKind { kSgd, kAdam, kAdamW };
/// A parameter that no path of the step used: `skip` leaves it as it is; `decay` treats its
/// gradient as zero, so that momentum and weight decay still act (a parameter never used yet is
/// skipped either way; panda.md 6.3).
enum class Untouched { kSkip, kDecay };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double lr = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 5e-4;
  bool decay_norm_and_bias = true;  ///< Weight decay on batch-norm parameters and biases too.
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip_norm = 0;   ///< Global gradient norm is scaled down to this; 0 off.
  double clip_value = 0;  ///< Each gradient entry is clamped to +-this; 0 off.
  Untouched untouched = Untouched::kSkip;
};
void describe(Binder& b, OptimizerOptions& o);

/// Scales all defined gradients by min(1, max_norm / (norm + 1e-6)); returns the factor applied.
double clip_gradient_norm(const std::vector<at::Tensor>& parameters, double max_norm);

class Optimizer {
 public:
  Optimizer(std::vector<NamedTensor> parameters, const OptimizerOptions& options);
  /// One step with learning rate `lr`, then clears the gradients.
  void step(double lr);
  void zero_grad();
  const std::vector<at::Tensor>& parameters() const { return tensors_; }
  const OptimizerOptions& options() const { return options_; }

  /// Moments and step counts by parameter name.
  std::map<std::string, at::Tensor> save() const;
  /// Throws DataError on a missing or misshapen entry.
  void load(const std::map<std::string, at::Tensor>& state);

 private:
  struct Slot {
    at::Tensor first, second;  ///< Momentum (or first moment), second moment.
    int64_t steps = 0;         ///< 0: never touched.
  };
  void sgd(const std::vector<size_t>& active, double lr);
  void adam(const std::vector<size_t>& active, double lr);

  OptimizerOptions options_;
  std::vector<NamedTensor> named_;
  std::vector<at::Tensor> tensors_;
  std::vector<bool> decays_;
  std::vector<Slot> slots_;
};

enum class ScheduleKind { kConstant, kCosine, kStep, kExponential };
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  bool per_step = false;        ///< Change every step rather than every epoch.
  double lr_min = 0;            ///< cosine, exponential: lower end.
  double warmup_epochs = 0;     ///< Linear from 0 to the base rate.
  std::vector<int> milestones;  ///< step: epochs at which the rate is multiplied by gamma.
  double gamma = 0.1;           ///< step: factor; exponential: factor per epoch.
};
void describe(Binder& b, ScheduleOptions& o);
/// Learning rate at `epoch` (fractional within an epoch when per_step) of `epochs`.
double learning_rate(const ScheduleOptions& options, double base, double epoch, double epochs);

}  // namespace nas
