// Each visit of the protocol runs the real executor on random data. Data are views into one pool of
// random numbers: making new ones for thousands of ops, five times each, would take longer than
// running them.
#include "hardware/measure/measure.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <chrono>

#include "hardware/measure/energy.hpp"
#include "hardware/measure/gpu_module.hpp"
#include "hardware/measure/pinned.hpp"
#include "spaces/error.hpp"
#include "supernet/executor.hpp"
#include "supernet/torch_device.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Random numbers in [-0.5, 0.5), handed out piece by piece, and again from the start.
class RandomPool {
 public:
  explicit RandomPool(c10::Device device)
      : options_(at::TensorOptions().device(device)),
        pool_(at::rand({kSize}, options_).sub_(0.5)),
        positive_(at::rand({kPositive}, options_).add_(0.5)) {}

  at::Tensor take(at::IntArrayRef shape) {
    const int64_t n = c10::multiply_integers(shape);
    if (n > kSize) return at::rand(shape, options_).sub_(0.5);
    if (at_ + n > kSize) at_ = 0;
    const at::Tensor piece = pool_.narrow(0, at_, n).view(shape);
    // Tensors of their own begin on a cache line, too.
    constexpr int64_t kLine = 16;
    at_ += (n + kLine - 1) / kLine * kLine;
    return piece;
  }
  /// In [0.5, 1.5): variances.
  at::Tensor take_positive(at::IntArrayRef shape) const {
    const int64_t n = c10::multiply_integers(shape);
    return n > kPositive ? at::rand(shape, options_).add_(0.5)
                         : positive_.narrow(0, 0, n).view(shape);
  }

 private:
  static constexpr int64_t kSize = 16 << 20, kPositive = 1 << 16;
  at::TensorOptions options_;
  at::Tensor pool_, positive_;
  int64_t at_ = 0;
};

/// Tensors of one network, out of the pool.
class PoolTensors final : public TensorSource {
 public:
  explicit PoolTensors(RandomPool& pool) : pool_(pool) {}
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    at::Tensor& t = tensors_[{&node - plan.nodes.data(), static_cast<int>(spec.role)}];
    if (!t.defined()) {
      const at::IntArrayRef shape(spec.shape.size, static_cast<size_t>(spec.shape.rank));
      t = spec.role == Role::kRunningVar ? pool_.take_positive(shape) : pool_.take(shape);
      bytes_ += static_cast<double>(t.nbytes());
    }
    return t;
  }
  double bytes() const { return bytes_; }

 private:
  RandomPool& pool_;
  std::map<std::pair<int64_t, int>, at::Tensor> tensors_;
  double bytes_ = 0;
};

/// Adds up what tensors take while a call runs: LibTorch's allocators tell a profiler.
class PeakBytes final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  int64_t now_ = 0, peak_ = 0;
};

/// One thing, ready to be called.
struct Ready {
  std::function<at::Tensor()> call;
  std::shared_ptr<PoolTensors> tensors;
  double input_bytes = 0;
};

/// Times calls. On a CPU by the clock. On a GPU calls return before they are done, and reading a
/// value back costs a copy (10 to 20 us, more than many ops): there the device's own events stand
/// before and after the work.
class Bench {
 public:
  Bench(const MeasureOptions& options, const Device& on)
      : options_(options), device_(torch_device(on)), pool_(device_) {
    if (options.pin) pinned_.emplace(device_.is_cpu() ? compute_threads() : 1);
    std::string why;
    energy_ = device_.is_cpu() ? open_rapl(why) : open_nvml(on.index, why);
    conditions_["pinned"] = pinned_ ? pinned_->text() : "no: not wanted";
    conditions_["governor"] = clock_governor();
    conditions_["energy"] = energy_ ? energy_->source() : "none: " + why;
    conditions_["warmup"] = std::to_string(options.warmup);
    conditions_["repeats"] = std::to_string(options.repeats);
    conditions_["order"] = "interleaved, seed " + std::to_string(options.seed);
    if (!device_.is_cpu()) conditions_["flush_l2"] = options.flush_l2 ? "yes" : "no";
    if (options.flush_l2) prepare_flush(on);
  }

  RandomPool& pool() { return pool_; }
  c10::Device device() const { return device_; }
  std::map<std::string, std::string> conditions() const { return conditions_; }

  void visit(const Ready& ready, int calls, Samples& into) {
    for (int i = 0; i < options_.warmup; ++i) timed(ready);
    if (into.peak_bytes == 0) measure_peak(ready, into);
    if (pinned_ && !threads_known_) {
      // The first op has made LibTorch begin its threads.
      pinned_->again();
      conditions_["pinned"] = pinned_->text();
      threads_known_ = true;
    }
    const double joules = energy_ ? energy_->joules() : 0;
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) into.ms.push_back(timed(ready));
    if (energy_) {
      into.joules += energy_->joules() - joules;
      into.joules_s += seconds_since(start);
      into.joules_calls += calls;
    }
  }

  std::vector<at::Tensor> inputs(std::span<const Shape> shapes, double& bytes) {
    std::vector<at::Tensor> list;
    for (const Shape& shape : shapes) {
      std::vector<int64_t> sizes{options_.batch};
      const Dims dims = dims_of(shape);
      for (const int64_t size : dims.span()) sizes.push_back(size);
      list.push_back(pool_.take(sizes));
      bytes += static_cast<double>(list.back().nbytes());
    }
    return list;
  }

 private:
  double timed(const Ready& ready) {
    if (options_.stop && options_.stop()) throw Interrupted("the measurement was stopped");
    if (device_.is_cpu()) {
      const auto start = Clock::now();
      const at::Tensor kept = ready.call();
      return 1000 * seconds_since(start);
    }
    const c10::Stream stream = c10::impl::getDeviceGuardImpl(device_.type())->getStream(device_);
    if (flushed_.defined()) {
      const int failed = gpu_module().overwrite(device_.has_index() ? device_.index() : 0,
                                                stream.native_handle(),
                                                flushed_.data_ptr(),
                                                flushed_.nbytes());
      if (failed != 0)
        throw DeviceError(std::string("--flush-l2: ") + gpu_module().error_text(failed));
    }
    c10::Event before(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
    c10::Event after(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
    before.record(stream);
    const at::Tensor kept = ready.call();
    after.record(stream);
    after.synchronize();
    return before.elapsedTime(after);
  }

  void measure_peak(const Ready& ready, Samples& into) {
    const auto peak = std::make_shared<PeakBytes>();
    {
      const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, peak);
      timed(ready);
    }
    into.peak_bytes =
        static_cast<double>(peak->peak()) + ready.input_bytes + ready.tensors->bytes();
  }

  void prepare_flush(const Device& on) {
    if (device_.is_cpu())
      throw ConfigError("--flush-l2 is for GPUs", "leave it out, or add --device cuda");
    size_t bytes = 0;
    const int failed = gpu_module().cache_bytes(on.index, &bytes);
    if (failed != 0)
      throw DeviceError(std::string("--flush-l2: ") + gpu_module().error_text(failed));
    // Twice its size: replacement need not take the oldest lines first.
    flushed_ = at::empty({static_cast<int64_t>(std::max<size_t>(2 * bytes, 1 << 20))},
                         at::TensorOptions().device(device_).dtype(at::kByte));
  }

  const MeasureOptions& options_;
  c10::Device device_;
  std::optional<PinnedThreads> pinned_;
  bool threads_known_ = false;
  RandomPool pool_;
  std::unique_ptr<EnergyCounter> energy_;
  at::Tensor flushed_;
  std::map<std::string, std::string> conditions_;
};

/// Fixed statistics, as at inference after recalibration, whatever the space trains with.
void fix_statistics(Op& op) {
  if (auto* bn = std::get_if<BatchNorm>(&op)) bn->running = true;
}
ForwardOptions inference() {
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kRunning;
  return options;
}

Ready ready_op(Bench& bench, const OpCase& op) {
  const auto plan = std::make_shared<Plan>(*op.plan);
  fix_statistics(plan->nodes[op.node].op);
  std::vector<Shape> shapes;
  for (const int32_t id : plan->inputs(plan->nodes[op.node])) shapes.push_back(plan->shape_of(id));
  Ready ready;
  ready.tensors = std::make_shared<PoolTensors>(bench.pool());
  const auto inputs = bench.inputs(shapes, ready.input_bytes);
  ready.call = [plan, node = op.node, inputs, tensors = ready.tensors, options = inference()] {
    return run_node(*plan, node, inputs, *tensors, options);
  };
  return ready;
}

Ready ready_network(Bench& bench, Plan network) {
  const auto plan = std::make_shared<Plan>(std::move(network));
  for (Node& node : plan->nodes) fix_statistics(node.op);
  Ready ready;
  ready.tensors = std::make_shared<PoolTensors>(bench.pool());
  const auto inputs = bench.inputs(plan->input_shapes, ready.input_bytes);
  ready.call = [plan, inputs, tensors = ready.tensors, options = inference()] {
    return forward(*plan, *tensors, inputs, options);
  };
  return ready;
}

Protocol run(Bench& bench,
             const MeasureOptions& options,
             size_t things,
             size_t sentinel,
             const std::function<Ready(size_t)>& ready,
             const std::function<std::string(size_t)>& key) {
  ProtocolOptions protocol;
  protocol.warmup = options.warmup;
  protocol.repeats = options.repeats;
  protocol.seed = options.seed;
  if (options.progress)
    protocol.progress = [&](int64_t done, int64_t all, size_t thing) {
      options.progress(done, all, key(thing));
    };
  return run_protocol(things, sentinel, protocol, [&](size_t thing, int calls, Samples& into) {
    bench.visit(ready(thing), calls, into);
  });
}

void finish(const Bench& bench, const Protocol& protocol, std::string sentinel, Measured& result) {
  result.drift = protocol.drift;
  result.sentinel = std::move(sentinel);
  result.stopped = protocol.stopped;
  result.conditions = bench.conditions();
}

/// Of the middle size among the first: small ones tell of the clock alone, large ones take long.
size_t middle(size_t networks, const std::function<Plan(size_t)>& network) {
  constexpr size_t kLooked = 50;
  std::vector<std::pair<int64_t, size_t>> sizes;
  for (size_t i = 0; i < std::min(networks, kLooked); ++i)
    sizes.emplace_back(cost_of(network(i)).macs, i);
  std::sort(sizes.begin(), sizes.end());
  return sizes.empty() ? 0 : sizes[sizes.size() / 2].second;
}

}  // namespace

MeasuredOps measure_ops(const std::map<std::string, OpCase>& ops,
                        const MeasureOptions& options,
                        const Device& on) {
  const c10::NoGradGuard no_grad;
  tune_allocator();
  Bench bench(options, on);
  std::vector<const std::pair<const std::string, OpCase>*> list;
  std::vector<int64_t> macs;
  for (const auto& each : ops) {
    list.push_back(&each);
    macs.push_back(macs_of(*each.second.plan, each.second.plan->nodes[each.second.node]));
  }
  // The op with the most work: it feels the clock, the caches and the neighbours.
  const auto most = std::max_element(macs.begin(), macs.end());
  const auto sentinel = static_cast<size_t>(most - macs.begin());
  const Protocol protocol = run(
      bench,
      options,
      list.size(),
      sentinel,
      [&](size_t i) { return ready_op(bench, list[i]->second); },
      [&](size_t i) { return list[i]->first; });
  MeasuredOps result;
  for (size_t i = 0; i < list.size(); ++i)
    if (const auto timing = timing_of(protocol.samples[i]))
      result.times[list[i]->first] = *timing;
    else
      result.missing.push_back(list[i]->first);
  finish(bench, protocol, list.empty() ? "" : list[sentinel]->first, result);
  return result;
}

MeasuredNetworks measure_networks(size_t networks,
                                  const std::function<Plan(size_t)>& network,
                                  const MeasureOptions& options,
                                  const Device& on) {
  const c10::NoGradGuard no_grad;
  tune_allocator();
  Bench bench(options, on);
  const size_t sentinel = middle(networks, network);
  const Protocol protocol = run(
      bench,
      options,
      networks,
      sentinel,
      [&](size_t i) { return ready_network(bench, network(i)); },
      [](size_t i) { return "network " + std::to_string(i + 1); });
  MeasuredNetworks result;
  for (const Samples& samples : protocol.samples) result.times.push_back(timing_of(samples));
  finish(bench, protocol, "network " + std::to_string(sentinel + 1), result);
  return result;
}

MeasuredNetworks measure_networks(std::span<const Plan> plans,
                                  const MeasureOptions& options,
                                  const Device& on) {
  return measure_networks(
      plans.size(), [&](size_t i) { return plans[i]; }, options, on);
}

}  // namespace nas
