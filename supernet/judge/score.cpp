// Networks are judged side by side, one thread each (OneThreadPerOp): the values do not depend on
// how many. Those that begin alike are judged as one merged plan, which computes what they share
// once; the list is sorted so that neighbours share most. Where the decoded images fit into memory
// each worker takes a group of networks through all of them; where not, all groups go through the
// images together, so that they are decoded once and not for each.
#include "supernet/judge/score.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "hardware/usable_memory.hpp"
#include "spaces/base/stop.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/judge/merged_plan.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {
namespace {

using Bn = ForwardOptions::Bn;
using Item = FixedBatches::Item;

const char* const kDiverged =
    "logits that are NaN or infinite: the weights have diverged (train with a lower "
    "train.optimizer.lr or with train.optimizer.clip_norm)";

}  // namespace

/// Stores open their sets for one caller at a time.
struct SubnetScorer::Opening {
  std::mutex mutex;
};

/// Networks of one set and one input size on their way through the images.
class SubnetScorer::Group {
 public:
  /// `members`: positions in `all`.
  Group(const SubnetScorer& scorer,
        std::span<const Architecture> all,
        std::vector<size_t> members,
        const MergedPlan& merged)
      : scorer_(scorer), members_(std::move(members)), merged_(merged) {
    const Architecture& first = all[members_.front()];
    {
      const std::lock_guard lock(scorer.opening_->mutex);
      weights_ = scorer.store_.open(scorer.store_.owner(first));
    }
    tensors_ = weights_->bind(first);
    options_.bn = scorer.running_ ? Bn::kRunning : Bn::kBatch;
    results_.resize(members_.size());
    sums_.assign(members_.size(), std::vector<double>(scorer.task_.metrics().size(), 0.0));
  }

  // ---- For one batch; several threads may do this at once.
  BnTable statistics_of(const Item& item) const {
    BnTable table;
    ForwardOptions options;
    options.bn = Bn::kCollect;
    options.table = &table;
    run(item, options, [](size_t, const at::Tensor&) {});
    return table;
  }
  /// Sums of the metrics of each member; none where its outputs are no numbers.
  using Sums = std::vector<std::vector<double>>;
  Sums sums_of(const Item& item) const {
    Sums sums(members_.size());
    run(item, options_, [&](size_t k, const at::Tensor& outputs) {
      // Sorting puts NaN first, so a network that answers nothing would still be right now and
      // then.
      if (at::isfinite(outputs).all().item<bool>())
        sums[k] = scorer_.task_.sums(outputs, item.labels);
    });
    return sums;
  }

  // ---- Adding up, in the order of the batches.
  void add(const BnTable& statistics) {
    for (const auto& [id, batch] : statistics) {
      BnStats& sums = statistics_[id];
      sums.mean = sums.mean.defined() ? sums.mean + batch.mean : batch.mean;
      sums.var = sums.var.defined() ? sums.var + batch.var : batch.var;
    }
    ++calibrated_;
  }
  void end_calibration() {
    statistics_ = mean_statistics(merged_.plan, statistics_, calibrated_, /*all=*/false);
    options_.bn = Bn::kTable;
    options_.table = &statistics_;
  }
  void add(const Sums& sums, int64_t samples) {
    for (size_t k = 0; k < members_.size(); ++k) {
      if (sums[k].empty())
        results_[k].problem = std::make_exception_ptr(NotFiniteError(kDiverged));
      else
        for (size_t m = 0; m < sums[k].size(); ++m) sums_[k][m] += sums[k][m];
    }
    samples_ += samples;
  }

  void fail(const std::exception_ptr& problem) {
    for (Judged& result : results_) result.problem = problem;
    failed_ = true;
  }
  bool failed() const { return failed_; }
  const std::vector<size_t>& members() const { return members_; }
  /// One for each member.
  std::vector<Judged> results() {
    for (size_t k = 0; k < members_.size(); ++k) {
      if (results_[k].problem) continue;
      results_[k].score.samples = samples_;
      for (size_t m = 0; m < sums_[k].size(); ++m)
        results_[k].score.values.emplace_back(scorer_.task_.metrics()[m],
                                              sums_[k][m] / static_cast<double>(samples_));
    }
    return std::move(results_);
  }

 private:
  void run(const Item& item, const ForwardOptions& options, const OnOutput& on_output) const {
    const c10::NoGradGuard no_grad;
    forward_each(merged_.plan, merged_.outputs, *tensors_, {&item.images, 1}, options, on_output);
  }

  const SubnetScorer& scorer_;
  std::vector<size_t> members_;
  const MergedPlan& merged_;
  std::shared_ptr<WeightSet> weights_;
  std::unique_ptr<TensorSource> tensors_;
  BnTable statistics_;
  int64_t calibrated_ = 0;
  ForwardOptions options_;
  std::vector<std::vector<double>> sums_;
  int64_t samples_ = 0;
  std::vector<Judged> results_;
  bool failed_ = false;
};

/// Members of a group, and their plans as one.
struct SubnetScorer::Portion {
  std::vector<size_t> members;
  MergedPlan merged;
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

int64_t SubnetScorer::largest_batch() const {
  return std::max(batches_->batch(), calibration_ ? calibration_->batch() : int64_t{0});
}

int SubnetScorer::workers(std::span<const Architecture> architectures) const {
  if (!device_.is_cpu()) return 1;  // One stream of work keeps a GPU in order.
  double most = 1;
  Plan plan;
  for (const Architecture& a : architectures) {
    space_.build(a, plan);
    most = std::max(most, static_cast<double>(cost_of(plan, space_.counting()).peak_bytes));
  }
  const double fit = kShareOfMemory * usable_memory_bytes() /
                     (kCopies * most * static_cast<double>(largest_batch()));
  return std::max(1, std::min(compute_threads(), static_cast<int>(std::min(fit, 1e6))));
}

std::string SubnetScorer::worker_note(std::span<const Architecture> architectures) const {
  const int now = workers(architectures);
  if (!device_.is_cpu() || now == compute_threads()) return {};
  return "memory suffices for " + std::to_string(now) + " of " + std::to_string(compute_threads()) +
         " networks at once; a lower evaluate.batch lets more run";
}

std::vector<SubnetScorer::Portion> SubnetScorer::portions(
    std::span<const Architecture> architectures, int workers) const {
  const size_t n = architectures.size();
  std::vector<int> owners;
  for (const Architecture& a : architectures) owners.push_back(store_.owner(a));
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (owners[a] != owners[b]) return owners[a] < owners[b];
    return architectures[a].genes < architectures[b].genes;
  });
  // Small enough that all workers have some, and that a stop loses less than a minute's work.
  constexpr size_t kMost = 256;
  constexpr double kMostWork = 1e12;  // Multiply-adds over all images.
  const size_t most =
      std::clamp<size_t>(n / (4 * static_cast<size_t>(std::max(workers, 1))), 1, kMost);
  const auto images =
      static_cast<double>(batches_->size() + (calibration_ ? calibration_->size() : 0));
  const double memory = kShareOfMemory * usable_memory_bytes() / workers /
                        (kCopies * static_cast<double>(largest_batch()));
  std::vector<Portion> portions;
  std::vector<size_t> members;
  std::vector<Plan> plans;
  double work = 0;
  const auto close = [&] {
    if (!members.empty()) split_to_fit(members, plans, memory, portions);
    members.clear();
    plans.clear();
    work = 0;
  };
  for (const size_t i : order) {
    Plan plan = space_.plan(architectures[i]);
    const double own = static_cast<double>(cost_of(plan, space_.counting()).macs) * images;
    const bool apart = !members.empty() && (owners[members.back()] != owners[i] ||
                                            plans.back().input_shapes != plan.input_shapes ||
                                            plans.back().resize_input != plan.resize_input);
    if (apart || members.size() == most || (work > 0 && work + own > kMostWork)) close();
    work += own;
    members.push_back(i);
    plans.push_back(std::move(plan));
  }
  close();
  return portions;
}

void SubnetScorer::split_to_fit(std::span<const size_t> members,
                                std::span<const Plan> plans,
                                double bytes,
                                std::vector<Portion>& portions) {
  Portion portion{{members.begin(), members.end()}, merge(plans)};
  if (members.size() == 1 || static_cast<double>(peak_bytes(portion.merged)) <= bytes) {
    portions.push_back(std::move(portion));
    return;
  }
  const size_t half = members.size() / 2;
  split_to_fit(members.first(half), plans.first(half), bytes, portions);
  split_to_fit(members.subspan(half), plans.subspan(half), bytes, portions);
}

void SubnetScorer::score_each(std::span<const Architecture> architectures,
                              const std::function<void(size_t, const Judged&)>& on_result) {
  if (architectures.empty()) return;
  const c10::NoGradGuard no_grad;
  const ExactProducts exact(torch_device(device_));
  const int workers = this->workers(architectures);
  const std::vector<Portion> portions = this->portions(architectures, workers);
  std::vector<std::vector<Judged>> results(portions.size());
  const auto hand_on = [&](size_t p) {
    for (size_t k = 0; k < results[p].size(); ++k) on_result(portions[p].members[k], results[p][k]);
    results[p].clear();
  };
  if (!device_.is_cpu()) {
    for (size_t p = 0; p < portions.size(); ++p) {
      results[p] = judged(architectures, portions[p], /*kept=*/false);
      hand_on(p);
    }
    return;
  }
  const OneThreadPerOp one;
  // In memory before the workers read them; else all go through them together.
  const bool kept = batches_->load() && (!calibration_ || calibration_->load());
  WorkerPool pool(workers);  // Ends before what its threads write to.
  if (kept && portions.size() > 1) {
    pool.start(portions.size(),
               [&](size_t p) { results[p] = judged(architectures, portions[p], /*kept=*/true); });
    for (size_t p = 0; p < portions.size(); ++p) {
      pool.wait(p);
      hand_on(p);
    }
    return;
  }
  const size_t together = 4 * static_cast<size_t>(workers);
  for (size_t first = 0; first < portions.size(); first += together) {
    const size_t n = std::min(together, portions.size() - first);
    const std::span<const Portion> some(portions.data() + first, n);
    std::vector<std::vector<Judged>> answers;
    if (kept)
      answers.push_back(judged_by_batches(architectures, some[0], pool));
    else
      answers = judged_together(architectures, some, pool);
    for (size_t p = 0; p < n; ++p) {
      results[first + p] = std::move(answers[p]);
      hand_on(first + p);
    }
  }
}

std::vector<Judged> SubnetScorer::judged(std::span<const Architecture> all,
                                         const Portion& portion,
                                         bool kept) const {
  const auto each = [kept](FixedBatches& batches, const std::function<void(const Item&)>& f) {
    if (!kept) return batches.each(f);
    for (const Item& item : batches.items()) f(item);
  };
  try {
    Group group(*this, all, portion.members, portion.merged);
    if (calibration_) {
      each(*calibration_, [&](const Item& item) { group.add(group.statistics_of(item)); });
      group.end_calibration();
    }
    each(*batches_, [&](const Item& item) { group.add(group.sums_of(item), item.labels.size(0)); });
    return group.results();
  } catch (...) {
    return one_by_one(all, portion, kept, std::current_exception());
  }
}

std::vector<Judged> SubnetScorer::one_by_one(std::span<const Architecture> all,
                                             const Portion& portion,
                                             bool kept,
                                             const std::exception_ptr& problem) const {
  std::vector<Judged> results;
  for (const size_t i : portion.members) {
    if (portion.members.size() == 1 || stop_requested()) {
      results.push_back({{}, problem});
      continue;
    }
    const Plan plan = space_.plan(all[i]);
    results.push_back(judged(all, {{i}, merge({&plan, 1})}, kept).front());
  }
  return results;
}

std::vector<Judged> SubnetScorer::judged_by_batches(std::span<const Architecture> all,
                                                    const Portion& portion,
                                                    WorkerPool& pool) const {
  std::exception_ptr problem;
  std::mutex mutex;
  const auto each = [&](size_t n, const std::function<void(size_t)>& f) {
    pool.each(n, [&](size_t k) {
      try {
        f(k);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!problem) problem = std::current_exception();
      }
    });
    if (problem) std::rethrow_exception(problem);
  };
  try {
    Group group(*this, all, portion.members, portion.merged);
    if (calibration_) {
      const std::vector<Item>& items = calibration_->items();
      std::vector<BnTable> tables(items.size());
      each(items.size(), [&](size_t k) { tables[k] = group.statistics_of(items[k]); });
      for (const BnTable& table : tables) group.add(table);
      group.end_calibration();
    }
    const std::vector<Item>& items = batches_->items();
    std::vector<Group::Sums> sums(items.size());
    each(items.size(), [&](size_t k) { sums[k] = group.sums_of(items[k]); });
    for (size_t k = 0; k < items.size(); ++k) group.add(sums[k], items[k].labels.size(0));
    return group.results();
  } catch (...) {
    return one_by_one(all, portion, /*kept=*/true, std::current_exception());
  }
}

std::vector<std::vector<Judged>> SubnetScorer::judged_together(std::span<const Architecture> all,
                                                               std::span<const Portion> portions,
                                                               WorkerPool& pool) const {
  std::vector<std::unique_ptr<Group>> groups;
  for (const Portion& p : portions)
    groups.push_back(std::make_unique<Group>(*this, all, p.members, p.merged));
  const auto each = [&](const std::function<void(Group&)>& f) {
    pool.each(groups.size(), [&](size_t p) {
      if (groups[p]->failed()) return;
      try {
        f(*groups[p]);
      } catch (...) {
        groups[p]->fail(std::current_exception());
      }
    });
  };
  if (calibration_) {
    calibration_->each(
        [&](const Item& item) { each([&](Group& g) { g.add(g.statistics_of(item)); }); });
    each([](Group& g) { g.end_calibration(); });
  }
  batches_->each([&](const Item& item) {
    each([&](Group& g) { g.add(g.sums_of(item), item.labels.size(0)); });
  });
  std::vector<std::vector<Judged>> results;
  for (size_t p = 0; p < portions.size(); ++p) {
    std::vector<Judged> own = groups[p]->results();
    groups[p].reset();
    const bool again = own.front().problem && own.size() > 1 && !stop_requested();
    if (again) own = one_by_one(all, portions[p], /*kept=*/false, own.front().problem);
    results.push_back(std::move(own));
  }
  return results;
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
