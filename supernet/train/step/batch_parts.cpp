// Each part has stand-ins for the parameters (equal storage, own gradients): threads never add to
// one gradient, and the order of the sums is that of the parts. Batch norms couple the parts
// (supernet/shards); a thread with several parts takes all of them through each node, so that no
// number of threads needs another order of anything.
#include "supernet/train/step/batch_parts.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <mutex>

#include "spaces/random.hpp"
#include "supernet/device.hpp"
#include "supernet/shards/exchange.hpp"
#include "supernet/torch_device.hpp"

namespace nas {
namespace {

/// What one part has and gives.
struct Part {
  BatchRange range;
  std::vector<at::Tensor> stand_ins;  ///< By position; undefined for those not used.
  std::unique_ptr<TensorSource> tensors;
  at::Tensor logits, features, auxiliary, loss;
  std::vector<RunningUpdate> updates;  ///< Of running statistics: in the first part, of all.
};

at::Generator generator_of_part(uint64_t randomness, size_t part) {
  Rng rng(randomness, "part", static_cast<uint64_t>(part));
  return at::detail::createCPUGenerator(rng.next());
}

/// The first failure of several threads, which is told; the others' are of waiting for it.
class Failure {
 public:
  /// f(), which lets the others of the exchange go where it fails. Does not throw.
  template <typename F>
  void guard(Exchange& exchange, F&& f) {
    try {
      f();
    } catch (const GroupAborted&) {
    } catch (...) {
      {
        const std::lock_guard lock(mutex_);
        if (first_ == nullptr) first_ = std::current_exception();
      }
      exchange.abort();
    }
  }
  void rethrow() const {
    if (first_ != nullptr) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

/// Parts of a batch among `workers` threads.
std::vector<Lane> lanes_of(Exchange& exchange, int workers) {
  const int n = exchange.shards();
  std::vector<Lane> lanes;
  for (int w = 0; w < workers; ++w)
    lanes.emplace_back(exchange, n * w / workers, n * (w + 1) / workers - n * w / workers);
  return lanes;
}

/// The lane's parts forward, then backward in one go.
void run_lane(const PartsJob& job, Precision precision, std::vector<Part>& parts, Lane& lane) {
  const at::AutoGradMode grad(true);
  const auto first = static_cast<size_t>(lane.first()), count = static_cast<size_t>(lane.count());
  std::vector<BatchPart> inputs(count);
  for (size_t i = 0; i < count; ++i) {
    Part& part = parts[first + i];
    part.tensors = job.weights.bind(job.architecture, part.stand_ins);
    BatchPart& in = inputs[i];
    in.tensors = part.tensors.get();
    in.input = part.range.of(job.images);
    in.options.bn = job.bn;
    in.options.train = job.regularise;
    in.options.auxiliary = &part.auxiliary;
    in.options.updates = &part.updates;
    if (job.features) in.options.features = &part.features;
    if (job.randomness) in.options.generator = generator_of_part(*job.randomness, first + i);
  }
  std::vector<at::Tensor> logits;
  {
    const AutocastScope autocast(c10::Device(c10::kCPU), precision);
    logits = forward_parts(job.plan, inputs, lane);
  }
  std::vector<at::Tensor> roots;
  const auto images = static_cast<double>(job.images.size(0));
  for (size_t i = 0; i < count; ++i) {
    Part& part = parts[first + i];
    part.logits = logits[i].scalar_type() == at::kBFloat16 ? logits[i].to(at::kFloat) : logits[i];
    if (part.auxiliary.defined()) part.auxiliary = part.auxiliary.to(at::kFloat);
    part.loss = job.loss(part.range, part.logits, part.auxiliary);
    const double share = static_cast<double>(part.range.count) / images;
    roots.push_back(part.loss * (job.factor * share));
    part.loss = part.loss.detach() * share;
    part.logits = part.logits.detach();
    part.auxiliary.reset();
    if (part.features.defined()) part.features = part.features.detach();
  }
  logits.clear();
  torch::autograd::backward(roots, {});
}

}  // namespace

std::vector<BatchRange> batch_ranges(int64_t images, int parts) {
  const int64_t n = std::max<int64_t>(1, std::min<int64_t>(parts, images));
  std::vector<BatchRange> ranges;
  for (int64_t p = 0; p < n; ++p)
    ranges.push_back({images * p / n, images * (p + 1) / n - images * p / n});
  return ranges;
}

/// One path on its way: its parts, and the lanes that threads take.
struct BatchParts::Running {
  Running(const PartsJob& path, int shards, int workers) : job(path) {
    const std::vector<NamedTensor>& parameters = job.weights.parameters();
    for (const BatchRange& range : batch_ranges(job.images.size(0), shards)) {
      Part& part = parts.emplace_back();
      part.range = range;
      part.stand_ins.resize(parameters.size());
      for (size_t k = 0; k < parameters.size(); ++k)
        if (job.used[k]) part.stand_ins[k] = parameters[k].tensor.detach().requires_grad_(true);
    }
    const int n = static_cast<int>(parts.size());
    workers = std::min(workers, n);
    exchange.emplace(n, workers);
    lanes = lanes_of(*exchange, workers);
  }

  /// Does not throw.
  void run(size_t lane, Precision precision) {
    failure.guard(*exchange, [&] { run_lane(job, precision, parts, lanes[lane]); });
  }

  /// Adds the gradients to those of the set, part by part, and moves its running statistics.
  PartsResult finish() {
    failure.rethrow();
    const c10::NoGradGuard no_grad;
    const std::vector<NamedTensor>& parameters = job.weights.parameters();
    PartsResult result;
    std::vector<at::Tensor> logits, features;
    for (Part& part : parts) {
      std::vector<at::Tensor> sums, own;
      for (size_t k = 0; k < parameters.size(); ++k) {
        if (!job.used[k] || !part.stand_ins[k].grad().defined()) continue;
        at::Tensor& grad = parameters[k].tensor.mutable_grad();
        if (!grad.defined()) grad = at::zeros_like(parameters[k].tensor);
        sums.push_back(grad);
        own.push_back(part.stand_ins[k].grad());
      }
      if (!sums.empty()) at::_foreach_add_(sums, own);
      part.stand_ins.clear();
      for (const RunningUpdate& update : part.updates) update.apply();
      result.loss = result.loss.defined() ? result.loss + part.loss : part.loss;
      logits.push_back(part.logits);
      if (part.features.defined()) features.push_back(part.features);
    }
    result.logits = at::cat(logits);
    if (!features.empty()) result.features = at::cat(features);
    return result;
  }

  const PartsJob& job;
  std::vector<Part> parts;
  std::optional<Exchange> exchange;
  std::vector<Lane> lanes;
  Failure failure;
};

WorkerPool& BatchParts::pool(int threads) {
  if (pool_ == nullptr || threads_ != threads) {
    pool_.reset();
    pool_ = std::make_unique<WorkerPool>(threads);
    threads_ = threads;
  }
  return *pool_;
}

PartsResult BatchParts::run(const PartsJob& job) {
  PartsResult result;
  run_each(
      {&job, 1}, [](size_t) {}, [&](size_t, PartsResult r) { result = std::move(r); });
  return result;
}

void BatchParts::run_each(std::span<const PartsJob> jobs,
                          const std::function<void(size_t)>& before,
                          const std::function<void(size_t, PartsResult)>& done) {
  const int threads = compute_threads();
  const OneThreadPerOp one;
  if (threads == 1) {
    for (size_t i = 0; i < jobs.size(); ++i) {
      Running path(jobs[i], shards_, 1);
      path.run(0, precision_);
      before(i);
      done(i, path.finish());
    }
    return;
  }
  // As many lanes as parts, and as many paths at once as that leaves threads for: parts of one path
  // are equal, paths are not. Lanes wait for one another, so they begin in the order of the paths:
  // the first path whose lanes do not all have a thread yet gets those of the paths before it.
  std::deque<Running> running;
  std::vector<std::pair<Running*, size_t>> work;
  std::vector<size_t> last;  ///< Item of the last lane of each path.
  for (const PartsJob& job : jobs) {
    Running& path = running.emplace_back(job, shards_, threads);
    for (size_t lane = 0; lane < path.lanes.size(); ++lane) work.emplace_back(&path, lane);
    last.push_back(work.size() - 1);
  }
  WorkerPool& workers = pool(threads);
  workers.start(work.size(), [&](size_t i) { work[i].first->run(work[i].second, precision_); });
  // Whatever happens, the threads have ended before what they work on goes.
  std::exception_ptr failure;
  size_t waited = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    for (; waited <= last[i]; ++waited) workers.wait(waited);
    if (failure != nullptr) continue;
    try {
      running[i].failure.rethrow();
      before(i);
      done(i, running[i].finish());
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

at::Tensor BatchParts::logits(const LogitsJob& job) {
  const std::vector<BatchRange> ranges = batch_ranges(job.images.size(0), shards_);
  std::vector<std::unique_ptr<TensorSource>> tensors;
  for (size_t p = 0; p < ranges.size(); ++p) tensors.push_back(job.bind());
  const int n = static_cast<int>(ranges.size()), threads = compute_threads();
  const int workers = std::min(threads, n);
  Exchange exchange(n, workers);
  std::vector<Lane> lanes = lanes_of(exchange, workers);
  std::vector<at::Tensor> logits(ranges.size());
  Failure failure;
  const auto run = [&](size_t w) {
    const c10::NoGradGuard no_grad;
    const auto first = static_cast<size_t>(lanes[w].first());
    std::vector<BatchPart> parts(static_cast<size_t>(lanes[w].count()));
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i].tensors = tensors[first + i].get();
      parts[i].input = ranges[first + i].of(job.images);
      parts[i].options.bn = ForwardOptions::Bn::kBatch;
      parts[i].options.train = job.regularise;
      if (job.randomness)
        parts[i].options.generator = generator_of_part(*job.randomness, first + i);
    }
    const AutocastScope autocast(c10::Device(c10::kCPU), precision_);
    std::vector<at::Tensor> out = forward_parts(job.plan, parts, lanes[w]);
    std::move(out.begin(), out.end(), logits.begin() + lanes[w].first());
  };
  const auto guarded = [&](size_t w) { failure.guard(exchange, [&] { run(w); }); };
  const OneThreadPerOp one;
  if (workers == 1)
    guarded(0);
  else
    pool(threads).each(static_cast<size_t>(workers), guarded);
  failure.rethrow();
  return at::cat(logits);
}

}  // namespace nas
