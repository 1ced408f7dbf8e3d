// Networks are judged side by side, one thread each (OneThreadPerOp): the values do not depend on
// how many. Where the decoded images fit into memory each worker takes one network through all of
// them; where not, a group of networks goes through the images together, so that they are decoded
// once for the group and not once for each.
#include "supernet/judge/score.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "hardware/usable_memory.hpp"
#include "spaces/base/stop.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {
namespace {

using Bn = ForwardOptions::Bn;

}  // namespace

/// One network on its way through the images.
class SubnetScorer::Judging {
 public:
  Judging(SubnetScorer& scorer, const Architecture& a) : scorer_(scorer) {
    scorer.space_.build(a, plan_);
    {
      const std::lock_guard lock(scorer.opening_->mutex);
      weights_ = scorer.store_.open(scorer.store_.owner(a));
    }
    tensors_ = weights_->bind(a);
    sums_.assign(scorer.task_.metrics().size(), 0.0);
    options_.bn = scorer.running_ ? Bn::kRunning : Bn::kBatch;
  }

  /// Parts of the work for one batch, which several threads may do at once; adding them up in the
  /// order of the batches is not.
  BnTable statistics_of(const FixedBatches::Item& item) const {
    BnTable table;
    collect_statistics(plan_, *tensors_, item.images, table);
    return table;
  }
  void add(const BnTable& statistics) {
    for (const auto& [id, batch] : statistics) {
      BnStats& sums = statistics_[id];
      sums.mean = sums.mean.defined() ? sums.mean + batch.mean : batch.mean;
      sums.var = sums.var.defined() ? sums.var + batch.var : batch.var;
    }
    ++calibrated_;
  }
  void calibrate(const FixedBatches::Item& item) { add(statistics_of(item)); }
  /// After all batches of calibrate(), if there are any.
  void end_calibration() {
    statistics_ = mean_statistics(plan_, statistics_, calibrated_, /*all=*/false);
    options_.bn = Bn::kTable;
    options_.table = &statistics_;
  }

  std::vector<double> sums_of(const FixedBatches::Item& item) const {
    const at::Tensor outputs = forward(plan_, *tensors_, item.images, options_);
    // Sorting puts NaN first, so a network that answers nothing would still be right now and then.
    if (!at::isfinite(outputs).all().item<bool>())
      throw NotFiniteError(
          "logits that are NaN or infinite: the weights have diverged (train with "
          "a lower train.optimizer.lr or with train.optimizer.clip_norm)");
    return scorer_.task_.sums(outputs, item.labels);
  }
  void add(const std::vector<double>& sums, int64_t samples) {
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += sums[i];
    samples_ += samples;
  }
  void judge(const FixedBatches::Item& item) { add(sums_of(item), item.labels.size(0)); }

  Score score() const {
    Score score;
    score.samples = samples_;
    for (size_t i = 0; i < sums_.size(); ++i)
      score.values.emplace_back(scorer_.task_.metrics()[i],
                                sums_[i] / static_cast<double>(samples_));
    return score;
  }

 private:
  SubnetScorer& scorer_;
  Plan plan_;
  std::shared_ptr<WeightSet> weights_;
  std::unique_ptr<TensorSource> tensors_;
  BnTable statistics_;
  int64_t calibrated_ = 0;
  ForwardOptions options_;
  std::vector<double> sums_;
  int64_t samples_ = 0;
};

/// Stores open their sets for one caller at a time.
struct SubnetScorer::Opening {
  std::mutex mutex;
};

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
      dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr)
    return true;
  const std::string what = error.what();
  return what.find("not enough memory") != std::string::npos ||
         what.find("can't allocate memory") != std::string::npos;
}

SubnetScorer::SubnetScorer(const Space& space,
                           WeightStore& store,
                           const RunData& data,
                           const EvaluateOptions& options,
                           const Device& device,
                           Layout layout,
                           bool keep_images)
    : space_(space),
      task_(task_of(space)),
      store_(store),
      options_(options),
      device_(device),
      running_(store.keeps_statistics()),
      opening_(std::make_unique<Opening>()) {
  const Splits& splits = data.splits;
  const auto batches = [&](const std::vector<int64_t>& from,
                           int64_t images,
                           uint64_t seed,
                           const std::string& purpose,
                           int64_t batch) {
    return std::make_unique<FixedBatches>(data,
                                          seeded_subset(from, images, seed, purpose),
                                          batch,
                                          torch_device(device),
                                          layout,
                                          keep_images);
  };
  batches_ = batches(options.split == "test"    ? splits.test
                     : options.split == "train" ? splits.train
                                                : splits.validation,
                     options.images,
                     options.seed,
                     "evaluate",
                     options.batch);
  if (batches_->size() == 0)
    throw ConfigError("the " + options.split + " split is empty",
                      "give it a share with `data." + options.split + "`");
  const RecalibrateOptions& r = options.recalibrate;
  if (running_ && r.enabled)
    calibration_ = batches(splits.train, r.images, r.seed, "recalibrate", r.batch);
}

SubnetScorer::~SubnetScorer() = default;

Score SubnetScorer::score(const Architecture& a) {
  Score score;
  score_each({&a, 1}, [&](size_t, const Judged& judged) { score = judged.get(); });
  return score;
}

Score SubnetScorer::judged(const Architecture& a) {
  Judging judging(*this, a);
  if (calibration_) {
    calibration_->each([&](const FixedBatches::Item& item) { judging.calibrate(item); });
    judging.end_calibration();
  }
  batches_->each([&](const FixedBatches::Item& item) { judging.judge(item); });
  return judging.score();
}

Score SubnetScorer::judged_from_memory(const Architecture& a) {
  const c10::NoGradGuard no_grad;
  Judging judging(*this, a);
  if (calibration_) {
    for (const FixedBatches::Item& item : calibration_->items()) judging.calibrate(item);
    judging.end_calibration();
  }
  for (const FixedBatches::Item& item : batches_->items()) judging.judge(item);
  return judging.score();
}

/// One network alone: its batches side by side.
Score SubnetScorer::judged_by_batches(const Architecture& a, WorkerPool& pool) {
  Judging judging(*this, a);
  std::exception_ptr problem;
  std::mutex mutex;
  const auto each = [&](size_t n, const std::function<void(size_t)>& f) {
    pool.each(n, [&](size_t k) {
      const c10::NoGradGuard no_grad;
      try {
        f(k);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!problem) problem = std::current_exception();
      }
    });
    if (problem) std::rethrow_exception(problem);
  };
  if (calibration_) {
    const auto& items = calibration_->items();
    std::vector<BnTable> tables(items.size());
    each(items.size(), [&](size_t k) { tables[k] = judging.statistics_of(items[k]); });
    for (const BnTable& table : tables) judging.add(table);
    judging.end_calibration();
  }
  const auto& items = batches_->items();
  std::vector<std::vector<double>> sums(items.size());
  each(items.size(), [&](size_t k) { sums[k] = judging.sums_of(items[k]); });
  for (size_t k = 0; k < items.size(); ++k) judging.add(sums[k], items[k].labels.size(0));
  return judging.score();
}

int SubnetScorer::workers(std::span<const Architecture> architectures) const {
  if (!device_.is_cpu()) return 1;  // One stream of work keeps a GPU in order.
  const int64_t batch =
      std::max(batches_->batch(), calibration_ ? calibration_->batch() : int64_t{0});
  double most = 1;
  Plan plan;
  for (const Architecture& a : architectures) {
    space_.build(a, plan);
    most = std::max(most, static_cast<double>(cost_of(plan, space_.counting()).peak_bytes));
  }
  // Twice what the ops hold: convolutions keep copies in layouts of their own.
  const double fit = usable_memory_bytes() / 2 / (2 * most * static_cast<double>(batch));
  return std::max(1, std::min(compute_threads(), static_cast<int>(std::min(fit, 1e6))));
}

std::string SubnetScorer::worker_note(std::span<const Architecture> architectures) const {
  const int now = workers(architectures);
  if (!device_.is_cpu() || now == compute_threads()) return {};
  return "memory suffices for " + std::to_string(now) + " of " + std::to_string(compute_threads()) +
         " networks at once; a lower evaluate.batch lets more run";
}

void SubnetScorer::score_each(std::span<const Architecture> architectures,
                              const std::function<void(size_t, const Judged&)>& on_result) {
  if (architectures.empty()) return;
  const c10::NoGradGuard no_grad;
  const ExactProducts exact(torch_device(device_));
  const int workers = this->workers(architectures);
  if (!device_.is_cpu()) {
    for (size_t i = 0; i < architectures.size(); ++i)
      on_result(i, guarded([&] { return judged(architectures[i]); }));
    return;
  }
  const OneThreadPerOp one;
  // In memory before the workers read them; else all go through them together.
  const bool kept = batches_->load() && (!calibration_ || calibration_->load());
  std::vector<Judged> results(architectures.size());
  WorkerPool pool(workers);  // Ends before what its threads write to.
  if (!kept) return score_together(architectures, pool, on_result);
  if (results.size() == 1) {
    on_result(0, guarded([&] { return judged_by_batches(architectures[0], pool); }));
    return;
  }
  pool.start(results.size(), [&](size_t i) {
    results[i] = guarded([&] { return judged_from_memory(architectures[i]); });
  });
  for (size_t i = 0; i < results.size(); ++i) {
    pool.wait(i);
    on_result(i, results[i]);
  }
}

void SubnetScorer::score_together(std::span<const Architecture> architectures,
                                  WorkerPool& pool,
                                  const std::function<void(size_t, const Judged&)>& on_result) {
  constexpr size_t kGroup = 16;
  for (size_t first = 0; first < architectures.size(); first += kGroup) {
    const size_t n = std::min(kGroup, architectures.size() - first);
    std::vector<std::unique_ptr<Judging>> group(n);
    std::vector<Judged> results(n);
    const auto each = [&](const std::function<void(size_t)>& f) {
      pool.each(n, [&](size_t k) {
        if (results[k].problem) return;
        const c10::NoGradGuard no_grad;
        try {
          f(k);
        } catch (...) {
          results[k].problem = std::current_exception();
        }
      });
    };
    each([&](size_t k) { group[k] = std::make_unique<Judging>(*this, architectures[first + k]); });
    if (calibration_) {
      calibration_->each([&](const FixedBatches::Item& item) {
        each([&](size_t k) { group[k]->calibrate(item); });
      });
      each([&](size_t k) { group[k]->end_calibration(); });
    }
    batches_->each(
        [&](const FixedBatches::Item& item) { each([&](size_t k) { group[k]->judge(item); }); });
    each([&](size_t k) { results[k].score = group[k]->score(); });
    for (size_t k = 0; k < n; ++k) on_result(first + k, results[k]);
  }
}

Judged SubnetScorer::guarded(const std::function<Score()>& f) {
  Judged judged;
  try {
    judged.score = f();
  } catch (...) {
    judged.problem = std::current_exception();
  }
  return judged;
}

std::string SubnetScorer::fidelity_json() const {
  nlohmann::json j;
  j["split"] = options_.split;
  j["images"] = batches_->size();
  j["batch"] = batches_->batch();
  j["seed"] = options_.seed;
  if (calibration_) {
    j["bn"] = "recalibrated";
    j["bn_images"] = calibration_->size();
    j["bn_batch"] = calibration_->batch();
    j["bn_seed"] = options_.recalibrate.seed;
  } else {
    j["bn"] = running_ ? "running" : "batch";
    // The statistics, and so the value, depend on the cut.
    if (!running_ && batches_->cut_anew()) j["cut"] = "equal";
  }
  return j.dump();
}

std::string SubnetScorer::warning() const {
  if (!running_ || calibration_) return {};
  return "batch-norm recalibration is off: subnets are judged with running statistics that mix all "
         "architectures, which makes their ranking unreliable";
}

}  // namespace nas
