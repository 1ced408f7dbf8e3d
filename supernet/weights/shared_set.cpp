// Each tensor is initialised from a stream of its own name: a space with one more choice, another
// order or another device begins with the same values. A subnet's tensors are views of the leaves,
// so that their gradients land where they belong without a copy.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <unordered_map>

#include "spaces/random.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {
namespace {

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
at::Tensor initial(const SupernetTensor& spec, uint64_t seed, const std::string& stream) {
  at::Tensor t =
      at::zeros(at::IntArrayRef(spec.full.size, static_cast<size_t>(spec.full.rank)), at::kFloat);
  Rng rng(seed, stream + spec.name);
  const auto fan = static_cast<double>(spec.start.fan);
  switch (spec.start.fill) {
    case Start::Fill::kZeros:
      break;
    case Start::Fill::kOnes:
      t.fill_(1);
      break;
    case Start::Fill::kUniform:
      fill_uniform(t, 1.0 / std::sqrt(fan), rng);
      break;
    case Start::Fill::kNormal:
      fill_normal(t, std::sqrt(2.0 / fan), rng);
      break;
  }
  return t;
}

at::Tensor put(const Placement& place, at::Tensor t) {
  t = t.to(torch_device(place.device), torch_type(place.dtype));
  return place.channels_last && t.dim() == 4 ? t.contiguous(at::MemoryFormat::ChannelsLast) : t;
}

constexpr size_t kRoles = 4;

}  // namespace

/// Where the tensors of a node lie: by node symbol and role.
class SupernetLayout {
 public:
  struct Entry {
    SupernetTensor spec;
    uint32_t symbol = 0;
    bool buffer = false;
  };
  explicit SupernetLayout(const Space& space) {
    std::unordered_map<std::string_view, uint32_t> symbols;
    for (uint32_t id = 0; id < space.symbols().size(); ++id)
      symbols.emplace(space.symbols().text(id), id);
    for (SupernetTensor& spec : space.supernet_tensors()) {
      const std::string_view node =
          std::string_view(spec.name).substr(0, spec.name.size() - suffix(spec.role).size());
      const auto it = symbols.find(node);
      if (it == symbols.end()) throw std::logic_error("no symbol for the tensor " + spec.name);
      const bool buffer = is_buffer(spec.role);
      statistics_ |= buffer;
      entries_.push_back({std::move(spec), it->second, buffer});
    }
  }
  const std::vector<Entry>& entries() const { return entries_; }
  bool statistics() const { return statistics_; }

 private:
  std::vector<Entry> entries_;
  bool statistics_ = false;
};

namespace {

class SharedSet final : public WeightSet {
 public:
  SharedSet(const SupernetLayout& layout, uint64_t seed, const Placement& place, int set) {
    const std::string stream = set == 0 ? "init/" : "init/" + std::to_string(set) + "/";
    for (const SupernetLayout::Entry& e : layout.entries()) {
      add(e, put(place, initial(e.spec, seed, stream)));
      if (e.spec.learned_crop) add_transforms(e, e.spec.full.size[2], place);
    }
  }

  using WeightSet::bind;
  std::unique_ptr<TensorSource> bind(const Architecture&,
                                     std::span<const at::Tensor> stand_ins) override {
    return std::make_unique<Bound>(*this, stand_ins);
  }

  void used_by(const Plan& plan, std::vector<bool>& used) const override {
    const std::vector<bool> needed = needed_nodes(plan);
    for (size_t i = 0; i < needed.size(); ++i)
      if (needed[i])
        mark(plan,
             i < plan.nodes.size() ? plan.nodes[i] : plan.auxiliary[i - plan.nodes.size()],
             used);
  }

  at::Tensor get(const Plan& plan,
                 const Node& node,
                 const TensorSpec& spec,
                 std::span<const at::Tensor> stand_ins) const {
    const at::Tensor& whole = leaf_or(stand_ins, leaf(plan, node, spec.role));
    if (spec.shape == spec.full) return whole;
    at::Tensor t = whole;
    for (int d = 0; d < std::min(spec.shape.rank, 2); ++d)
      if (spec.shape.size[d] != spec.full.size[d]) t = t.narrow(d, 0, spec.shape.size[d]);
    if (spec.shape.rank == 4 && spec.shape.size[2] != spec.full.size[2])
      t = shrink(plan, node, t, spec, stand_ins);
    return t;
  }

  void leaves(const Plan& plan,
              const Node& node,
              Role role,
              std::vector<at::Tensor>& out) override {
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node.op, specs);
    out.push_back(leaf(plan, node, role).tensor);
    for (int i = 0; i < n; ++i)
      if (specs[i].role == role)
        each_crop(specs[i],
                  [&](int64_t from) { out.push_back(transform(plan, node, from).tensor); });
  }

  const std::vector<NamedTensor>& parameters() const override { return parameters_; }
  const std::vector<NamedTensor>& buffers() const override { return buffers_; }

 private:
  /// The tensors do not depend on the architecture beyond its plan.
  class Bound final : public TensorSource {
   public:
    Bound(const SharedSet& set, std::span<const at::Tensor> stand_ins)
        : set_(set), stand_ins_(stand_ins) {}
    at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
      return set_.get(plan, node, spec, stand_ins_);
    }

   private:
    const SharedSet& set_;
    std::span<const at::Tensor> stand_ins_;
  };

  void add(const SupernetLayout::Entry& e, at::Tensor t) {
    const size_t slot = e.symbol * kRoles + static_cast<size_t>(e.spec.role);
    if (slots_.size() <= slot) slots_.resize(slot + kRoles);
    if (e.buffer) {
      slots_[slot].tensor = t;
      buffers_.push_back({e.spec.name, t, e.spec.role});
      return;
    }
    t.set_requires_grad(true);
    slots_[slot] = {t, static_cast<int32_t>(parameters_.size())};
    parameters_.push_back({e.spec.name, t, e.spec.role});
  }

  void add_transforms(const SupernetLayout::Entry& e, int64_t full_kernel, const Placement& place) {
    for (int64_t k = full_kernel; k > 3; k -= 2) {
      const int64_t n = (k - 2) * (k - 2);
      at::Tensor t = put(place, at::eye(n, at::kFloat));
      t.set_requires_grad(true);
      transforms_[{e.symbol, k}] = {t, static_cast<int32_t>(parameters_.size())};
      parameters_.push_back(
          {e.spec.name + ".transform_" + std::to_string(k) + "to" + std::to_string(k - 2), t});
    }
  }

  void mark(const Plan& plan, const Node& node, std::vector<bool>& used) const {
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node.op, specs);
    for (int i = 0; i < n; ++i) {
      const Slot& slot = leaf(plan, node, specs[i].role);
      if (slot.parameter >= 0) used[static_cast<size_t>(slot.parameter)] = true;
      each_crop(specs[i], [&](int64_t from) {
        used[static_cast<size_t>(transform(plan, node, from).parameter)] = true;
      });
    }
  }

  /// The kernels that the crop of one tensor starts from: each has a learned matrix.
  template <typename F>
  static void each_crop(const TensorSpec& spec, F&& f) {
    if (!spec.learned_crop) return;
    for (int64_t k = spec.full.size[2]; k > spec.shape.size[2]; k -= 2) f(k);
  }

  struct Slot {
    at::Tensor tensor;
    int32_t parameter = -1;  ///< Position in parameters(); -1: a buffer, or nothing.
  };

  static const at::Tensor& leaf_or(std::span<const at::Tensor> stand_ins, const Slot& slot) {
    return stand_ins.empty() || slot.parameter < 0 ? slot.tensor
                                                   : stand_ins[static_cast<size_t>(slot.parameter)];
  }

  const Slot& leaf(const Plan& plan, const Node& node, Role role) const {
    const size_t slot = node.name * kRoles + static_cast<size_t>(role);
    if (slot >= slots_.size() || !slots_[slot].tensor.defined())
      throw std::logic_error("the supernet has no tensor " + plan.tensor_name(node, role));
    return slots_[slot];
  }

  const Slot& transform(const Plan& plan, const Node& node, int64_t from) const {
    const auto it = transforms_.find({node.name, from});
    if (it == transforms_.end())
      throw std::logic_error("no kernel transform for " + plan.name(node));
    return it->second;
  }

  /// Centre crop; where it is learned in steps of 2, each times its matrix (search.md 2.7).
  at::Tensor shrink(const Plan& plan,
                    const Node& node,
                    at::Tensor t,
                    const TensorSpec& spec,
                    std::span<const at::Tensor> stand_ins) const {
    const int64_t from = spec.full.size[2], to = spec.shape.size[2];
    if (!spec.learned_crop) {
      const int64_t border = (from - to) / 2;
      return t.narrow(2, border, to).narrow(3, border, to);
    }
    each_crop(spec, [&](int64_t k) {
      const int64_t n = k - 2;
      const at::Tensor crop =
          t.narrow(2, 1, n).narrow(3, 1, n).reshape({t.size(0) * t.size(1), n * n});
      t = at::linear(crop, leaf_or(stand_ins, transform(plan, node, k)))
              .view({t.size(0), t.size(1), n, n});
    });
    return t;
  }

  std::vector<Slot> slots_;
  std::map<std::pair<uint32_t, int64_t>, Slot> transforms_;
  std::vector<NamedTensor> parameters_, buffers_;
};

}  // namespace

std::shared_ptr<const SupernetLayout> make_layout(const Space& space) {
  return std::make_shared<const SupernetLayout>(space);
}

bool keeps_statistics(const SupernetLayout& layout) {
  return layout.statistics();
}

std::unique_ptr<WeightSet> make_shared_set(std::shared_ptr<const SupernetLayout> layout,
                                           uint64_t seed,
                                           const Placement& placement,
                                           int set) {
  return std::make_unique<SharedSet>(*layout, seed, placement, set);
}

std::unique_ptr<WeightSet> make_shared_set(const Space& space,
                                           uint64_t seed,
                                           at::ScalarType dtype,
                                           c10::Device device,
                                           bool channels_last) {
  return make_shared_set(make_layout(space),
                         seed,
                         {dtype == at::kDouble ? FloatType::kFloat64 : FloatType::kFloat32,
                          device_of(device),
                          channels_last});
}

}  // namespace nas
