#include "supernet/measure.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>

#include "spaces/stop.hpp"
#include "supernet/device.hpp"
#include "supernet/executor.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;

/// Random tensors for one op, made once.
class RandomStore final : public WeightStore {
 public:
  explicit RandomStore(c10::Device device) : device_(device) {}
  void select(const Architecture&) override {}
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    at::Tensor& t = tensors_[{&node - plan.nodes.data(), static_cast<int>(spec.role)}];
    if (!t.defined()) {
      t = at::rand(at::IntArrayRef(spec.shape.size, static_cast<size_t>(spec.shape.rank)),
                   at::TensorOptions().device(device_));
      t.sub_(spec.role == Role::kRunningVar ? -0.5 : 0.5);
    }
    return t;
  }
  void leaves(const Plan&, const Node&, Role, std::vector<at::Tensor>&) override {}
  const std::vector<NamedTensor>& parameters() const override { return none_; }
  const std::vector<NamedTensor>& buffers() const override { return none_; }

 private:
  c10::Device device_;
  std::map<std::pair<int64_t, int>, at::Tensor> tensors_;
  std::vector<NamedTensor> none_;
};

LatencyEntry time_calls(const std::function<at::Tensor()>& call,
                        const MeasureOptions& options,
                        c10::Device device) {
  // On a GPU calls return before they are done: reading one value waits for all.
  const auto finish = [&](const at::Tensor& t) {
    if (!device.is_cpu()) t.flatten()[0].item<float>();
  };
  for (int i = 0; i < options.warmup; ++i) finish(call());
  std::vector<double> ms;
  for (int i = 0; i < options.repeats; ++i) {
    throw_if_stopped();
    const auto start = Clock::now();
    finish(call());
    ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(ms.begin(), ms.end());
  const auto quantile = [&](double q) {
    const double at = q * static_cast<double>(ms.size() - 1);
    const auto below = static_cast<size_t>(at);
    const size_t above = std::min(below + 1, ms.size() - 1);
    return ms[below] + (at - static_cast<double>(below)) * (ms[above] - ms[below]);
  };
  return {quantile(0.5), quantile(0.25), quantile(0.75), options.repeats};
}

at::Tensor random_input(const Shape& shape, int64_t batch, c10::Device device) {
  const at::TensorOptions o = at::TensorOptions().device(device);
  return shape.flat ? at::rand({batch, shape.c}, o)
                    : at::rand({batch, shape.c, shape.h, shape.w}, o);
}

/// Fixed statistics, as at inference after recalibration, whatever the space trains with.
ForwardOptions inference() {
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kRunning;
  return options;
}

void fix_statistics(Op& op) {
  if (auto* bn = std::get_if<BatchNorm>(&op)) bn->running = true;
}

}  // namespace

std::map<std::string, OpCase> distinct_ops(const Space& space, bool& complete, int64_t most) {
  std::map<std::string, OpCase> found;
  Plan plan;
  const auto look = [&](const Architecture& a) {
    space.build(a, plan);
    bool fresh = false;
    for (const Node& node : plan.nodes) {
      if (is_free(node.op)) continue;
      OpCase op{node.op, {}};
      for (const int32_t id : plan.inputs(node)) op.inputs.push_back(plan.shape_of(id));
      fresh |= found.emplace(signature(plan, node), std::move(op)).second;
    }
    return fresh;
  };
  complete = space.count() <= most;
  if (complete) {
    space.enumerate([&](const Architecture& a) {
      look(a);
      return true;
    });
    return found;
  }
  Rng rng(0, "measure");
  for (int64_t idle = 0; idle < most / 10; ++idle)
    if (look(space.sample(rng))) idle = 0;
  return found;
}

LatencyEntry time_op(const OpCase& op, const MeasureOptions& options, c10::Device device) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> inputs;
  for (const Shape& shape : op.inputs) inputs.push_back(random_input(shape, options.batch, device));
  // Ops with several inputs are not a plan of one image.
  if (std::holds_alternative<Add>(op.op))
    return time_calls(
        [&] {
          at::Tensor sum = inputs[0];
          for (size_t k = 1; k < inputs.size(); ++k) sum = sum + inputs[k];
          return sum;
        },
        options,
        device);
  if (std::holds_alternative<Mul>(op.op))
    return time_calls([&] { return inputs[0] * inputs[1]; }, options, device);
  if (std::holds_alternative<Concat>(op.op))
    return time_calls([&] { return at::cat(inputs, 1); }, options, device);
  SymbolTable symbols;
  symbols.intern("");
  const uint32_t name = symbols.intern("op");
  Plan plan;
  PlanBuilder builder(plan, symbols, op.inputs[0]);
  Op fixed = op.op;
  fix_statistics(fixed);
  builder.add(fixed, name, Plan::kInput);
  RandomStore store(device);
  const ForwardOptions forward_options = inference();
  return time_calls(
      [&] { return forward(plan, {}, store, inputs[0], forward_options); }, options, device);
}

LatencyEntry time_network(const Space& space,
                          const Architecture& a,
                          const MeasureOptions& options,
                          c10::Device device) {
  const c10::NoGradGuard no_grad;
  Plan plan = space.plan(a);
  for (Node& node : plan.nodes) fix_statistics(node.op);
  RandomStore store(device);
  const at::Tensor x = random_input(plan.input, options.batch, device);
  const ForwardOptions forward_options = inference();
  return time_calls([&] { return forward(plan, a, store, x, forward_options); }, options, device);
}

}  // namespace nas
