// Medians and quartiles of repeated calls through the executor, so that what is timed is what runs.
// Medians, because a busy machine adds to some calls and takes from none.
#include "hardware/measure/measure.hpp"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <algorithm>
#include <chrono>

#include "spaces/error.hpp"
#include "supernet/executor.hpp"
#include "supernet/torch_device.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;

/// Random tensors for one op, made once.
class RandomTensors final : public TensorSource {
 public:
  explicit RandomTensors(c10::Device device) : device_(device) {}
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    at::Tensor& t = tensors_[{&node - plan.nodes.data(), static_cast<int>(spec.role)}];
    if (!t.defined()) {
      t = at::rand(at::IntArrayRef(spec.shape.size, static_cast<size_t>(spec.shape.rank)),
                   at::TensorOptions().device(device_));
      t.sub_(spec.role == Role::kRunningVar ? -0.5 : 0.5);
    }
    return t;
  }

 private:
  c10::Device device_;
  std::map<std::pair<int64_t, int>, at::Tensor> tensors_;
};

/// Times of repeated calls. On a CPU by the clock. On a GPU calls return before they are done, and
/// reading a value back costs a copy (10 to 20 us, more than many ops): there the device's own
/// events stand before and after the work.
class Stopwatch {
 public:
  explicit Stopwatch(c10::Device device) : device_(device) {}

  double ms(const std::function<at::Tensor()>& call) const {
    if (device_.is_cpu()) {
      const auto start = Clock::now();
      const at::Tensor kept = call();
      return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
    const c10::Stream stream = c10::impl::getDeviceGuardImpl(device_.type())->getStream(device_);
    c10::Event before(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
    c10::Event after(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
    before.record(stream);
    const at::Tensor kept = call();
    after.record(stream);
    after.synchronize();
    return before.elapsedTime(after);
  }

 private:
  c10::Device device_;
};

LatencyEntry time_calls(const std::function<at::Tensor()>& call,
                        const MeasureOptions& options,
                        c10::Device device) {
  const Stopwatch watch(device);
  const auto timed = [&] {
    if (options.stop && options.stop()) throw Interrupted("the measurement was stopped");
    return watch.ms(call);
  };
  for (int i = 0; i < options.warmup; ++i) timed();
  std::vector<double> ms;
  for (int i = 0; i < options.repeats; ++i) ms.push_back(timed());
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
  std::vector<int64_t> sizes{batch};
  const Dims dims = dims_of(shape);
  for (const int64_t size : dims.span()) sizes.push_back(size);
  return at::rand(sizes, at::TensorOptions().device(device));
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

LatencyEntry time_op(const OpCase& op, const MeasureOptions& options, const Device& on) {
  const c10::NoGradGuard no_grad;
  const c10::Device device = torch_device(on);
  Plan plan = *op.plan;
  fix_statistics(plan.nodes[op.node].op);
  std::vector<at::Tensor> inputs;
  for (const int32_t id : plan.inputs(plan.nodes[op.node]))
    inputs.push_back(random_input(plan.shape_of(id), options.batch, device));
  RandomTensors tensors(device);
  const ForwardOptions forward_options = inference();
  return time_calls(
      [&] { return run_node(plan, op.node, inputs, tensors, forward_options); }, options, device);
}

LatencyEntry time_network(const Space& space,
                          const Architecture& a,
                          const MeasureOptions& options,
                          const Device& on) {
  const c10::NoGradGuard no_grad;
  const c10::Device device = torch_device(on);
  Plan plan = space.plan(a);
  for (Node& node : plan.nodes) fix_statistics(node.op);
  RandomTensors tensors(device);
  std::vector<at::Tensor> inputs;
  for (const Shape& shape : plan.input_shapes)
    inputs.push_back(random_input(shape, options.batch, device));
  const ForwardOptions forward_options = inference();
  return time_calls(
      [&] { return forward(plan, tensors, inputs, forward_options); }, options, device);
}

}  // namespace nas
