// Folding multiplies in double and rounds once: in single precision two roundings per weight would
// show in the logits of deep networks.
#include "supernet/subnet.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <stdexcept>

namespace nas {
namespace {

at::Tensor own(const at::Tensor& t) {
  return t.detach().to(at::kCPU).contiguous().clone();
}

/// Answers a subnet's own tensors.
class OwnTensors final : public TensorSource {
 public:
  explicit OwnTensors(const std::map<std::string, at::Tensor>& tensors) : tensors_(tensors) {}
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    return tensors_.at(plan.tensor_name(node, spec.role));
  }

 private:
  const std::map<std::string, at::Tensor>& tensors_;
};

}  // namespace

BnTable running_statistics(const Plan& plan, TensorSource& tensors) {
  BnTable table;
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const Node& node = plan.nodes[i];
    if (!std::holds_alternative<BatchNorm>(node.op)) continue;
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node.op, specs);
    for (int k = 0; k < n; ++k) {
      if (specs[k].role == Role::kRunningMean)
        table[static_cast<int32_t>(i)].mean = own(tensors.get(plan, node, specs[k]));
      if (specs[k].role == Role::kRunningVar)
        table[static_cast<int32_t>(i)].var = own(tensors.get(plan, node, specs[k]));
    }
  }
  return table;
}

Subnet cut_out(const Plan& plan, TensorSource& tensors, const BnTable& table) {
  const c10::NoGradGuard no_grad;
  Subnet subnet;
  subnet.plan = plan;
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const Node& node = plan.nodes[i];
    Node& mine = subnet.plan.nodes[i];
    const auto measured = table.find(static_cast<int32_t>(i));
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node.op, specs);
    for (int k = 0; k < n; ++k)
      if (measured == table.end() || !is_buffer(specs[k].role))
        subnet.tensors[plan.tensor_name(node, specs[k].role)] =
            own(tensors.get(plan, node, specs[k]));
    forget_full_sizes(mine.op);  // Those of the shared tensors mean nothing any more.
    if (measured == table.end()) continue;
    std::get<BatchNorm>(mine.op).running = true;
    subnet.tensors[plan.tensor_name(node, Role::kRunningMean)] = own(measured->second.mean);
    subnet.tensors[plan.tensor_name(node, Role::kRunningVar)] = own(measured->second.var);
  }
  return subnet;
}

int fold_batch_norms(Subnet& subnet) {
  const c10::NoGradGuard no_grad;
  Plan& plan = subnet.plan;
  std::vector<int> readers(plan.nodes.size(), 0);
  for (const int32_t id : plan.input_pool)
    if (!Plan::is_input(id)) ++readers[static_cast<size_t>(id)];
  int folded = 0;
  for (Node& node : plan.nodes) {
    const auto* bn = std::get_if<BatchNorm>(&node.op);
    if (bn == nullptr || !bn->running) continue;
    const int32_t before = plan.inputs(node)[0];
    if (Plan::is_input(before) || readers[static_cast<size_t>(before)] != 1) continue;
    Node& source = plan.nodes[static_cast<size_t>(before)];
    auto* conv = std::get_if<Conv2d>(&source.op);
    if (conv == nullptr) continue;
    const auto take = [&](Role role) {
      const std::string name = plan.tensor_name(node, role);
      at::Tensor t = subnet.tensors.at(name).to(at::kDouble);
      subnet.tensors.erase(name);
      return t;
    };
    const at::Tensor mean = take(Role::kRunningMean);
    at::Tensor scale = (take(Role::kRunningVar) + bn->eps).rsqrt();
    at::Tensor shift = at::zeros_like(scale);
    if (bn->affine) {
      scale = scale * take(Role::kWeight);
      shift = take(Role::kBias);
    }
    at::Tensor& weight = subnet.tensors.at(plan.tensor_name(source, Role::kWeight));
    const at::ScalarType dtype = weight.scalar_type();
    const std::string bias_name = plan.tensor_name(source, Role::kBias);
    const at::Tensor bias =
        conv->bias ? subnet.tensors.at(bias_name).to(at::kDouble) : at::zeros_like(scale);
    weight = (weight.to(at::kDouble) * scale.view({-1, 1, 1, 1})).to(dtype);
    subnet.tensors[bias_name] = (shift + (bias - mean) * scale).to(dtype);
    conv->bias = true;
    node.op = Identity{};
    ++folded;
  }
  return folded;
}

int64_t parameter_count(const Subnet& subnet) {
  int64_t count = 0;
  for (const auto& [name, tensor] : subnet.tensors)
    if (!name.ends_with(suffix(Role::kRunningMean)) && !name.ends_with(suffix(Role::kRunningVar)))
      count += tensor.numel();
  return count;
}

at::Tensor forward(const Subnet& subnet, const at::Tensor& x) {
  const c10::NoGradGuard no_grad;
  OwnTensors tensors(subnet.tensors);
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kRunning;
  return forward(subnet.plan, tensors, x, options);
}

}  // namespace nas
