// What each batch finds is added in the order of the batches, whoever found it and when: the values
// do not depend on the number of threads.
#include "supernet/judge/group.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

using Bn = ForwardOptions::Bn;

namespace {
const char* const kDiverged =
    "logits that are NaN or infinite: the weights have diverged (train with a lower "
    "train.optimizer.lr or with train.optimizer.clip_norm)";
}  // namespace

Group::Group(GroupContext& context, std::span<const Architecture> all, const Portion& portion)
    : task_(context.task), merged_(portion.merged) {
  const Architecture& first = all[portion.members.front()];
  {
    const std::lock_guard lock(context.opening);
    weights_ = context.store.open(context.store.owner(first));
  }
  tensors_ = weights_->bind(first);
  options_.bn = context.running ? Bn::kRunning : Bn::kBatch;
  options_.kernels = context.kernels;
  results_.resize(portion.members.size());
  sums_.assign(results_.size(), std::vector<double>(task_.metrics().size(), 0.0));
}

void Group::run(const Item& item, const ForwardOptions& options, const OnOutput& on_output) const {
  const c10::NoGradGuard no_grad;
  forward_each(merged_.plan, merged_.outputs, *tensors_, {&item.images, 1}, options, on_output);
}

BnTable Group::statistics_of(const Item& item) const {
  BnTable table;
  ForwardOptions options = options_;
  options.bn = Bn::kCollect;
  options.table = &table;
  run(item, options, [](size_t, const at::Tensor&) {});
  return table;
}

Group::Sums Group::sums_of(const Item& item) const {
  Sums sums(results_.size());
  run(item, options_, [&](size_t k, const at::Tensor& outputs) {
    // Sorting puts NaN first, so a network that answers nothing would still be right now and then.
    if (at::isfinite(outputs).all().item<bool>()) sums[k] = task_.sums(outputs, item.labels);
  });
  return sums;
}

void Group::add(const BnTable& statistics) {
  for (const auto& [id, batch] : statistics) statistics_[id].add(batch);
  ++calibrated_;
}

void Group::end_calibration() {
  statistics_ = mean_statistics(merged_.plan, statistics_, calibrated_, /*all=*/false);
  options_.bn = Bn::kTable;
  options_.table = &statistics_;
}

void Group::add(const Sums& sums, int64_t samples) {
  for (size_t k = 0; k < results_.size(); ++k) {
    if (sums[k].empty())
      results_[k].problem = std::make_exception_ptr(NotFiniteError(kDiverged));
    else
      for (size_t m = 0; m < sums[k].size(); ++m) sums_[k][m] += sums[k][m];
  }
  samples_ += samples;
}

std::vector<Judged> Group::results() {
  for (size_t k = 0; k < results_.size(); ++k) {
    if (results_[k].problem) continue;
    results_[k].score.samples = samples_;
    for (size_t m = 0; m < sums_[k].size(); ++m)
      results_[k].score.values.emplace_back(task_.metrics()[m],
                                            sums_[k][m] / static_cast<double>(samples_));
  }
  return std::move(results_);
}

GroupCourse::GroupCourse(GroupContext& context,
                         std::span<const Architecture> all,
                         const Portion& portion,
                         const Items& calibration,
                         const Items& batches)
    : context_(context),
      all_(all),
      portion_(portion),
      calibration_(calibration),
      batches_(batches),
      tables_(calibration.size()),
      sums_(batches.size()) {}

void GroupCourse::note_problem() {
  const std::lock_guard lock(mutex_);
  if (!problem_) problem_ = std::current_exception();
}

Group* GroupCourse::group() {
  std::call_once(opened_, [this] {
    try {
      group_ = std::make_unique<Group>(context_, all_, portion_);
    } catch (...) {
      note_problem();
    }
  });
  const std::lock_guard lock(mutex_);
  return problem_ ? nullptr : group_.get();
}

void GroupCourse::calibrate(size_t batch) noexcept {
  BnTable table;
  try {
    if (const Group* const group = this->group()) table = group->statistics_of(calibration_[batch]);
  } catch (...) {
    note_problem();
  }
  const std::lock_guard lock(mutex_);
  try {
    tables_.put(batch, std::move(table), [this](size_t, const BnTable& found) {
      if (!problem_) group_->add(found);
    });
    if (tables_.all() && !problem_) group_->end_calibration();
  } catch (...) {
    if (!problem_) problem_ = std::current_exception();
  }
  calibrated_.notify_all();
}

void GroupCourse::judge(size_t batch) noexcept {
  {
    std::unique_lock lock(mutex_);
    calibrated_.wait(lock, [this] { return problem_ || tables_.all(); });
  }
  Group::Sums sums;
  try {
    if (const Group* const group = this->group()) sums = group->sums_of(batches_[batch]);
  } catch (...) {
    note_problem();
  }
  const std::lock_guard lock(mutex_);
  try {
    sums_.put(batch, std::move(sums), [this](size_t k, const Group::Sums& found) {
      if (!problem_) group_->add(found, batches_[k].labels.size(0));
    });
  } catch (...) {
    if (!problem_) problem_ = std::current_exception();
  }
}

}  // namespace nas
