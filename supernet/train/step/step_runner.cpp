// A sampler that scores gradients must see each path's own, while the optimizer wants their sum:
// what earlier paths left in the same parameters is put aside during the backward pass and added
// afterwards. That costs a copy of the touched gradients, and is done only where a sampler asks.
#include "supernet/train/step/step_runner.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "spaces/error.hpp"
#include "supernet/torch_device.hpp"

namespace nas {

StepRunner::StepRunner(const Space& space,
                       WeightStore& store,
                       TrainedSets& sets,
                       const RunData& data,
                       const TrainOptions& options,
                       c10::Device device,
                       uint64_t seed)
    : draws(space),
      space_(space),
      task_(task_of(space)),
      store_(store),
      sets_(sets),
      options_(options),
      device_(device),
      runner_(space, store.keeps_statistics(), options, device, seed),
      set_rng_(seed, "sets"),
      validation_(
          data, options.batch, seed, device, options.memory_format, torch_type(store.dtype())) {}

void StepRunner::begin_epoch() {
  validation_.restart();
}

void StepRunner::end_epoch() {
  totals = runner_.totals = {};
  clipped = updates = 0;
  validation_macs = 0;
  distinct_.clear();
}

double StepRunner::mean_loss() const {
  if (runner_.totals.path_images == 0) return 0;
  return runner_.totals.loss.item<double>() / static_cast<double>(runner_.totals.path_images);
}

void StepRunner::run(Strategy& strategy, const TrainBatch& batch, const StepPlace& place) {
  strategy_ = &strategy;
  batch_ = &batch;
  place_ = place;
  step_ = strategy.next_step(place.epoch);
  set_numbers_.assign(step_.paths.size(), -1);
  shares_.assign(step_.paths.size(), 1.0);
  told_ = false;
  for (const Path& path : step_.paths) {
    distinct_.insert(path.architecture.hash());
    draws.add(path.architecture);
  }
  strategy.rule().run(*this, step_);
  runner_.clear();
  totals = runner_.totals;
}

const TrainBatch& StepRunner::validation() {
  return validation_.next();
}

/// Of the batches whose gradients make the update that this step belongs to: the last group of an
/// epoch may have fewer.
double StepRunner::share() const {
  const int64_t group = options_.accumulate;
  const int64_t batches = std::min(group, place_.steps - place_.step / group * group);
  return 1.0 / static_cast<double>(batches);
}

int StepRunner::set_number(size_t path) {
  int& number = set_numbers_[path];
  if (number < 0) number = store_.draw(step_.paths[path].architecture, set_rng_);
  return number;
}

TrainedSet& StepRunner::set_of(size_t path) {
  return sets_.at(set_number(path));
}

StepRunner::Aside StepRunner::put_aside(size_t path) {
  Aside aside;
  if (!strategy_->observes() || step_.paths.size() == 1 || !strategy_->observes_gradients())
    return aside;
  const c10::NoGradGuard no_grad;
  TrainedSet& set = set_of(path);
  const std::vector<NamedTensor>& parameters = set.weights->parameters();
  for (size_t k = 0; k < parameters.size(); ++k) {
    at::Tensor& grad = parameters[k].tensor.mutable_grad();
    if (!set.used[k] || !grad.defined()) continue;
    aside.emplace_back(grad, grad.clone());
    grad.zero_();
  }
  return aside;
}

void StepRunner::finish_path(size_t path, const Aside& aside) {
  set_of(path).touched = true;
  if (strategy_->observes() && step_.paths.size() > 1) tell(path);
  const c10::NoGradGuard no_grad;
  for (const auto& [grad, before] : aside) grad.add_(before);
}

at::Tensor StepRunner::backward(size_t path, double share) {
  TrainedSet& set = set_of(path);
  shares_[path] = share;
  const Aside aside = put_aside(path);
  const at::Tensor loss = runner_.run(step_,
                                      path,
                                      *set.weights,
                                      set.used,
                                      *batch_,
                                      share,
                                      place_.global_step,
                                      strategy_->wants_features());
  finish_path(path, aside);
  return loss;
}

void StepRunner::backward_each(size_t first, double share) {
  std::vector<PathRunner::PathSet> sets(step_.paths.size());
  for (size_t i = first; i < sets.size(); ++i) {
    shares_[i] = share;
    sets[i] = {set_of(i).weights.get(), &set_of(i).used};
  }
  Aside aside;
  runner_.run_each(
      step_,
      first,
      sets,
      *batch_,
      share,
      place_.global_step,
      strategy_->wants_features(),
      [&](size_t path) { aside = put_aside(path); },
      [&](size_t path) { finish_path(path, aside); });
}

at::Tensor StepRunner::backward(size_t path, TrainedSet& with, std::vector<bool>& used) {
  return runner_.run(step_,
                     path,
                     *with.weights,
                     used,
                     *batch_,
                     1.0,
                     place_.global_step,
                     strategy_->wants_features());
}

void StepRunner::tell(size_t path) {
  if (!strategy_->observes()) return;
  strategy_->observe(runner_.outcome(step_, path, *batch_, shares_[path]));
  told_ = true;
}

/// Clips each set by the norm of its own gradients; the factor of each path.
std::vector<double> StepRunner::clip() {
  std::vector<double> factors(step_.paths.size(), 1.0);
  bool scaled = false;
  for (auto& [number, set] : sets_.ready()) {
    if (!set.touched) continue;
    const double factor =
        clip_gradient_norm(set.optimizer.gradients(set.used), options_.optimizer.clip_norm);
    scaled = scaled || factor < 1.0;
    for (size_t i = 0; i < factors.size(); ++i)
      if (set_numbers_[i] == number) factors[i] = factor;
  }
  clipped += scaled;
  return factors;
}

void StepRunner::update() {
  const int64_t done = place_.step + 1;
  if (done % options_.accumulate != 0 && done != place_.steps) return;
  std::vector<double> factors = clip();
  ++updates;
  if (strategy_->observes()) {
    if (!told_) {
      // One path: its gradient is seen as it is applied.
      strategy_->observe(runner_.outcome(step_, 0, *batch_, shares_[0], factors[0]));
      factors.assign(1, 1.0);
    }
    strategy_->end_step(factors);
  }
  for (auto& [number, set] : sets_.ready()) {
    // A set that no path of the step used is not in this step at all.
    if (!set.touched) continue;
    set.optimizer.step(place_.rate, set.used);
    set.used.assign(set.used.size(), false);
    set.touched = false;
    set.changed = true;
  }
  if (store_.wants_validation()) judge_paths();
}

/// Accuracy of each path with its set on the next validation batch, after the update, in evaluation
/// mode with the statistics of the batch (balanced_mixture.md 3.5).
void StepRunner::judge_paths() {
  const c10::NoGradGuard no_grad;
  const TrainBatch& batch = validation_.next();
  const auto images = static_cast<double>(batch.labels.size(0));
  for (size_t i = 0; i < step_.paths.size(); ++i) {
    const Architecture& a = step_.paths[i].architecture;
    const Plan plan = space_.plan(a);
    const auto bind = [&] { return set_of(i).weights->bind(a); };
    const at::Tensor logits = runner_.answer(plan, batch.images, bind, std::nullopt);
    const auto correct = task_.right(logits, batch.labels).item<int64_t>();
    store_.observe(a, set_number(i), static_cast<double>(correct) / images);
    validation_macs += static_cast<double>(cost_of(plan, space_.counting()).macs) * images;
  }
}

void StepRunner::save(Checkpoint& c) const {
  if (store_.sets() > 1) c.text["sets.rng"] = set_rng_.state();
  if (store_.wants_validation()) {
    c.text["validation.stream"] = validation_.save();
    c.tensors["trainer/validation_macs"] = at::tensor({validation_macs}, at::kDouble);
  }
  if (!distinct_.empty()) {
    std::vector<int64_t> hashes(distinct_.begin(), distinct_.end());
    std::sort(hashes.begin(), hashes.end());  // Equal states are equal files.
    c.tensors["trainer/distinct"] = at::tensor(hashes, at::kLong);
  }
  if (const std::vector<int64_t> drawn = draws.flat(); !drawn.empty())
    c.tensors["trainer/draws"] = at::tensor(drawn, at::kLong);
  if (runner_.totals.loss.defined()) {
    c.tensors["trainer/loss"] = runner_.totals.loss;
    c.tensors["trainer/correct"] = runner_.totals.correct;
  }
}

void StepRunner::load(const Checkpoint& c) {
  if (c.text.contains("sets.rng")) set_rng_.restore(c.at("sets.rng"));
  if (c.text.contains("validation.stream")) {
    validation_.load(c.at("validation.stream"));
    validation_macs = c.tensors.at("trainer/validation_macs").to(at::kDouble).item<double>();
  }
  PathTotals& t = runner_.totals;
  t = totals;  // Counts, as the position says.
  if (const auto it = c.tensors.find("trainer/loss"); it != c.tensors.end()) {
    t.loss = it->second.to(device_);
    t.correct = c.tensors.at("trainer/correct").to(device_);
  }
  totals = t;
  distinct_.clear();
  if (const auto it = c.tensors.find("trainer/distinct"); it != c.tensors.end()) {
    const at::Tensor hashes = it->second.to(at::kLong).contiguous();
    const auto* p = hashes.data_ptr<int64_t>();
    for (int64_t i = 0; i < hashes.numel(); ++i) distinct_.insert(static_cast<uint64_t>(p[i]));
  }
  load_draws(c);
}

void StepRunner::load_draws(const Checkpoint& c) {
  const auto it = c.tensors.find("trainer/draws");
  if (it == c.tensors.end()) return draws.forget();  // Of an older nas.
  const at::Tensor drawn = it->second.to(at::kLong).contiguous();
  const auto* p = drawn.data_ptr<int64_t>();
  draws.restore({p, p + drawn.numel()});
}

}  // namespace nas
