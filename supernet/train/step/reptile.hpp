#pragma once
// Reptile (panda.md 3.5): several inner SGD runs from the same start; the mean displacement becomes
// the gradient of the outer step.
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "supernet/train/step/step_rule.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

class Reptile {
 public:
  explicit Reptile(const std::vector<NamedTensor>& parameters);
  /// Remembers the start of all paths of this step.
  void begin();
  /// Runs `inner.steps` inner steps from the start; `backward(i, used)` must add the gradients of
  /// the i-th inner step and mark whose they are. Then restores the start.
  void path(const ReptileOptions& inner,
            const std::function<void(int, std::vector<bool>&)>& backward);
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
