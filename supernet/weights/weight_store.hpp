#pragma once
// WeightStore: answers "the tensor for this op of this plan, for this architecture".
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

class WeightStore {
 public:
  virtual ~WeightStore() = default;
  /// Called before a forward pass of `a`; routing stores pick their component here.
  virtual void select(const Architecture& a) = 0;
  /// Tensor of the subnet's shape; a differentiable view of (or function of) the shared leaves.
  virtual at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) = 0;
  /// The shared leaves behind one tensor (several for transformed kernels), for gradient norms.
  virtual void leaves(const Plan& plan,
                      const Node& node,
                      Role role,
                      std::vector<at::Tensor>& out) = 0;
  /// All leaves with requires_grad, in a fixed order.
  virtual const std::vector<NamedTensor>& parameters() const = 0;
  /// Running statistics, in a fixed order.
  virtual const std::vector<NamedTensor>& buffers() const = 0;
};

/// One shared set of tensors: leading slices for elastic sizes, centre crops (times learned
/// matrices) for elastic kernels, whole tensors for choice blocks. Initialised from the "init"
/// stream of `seed`, the same whatever is sampled later, and on every device. `channels_last` lays
/// out convolution weights for images of that format.
std::unique_ptr<WeightStore> make_shared_store(const Space& space,
                                               uint64_t seed,
                                               at::ScalarType dtype = at::kFloat,
                                               c10::Device device = c10::Device(c10::kCPU),
                                               bool channels_last = false);

}  // namespace nas
