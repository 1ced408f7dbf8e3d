#pragma once
// WeightSet: tensors that are trained, saved, moved and loaded together; TensorSource: what the
// executor asks for the tensors of one architecture.
#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spaces/space.hpp"
#include "supernet/weights/placement.hpp"

namespace nas {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  Role role = Role::kWeight;  ///< Decides weight decay and what counts as a parameter of a file.
};

/// Answers "the tensor for this op of this plan": all that the executor needs.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  /// Tensor of the subnet's shape; in training a differentiable view of (or function of) the
  /// leaves behind it.
  virtual at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) = 0;
};

class WeightSet {
 public:
  virtual ~WeightSet() = default;
  /// The tensors of one architecture. Cheap, made once per forward pass; must not outlive the set.
  std::unique_ptr<TensorSource> bind(const Architecture& a) { return bind(a, {}); }
  /// The same with stand-ins for parameters(), by position (all that the architecture uses, or
  /// empty for none): tensors of equal storage whose gradients are apart. Must outlive the source.
  virtual std::unique_ptr<TensorSource> bind(const Architecture& a,
                                             std::span<const at::Tensor> stand_ins) = 0;
  /// The leaves behind one tensor (several for transformed kernels), for gradient norms.
  virtual void leaves(const Plan& plan,
                      const Node& node,
                      Role role,
                      std::vector<at::Tensor>& out) = 0;
  /// All leaves with requires_grad, in a fixed order.
  virtual const std::vector<NamedTensor>& parameters() const = 0;
  /// Running statistics, in a fixed order.
  virtual const std::vector<NamedTensor>& buffers() const = 0;
  /// Marks (true) the parameters, by their position in parameters(), that a training pass of `plan`
  /// gives a gradient to. `used` has their number; what is marked already stays so.
  virtual void used_by(const Plan& plan, std::vector<bool>& used) const = 0;
};

/// One shared set of tensors: leading slices for elastic sizes, centre crops (times learned
/// matrices) for elastic kernels, whole tensors for choice blocks. Initialised from the stream
/// `init` of `seed` for set 0 and `init/<set>` for others, the same whatever is sampled later and
/// on every device.
std::unique_ptr<WeightSet> make_shared_set(std::shared_ptr<const SupernetLayout> layout,
                                           uint64_t seed,
                                           const Placement& placement,
                                           int set = 0);
/// The same with a layout of its own.
std::unique_ptr<WeightSet> make_shared_set(const Space& space,
                                           uint64_t seed,
                                           at::ScalarType dtype = at::kFloat,
                                           c10::Device device = c10::Device(c10::kCPU),
                                           bool channels_last = false);

}  // namespace nas
