#pragma once
// Optimizers on fused multi-tensor operations. What happens to parameters that a path did not use
// is the caller's explicit choice.
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// Scales all defined gradients by min(1, max_norm / (norm + 1e-6)); returns the factor applied.
double clip_gradient_norm(const std::vector<at::Tensor>& parameters, double max_norm);

class Optimizer {
 public:
  Optimizer(std::vector<NamedTensor> parameters, const OptimizerOptions& options);
  /// One step with learning rate `lr`, then clears the gradients.
  void step(double lr);
  void zero_grad();
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
