#pragma once
// Optimizers over the parameters of one weight set. Which of them a step used is told, not guessed
// from gradients; gradients stay allocated, and are 0 between steps.
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), the norm being that of all together;
/// returns the factor applied. max_norm <= 0: off.
double clip_gradient_norm(std::vector<at::Tensor> grads, double max_norm);

class Optimizer {
 public:
  Optimizer(std::vector<NamedTensor> parameters, const OptimizerOptions& options);
  /// Gradients of the parameters that `used` marks (by position).
  std::vector<at::Tensor> gradients(const std::vector<bool>& used) const;
  /// One step with learning rate `lr`, then sets the gradients to 0. Parameters that `used` does
  /// not mark are left alone, or (untouched: decay) step with gradient 0 once they have moved
  /// before.
  void step(double lr, const std::vector<bool>& used);
  /// Drops all moments and step counts, as if no step had been made.
  void forget();
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

}  // namespace nas
