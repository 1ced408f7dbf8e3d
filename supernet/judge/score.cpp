// Ops run on one thread each (OneThreadPerOp), side by side: the values do not depend on how many.
// Networks that begin alike are judged as one merged plan, which computes what they share once.
// Where the decoded images fit into memory the workers share the batches of a portion, so that
// portions may be large and share much; where not, all portions go through the images together, so
// that these are decoded once and not for each.
#include "supernet/judge/score.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hardware/usable_memory.hpp"
#include "spaces/base/stop.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/judge/group.hpp"
#include "supernet/judge/portions.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

using Item = FixedBatches::Item;

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
      context_(new GroupContext{
          .task = task_, .store = store, .running = store.keeps_statistics(), .opening = {}}) {
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
  context_->kernels = batches_->by_kernels();
  if (batches_->size() == 0)
    throw ConfigError("the " + options.split + " split is empty",
                      "give it a share with `data." + options.split + "`");
  const RecalibrateOptions& r = options.recalibrate;
  if (context_->running && r.enabled)
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

std::vector<Portion> SubnetScorer::portions(std::span<const Architecture> architectures,
                                            int workers,
                                            bool kept) const {
  // Small enough that each worker has some pieces (batches of a portion, where they are in memory),
  // and that a stop loses less than a minute's work. The larger, the more is shared.
  constexpr size_t kPieces = 4, kMost = 256;
  constexpr double kMostWork = 1e12;  // Multiply-adds over all images.
  const size_t n = architectures.size(), pieces = kPieces * static_cast<size_t>(workers);
  const size_t batches = batches_->count() + (calibration_ ? calibration_->count() : 0);
  const double images =
      static_cast<double>(batches_->size() + (calibration_ ? calibration_->size() : 0));
  std::vector<int> owners;
  for (const Architecture& a : architectures) owners.push_back(store_.owner(a));
  return portions_of(space_,
                     architectures,
                     owners,
                     {.members = std::clamp<size_t>(n * (kept ? batches : 1) / pieces, 1, kMost),
                      .macs = kMostWork / images,
                      .bytes = kShareOfMemory * usable_memory_bytes() / workers /
                               (kCopies * static_cast<double>(largest_batch()))});
}

void SubnetScorer::score_each(std::span<const Architecture> architectures,
                              const std::function<void(size_t, const Judged&)>& on_result) {
  if (architectures.empty()) return;
  const c10::NoGradGuard no_grad;
  const ExactProducts exact(torch_device(device_));
  const int workers = this->workers(architectures);
  std::vector<Portion> portions;
  const HandOn hand_on = [&](size_t p, const std::vector<Judged>& results) {
    for (size_t k = 0; k < results.size(); ++k) on_result(portions[p].members[k], results[k]);
  };
  if (!device_.is_cpu()) {
    portions = this->portions(architectures, workers, /*kept=*/false);
    for (size_t p = 0; p < portions.size(); ++p)
      hand_on(p, judged(architectures, portions[p], /*kept=*/false));
    return;
  }
  const OneThreadPerOp one;
  // In memory before the workers read them; else all go through them together.
  const bool kept = batches_->load() && (!calibration_ || calibration_->load());
  portions = this->portions(architectures, workers, kept);
  if (kept) return judge_in_memory(architectures, portions, workers, hand_on);
  WorkerPool pool(workers);
  const size_t together = 4 * static_cast<size_t>(workers);
  for (size_t first = 0; first < portions.size(); first += together) {
    const size_t n = std::min(together, portions.size() - first);
    const auto answers = judged_together(architectures, {portions.data() + first, n}, pool);
    for (size_t p = 0; p < n; ++p) hand_on(first + p, answers[p]);
  }
}

void SubnetScorer::judge_in_memory(std::span<const Architecture> all,
                                   std::span<const Portion> portions,
                                   int workers,
                                   const HandOn& hand_on) const {
  static const GroupCourse::Items none;
  const GroupCourse::Items& calibration = calibration_ ? calibration_->items() : none;
  const GroupCourse::Items& batches = batches_->items();
  struct Work {
    size_t portion, batch;
    bool judge;
  };
  // A portion's calibration is followed by that of the next, so that nobody waits for its end.
  std::vector<Work> work;
  std::vector<size_t> ends;  // Of each portion's work.
  const auto put = [&work](size_t portion, size_t n, bool judge) {
    for (size_t k = 0; k < n; ++k) work.push_back({portion, k, judge});
  };
  for (size_t p = 0; p <= portions.size(); ++p) {
    if (p < portions.size()) put(p, calibration.size(), /*judge=*/false);
    if (p == 0) continue;
    put(p - 1, batches.size(), /*judge=*/true);
    ends.push_back(work.size());
  }
  std::vector<std::unique_ptr<GroupCourse>> courses;
  for (const Portion& portion : portions)
    courses.push_back(std::make_unique<GroupCourse>(*context_, all, portion, calibration, batches));
  WorkerPool pool(workers);  // Ends before what its threads write to.
  pool.start(work.size(), [&](size_t i) {
    const auto [portion, batch, judge] = work[i];
    if (judge)
      courses[portion]->judge(batch);
    else
      courses[portion]->calibrate(batch);
  });
  size_t done = 0;
  for (size_t p = 0; p < portions.size(); ++p) {
    for (; done < ends[p]; ++done) pool.wait(done);
    const std::exception_ptr problem = courses[p]->problem();
    hand_on(p,
            problem ? one_by_one(all, portions[p], /*kept=*/true, problem) : courses[p]->results());
    courses[p].reset();  // Its weights may go.
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
    Group group(*context_, all, portion);
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

std::vector<std::vector<Judged>> SubnetScorer::judged_together(std::span<const Architecture> all,
                                                               std::span<const Portion> portions,
                                                               WorkerPool& pool) const {
  std::vector<std::unique_ptr<Group>> groups(portions.size());
  std::vector<std::exception_ptr> problems(portions.size());
  // f(p) for every portion that has had no problem.
  const auto each = [&](const std::function<void(size_t)>& f) {
    pool.each(portions.size(), [&](size_t p) {
      if (problems[p]) return;
      try {
        f(p);
      } catch (...) {
        problems[p] = std::current_exception();
      }
    });
  };
  each([&](size_t p) { groups[p] = std::make_unique<Group>(*context_, all, portions[p]); });
  if (calibration_) {
    calibration_->each([&](const Item& item) {
      each([&](size_t p) { groups[p]->add(groups[p]->statistics_of(item)); });
    });
    each([&](size_t p) { groups[p]->end_calibration(); });
  }
  batches_->each([&](const Item& item) {
    each([&](size_t p) { groups[p]->add(groups[p]->sums_of(item), item.labels.size(0)); });
  });
  std::vector<std::vector<Judged>> results(portions.size());
  for (size_t p = 0; p < portions.size(); ++p) {
    if (!problems[p]) results[p] = groups[p]->results();
    groups[p].reset();
    if (problems[p]) results[p] = one_by_one(all, portions[p], /*kept=*/false, problems[p]);
  }
  return results;
}

std::string SubnetScorer::fidelity_json() const {
  nlohmann::json j;
  j["split"] = options_.split;
  j["images"] = batches_->size();
  j["batch"] = batches_->batch();
  j["seed"] = options_.seed;
  // Not to be mixed with values by LibTorch's norms of channels last, see by_kernels().
  if (context_->kernels) j["norms"] = "kernels";
  if (calibration_) {
    j["bn"] = "recalibrated";
    j["bn_images"] = calibration_->size();
    j["bn_batch"] = calibration_->batch();
    j["bn_seed"] = options_.recalibrate.seed;
  } else {
    j["bn"] = context_->running ? "running" : "batch";
    // The statistics, and so the value, depend on the cut.
    if (!context_->running && batches_->cut_anew()) j["cut"] = "equal";
  }
  return j.dump();
}

std::string SubnetScorer::warning() const {
  if (!context_->running || calibration_) return {};
  return "batch-norm recalibration is off: subnets are judged with running statistics that mix all "
         "architectures, which makes their ranking unreliable";
}

}  // namespace nas
