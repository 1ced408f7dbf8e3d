#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "spaces/random.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {
namespace {

/// Inputs and outputs of one position of the whole tensor, in weights.
struct Fans {
  int64_t in = 1, out = 1;
};

// From the op as the supernet has it: the architecture that happens to mention a depthwise
// convolution first may be narrow, and its groups are those of its own width.
Fans fans_of(const Op& op) {
  TensorSpec specs[4];
  if (std::holds_alternative<Linear>(op)) {
    tensors_of(op, specs);
    return {specs[0].full.size[1], specs[0].full.size[0]};
  }
  const auto* conv = std::get_if<Conv2d>(&op);
  if (conv == nullptr) return {};
  tensors_of(op, specs);
  const int64_t* size = specs[0].full.size;
  const int64_t window = size[2] * size[3];
  const bool depthwise = conv->groups > 1 && conv->groups == conv->in;
  return {size[1] * window, (depthwise ? 1 : size[0] / conv->groups) * window};
}

void fill_uniform(at::Tensor& t, double bound, Rng& rng) {
  auto* p = t.data_ptr<float>();
  for (int64_t i = 0; i < t.numel(); ++i)
    p[i] = static_cast<float>((2 * rng.uniform() - 1) * bound);
}

void fill_normal(at::Tensor& t, double sd, Rng& rng) {
  auto* p = t.data_ptr<float>();
  for (int64_t i = 0; i < t.numel(); ++i) p[i] = static_cast<float>(rng.normal() * sd);
}

/// Each tensor has a stream of its own name, so that adding one never shifts another.
at::Tensor initial(const SupernetTensor& spec, uint64_t seed) {
  at::Tensor t =
      at::zeros(at::IntArrayRef(spec.full.size, static_cast<size_t>(spec.full.rank)), at::kFloat);
  Rng rng(seed, "init/" + spec.name);
  if (const auto* bn = std::get_if<BatchNorm>(&spec.op)) {
    const bool ones =
        spec.role == Role::kRunningVar || (spec.role == Role::kWeight && !bn->zero_gamma);
    if (ones) t.fill_(1);
    return t;
  }
  const Fans fans = fans_of(spec.op);
  Init init = Init::kFrameworkDefault;
  if (const auto* conv = std::get_if<Conv2d>(&spec.op)) init = conv->init;
  if (const auto* linear = std::get_if<Linear>(&spec.op)) init = linear->init;
  if (init == Init::kKaimingNormalFanOut) {
    if (spec.role == Role::kWeight)
      fill_normal(t, std::sqrt(2.0 / static_cast<double>(fans.out)), rng);
  } else {
    // Kaiming-uniform with slope sqrt 5 is U(+-1/sqrt(fan_in)), the bias bound too.
    fill_uniform(t, 1.0 / std::sqrt(static_cast<double>(fans.in)), rng);
  }
  return t;
}

struct Placement {
  at::ScalarType dtype;
  c10::Device device;
  bool channels_last;
  at::Tensor put(at::Tensor t) const {
    t = t.to(device, dtype);
    return channels_last && t.dim() == 4 ? t.contiguous(at::MemoryFormat::ChannelsLast) : t;
  }
};

class SharedStore final : public WeightStore {
 public:
  SharedStore(const Space& space, uint64_t seed, const Placement& placement) {
    for (const SupernetTensor& spec : space.supernet_tensors()) {
      at::Tensor t = placement.put(initial(spec, seed));
      const bool buffer = spec.role == Role::kRunningMean || spec.role == Role::kRunningVar;
      add(space, spec.name, spec.role, t, buffer);
      if (const auto* conv = std::get_if<Conv2d>(&spec.op);
          conv != nullptr && conv->kernel_transform && spec.role == Role::kWeight)
        add_transforms(space, spec.name, conv->full_kernel, placement);
    }
  }

  void select(const Architecture&) override {}

  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    const at::Tensor& whole = leaf(plan, node, spec.role);
    if (spec.shape == spec.full) return whole;
    at::Tensor t = whole;
    for (int d = 0; d < std::min(spec.shape.rank, 2); ++d)
      if (spec.shape.size[d] != spec.full.size[d]) t = t.narrow(d, 0, spec.shape.size[d]);
    if (spec.shape.rank == 4 && spec.shape.size[2] != spec.full.size[2]) {
      const bool learned = std::get<Conv2d>(node.op).kernel_transform;
      t = shrink(plan, node, t, spec.full.size[2], spec.shape.size[2], learned);
    }
    return t;
  }

  void leaves(const Plan& plan,
              const Node& node,
              Role role,
              std::vector<at::Tensor>& out) override {
    out.push_back(leaf(plan, node, role));
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (conv == nullptr || role != Role::kWeight || !conv->kernel_transform) return;
    for (int64_t k = conv->full_kernel; k > conv->kernel; k -= 2)
      out.push_back(transform(plan, node, k));
  }

  const std::vector<NamedTensor>& parameters() const override { return parameters_; }
  const std::vector<NamedTensor>& buffers() const override { return buffers_; }

 private:
  static constexpr size_t kRoles = 4;

  void add(const Space& space, const std::string& name, Role role, at::Tensor t, bool buffer) {
    if (!buffer) t.set_requires_grad(true);
    const std::string node = name.substr(0, name.size() - suffix(role).size());
    const uint32_t symbol = symbol_of(space, node);
    const size_t slot = symbol * kRoles + static_cast<size_t>(role);
    if (slots_.size() <= slot) slots_.resize(slot + kRoles);
    slots_[slot] = t;
    (buffer ? buffers_ : parameters_).push_back({name, t});
  }

  void add_transforms(const Space& space,
                      const std::string& name,
                      int64_t full_kernel,
                      const Placement& placement) {
    const uint32_t symbol =
        symbol_of(space, name.substr(0, name.size() - suffix(Role::kWeight).size()));
    for (int64_t k = full_kernel; k > 3; k -= 2) {
      const int64_t n = (k - 2) * (k - 2);
      at::Tensor t = placement.put(at::eye(n, at::kFloat));
      t.set_requires_grad(true);
      transforms_[{symbol, k}] = t;
      parameters_.push_back(
          {name + ".transform_" + std::to_string(k) + "to" + std::to_string(k - 2), t});
    }
  }

  static uint32_t symbol_of(const Space& space, const std::string& name) {
    const SymbolTable& table = space.symbols();
    for (uint32_t id = 0; id < table.size(); ++id)
      if (table.text(id) == name) return id;
    throw std::logic_error("no symbol for the tensor of " + name);
  }

  const at::Tensor& leaf(const Plan& plan, const Node& node, Role role) const {
    const size_t slot = node.name * kRoles + static_cast<size_t>(role);
    if (slot >= slots_.size() || !slots_[slot].defined())
      throw std::logic_error("the supernet has no tensor " + plan.tensor_name(node, role));
    return slots_[slot];
  }

  const at::Tensor& transform(const Plan& plan, const Node& node, int64_t from) const {
    const auto it = transforms_.find({node.name, from});
    if (it == transforms_.end())
      throw std::logic_error("no kernel transform for " + plan.name(node));
    return it->second;
  }

  /// Centre crop from kernel `from` to `to` in steps of 2, each times its learned matrix
  /// (search.md 2.7).
  at::Tensor shrink(const Plan& plan,
                    const Node& node,
                    at::Tensor t,
                    int64_t from,
                    int64_t to,
                    bool learned) const {
    if (!learned) {
      const int64_t border = (from - to) / 2;
      return t.narrow(2, border, to).narrow(3, border, to);
    }
    for (int64_t k = from; k > to; k -= 2) {
      const int64_t n = k - 2;
      const at::Tensor crop =
          t.narrow(2, 1, n).narrow(3, 1, n).reshape({t.size(0) * t.size(1), n * n});
      t = at::linear(crop, transform(plan, node, k)).view({t.size(0), t.size(1), n, n});
    }
    return t;
  }

  std::vector<at::Tensor> slots_;
  std::map<std::pair<uint32_t, int64_t>, at::Tensor> transforms_;
  std::vector<NamedTensor> parameters_, buffers_;
};

}  // namespace

std::unique_ptr<WeightStore> make_shared_store(const Space& space,
                                               uint64_t seed,
                                               at::ScalarType dtype,
                                               c10::Device device,
                                               bool channels_last) {
  return std::make_unique<SharedStore>(space, seed, Placement{dtype, device, channels_last});
}

}  // namespace nas
