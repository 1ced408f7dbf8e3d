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
};

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
    if (job.features) in.options.features = &part.features;
    if (job.randomness) {
      Rng rng(*job.randomness, "part", static_cast<uint64_t>(first + i));
      in.options.generator = at::detail::createCPUGenerator(rng.next());
    }
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
    for (int w = 0; w < workers; ++w)
      lanes.emplace_back(*exchange, n * w / workers, n * (w + 1) / workers - n * w / workers);
  }

  /// Does not throw: a thread that fails lets the others go.
  void run(size_t lane, Precision precision) {
    try {
      run_lane(job, precision, parts, lanes[lane]);
    } catch (const GroupAborted&) {  // Of another's failure, which is told.
    } catch (...) {
      {
        const std::lock_guard lock(mutex);
        if (failure == nullptr) failure = std::current_exception();
      }
      exchange->abort();
    }
  }

  /// Adds the gradients to those of the set, part by part.
  PartsResult finish() {
    if (failure != nullptr) std::rethrow_exception(failure);
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
  std::mutex mutex;
  std::exception_ptr failure;
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
  const int threads = compute_threads(), paths = static_cast<int>(jobs.size());
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
  // Lanes of a path wait for one another: all that are begun must have a thread.
  const int each = std::max(1, threads / paths);
  std::deque<Running> running;
  std::vector<std::pair<Running*, size_t>> work;
  std::vector<size_t> last;  ///< Item of the last lane of each path.
  for (const PartsJob& job : jobs) {
    Running& path = running.emplace_back(job, shards_, each);
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
      if (running[i].failure != nullptr) std::rethrow_exception(running[i].failure);
      before(i);
      done(i, running[i].finish());
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace nas
