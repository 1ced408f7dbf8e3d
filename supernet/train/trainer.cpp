#include "supernet/train/trainer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "spaces/error.hpp"
#include "supernet/train/epoch_observer.hpp"
#include "supernet/train/step_runner.hpp"
#include "supernet/train/train_position.hpp"
#include "supernet/train/trained_sets.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

struct Trainer::State {
  explicit State(TrainSetup setup)
      : s(std::move(setup)),
        own_curriculum(s.curriculum == nullptr ? plain_curriculum(s.options.epochs, s.store.sets())
                                               : nullptr),
        curriculum(s.curriculum == nullptr ? *own_curriculum : *s.curriculum),
        sets(s.store, s.options.optimizer, s.folder),
        runner(s.space, s.store, sets, s.data, s.options, s.device, s.seed),
        budget(s.options.budget.limit()),
        loader(s.data.dataset, s.data.normalisation, s.data.options, s.seed) {
    const ObserverContext context{
        s.space, s.store, s.data, s.options, s.evaluate, s.seed, s.device};
    for (auto make : {validation_observer, variance_observer})
      if (auto observer = make(context)) observers.push_back(std::move(observer));
  }

  TrainSetup s;
  std::unique_ptr<Curriculum> own_curriculum;
  Curriculum& curriculum;

  // ---- What a checkpoint holds.
  TrainedSets sets;
  StepRunner runner;
  std::map<std::string, std::unique_ptr<Strategy>> scoped;  ///< Strategies of other scopes.
  int64_t epoch = 0;                                        ///< In progress, 0-based.
  int64_t step = 0;                                         ///< Batches done in this epoch.
  int64_t global_step = 0;                                  ///< Batches done since the start.
  std::vector<int64_t> order;  ///< Training positions of this epoch; empty: not begun.
  double macs_before = 0;      ///< Spent in earlier epochs.

  // ---- Only for the session.
  const double budget;           ///< Multiply-adds that end the run; 0: none.
  Stage stage;                   ///< Of the epoch in progress.
  Strategy* strategy = nullptr;  ///< Of that stage.
  Loader loader;
  std::vector<std::unique_ptr<EpochObserver>> observers;
  Clock::time_point last_save = Clock::now();
  std::string last_checkpoint;
  double epoch_seconds = 0, epoch_wait = 0;
  int64_t epoch_images = 0;

  int64_t epochs() const { return curriculum.epochs(); }
  double spent() const { return macs_before + runner.totals.macs; }
  /// The budget is spent, before or in this epoch.
  bool spent_all() const { return budget > 0 && spent() >= budget; }
  bool finished() const { return epoch >= epochs() || spent_all(); }
  int64_t steps_per_epoch() const {
    return nas::steps_per_epoch(static_cast<int64_t>(s.data.splits.train.size()), s.options);
  }

  /// The strategy of a scope, made at its first epoch.
  Strategy& strategy_of(const Stage& of) {
    if (of.scope.empty()) return s.strategy;
    std::unique_ptr<Strategy>& found = scoped[of.scope];
    if (!found) found = s.make_strategy(of);
    return *found;
  }

  void enter_stage() {
    stage = curriculum.stage(epoch);
    strategy = &strategy_of(stage);
    s.store.enter(stage.sets);
  }

  /// What the curriculum does between epochs, and room for the sets of the coming one.
  void change_stage() {
    StageServices services{
        s.space, s.data, s.options, s.device, s.seed, sets, s.hooks.stop, s.hooks.on_scoring};
    if (curriculum.works_before(epoch)) save();
    bool changed = curriculum.before(epoch, services);
    enter_stage();
    changed = changed || sets.unsaved_besides(stage.sets);
    if (changed) save();
    sets.release_besides(stage.sets);
  }

  /// `done`: share of the epoch in progress that is done.
  double learning_rate(double done) const {
    if (const auto own = strategy->learning_rate(static_cast<double>(stage.epoch) + done))
      return *own;
    double at = stage.schedule_epoch + done;
    if (budget > 0) {
      // Equal compute is a whole schedule, however many epochs it comes to.
      const double share = (s.options.schedule.per_step ? spent() : macs_before) / budget;
      at = std::min(share, 1.0) * stage.schedule_epochs;
    }
    ScheduleOptions schedule = s.options.schedule;
    schedule.per_step = schedule.per_step || budget > 0;
    return nas::learning_rate(schedule, s.options.optimizer.lr, at, stage.schedule_epochs);
  }

  TrainBatch to_device(const Batch& batch) {
    // The loader's buffer stays valid until the next batch, longer than this step's graph.
    TrainBatch out = batch_on_device(batch, s.device, s.options.memory_format, s.store.dtype());
    const int64_t first = step * s.options.batch;
    out.positions.assign(order.begin() + first, order.begin() + first + batch.n);
    const std::vector<double> weights = strategy->data_weights(out.positions);
    if (!weights.empty())
      out.weights = at::tensor(weights, at::kDouble).to(s.device, s.store.dtype());
    return out;
  }

  void start_epoch() {
    if (order.empty()) {
      change_stage();
      if (strategy->prepare_weights(stage.epoch, s.store, stage.sets)) sets.forget();
      s.store.begin_epoch(stage.epoch, stage.epochs);
      strategy->begin_epoch(stage.epoch);
      runner.begin_epoch();
      order = strategy->data_order(stage.epoch);
      if (order.size() != s.data.splits.train.size())
        throw std::logic_error("a data sampler's order must have the size of the training split");
    } else {
      enter_stage();
    }
    std::vector<int64_t> indices(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      indices[i] = s.data.splits.train[static_cast<size_t>(order[i])];
    loader.start(std::move(indices),
                 s.options.batch,
                 static_cast<uint64_t>(epoch),
                 /*augment=*/true,
                 s.options.drop_last,
                 step);
  }

  void train_batch(const TrainBatch& batch) {
    const double done = static_cast<double>(step) / static_cast<double>(steps_per_epoch());
    runner.run(
        *strategy, batch, {stage.epoch, step, steps_per_epoch(), global_step, learning_rate(done)});
    ++step;
    ++global_step;
  }

  [[noreturn]] void diverged(const std::string& what) const {
    const std::vector<std::string> kept = checkpoints_in(s.folder);
    throw Error(
        what + " no longer finite (epoch " + std::to_string(epoch + 1) + ", step " +
        std::to_string(step) + ", " + std::to_string(global_step) +
        " since the start); lower train.optimizer.lr or set train.optimizer.clip_norm" +
        (kept.empty() ? "" : ". The checkpoints from before are kept, the newest: " + kept[0]));
  }

  /// Looks at the loss of this epoch so far.
  double finite_loss() const {
    const double loss = runner.mean_loss();
    if (!std::isfinite(loss)) diverged("the training loss is");
    return loss;
  }

  /// Weights, statistics and moments: the last update may have spoilt them after a finite loss.
  void check_state(const std::map<std::string, at::Tensor>& tensors) const {
    const std::string name = not_finite(tensors);
    if (!name.empty()) diverged("the values of '" + name + "' are");
  }

  bool save_due() const {
    const CheckpointOptions& c = s.options.checkpoint;
    if (step % s.options.accumulate != 0 || step == steps_per_epoch()) return false;
    return (c.steps > 0 && global_step % c.steps == 0) ||
           (c.minutes > 0 && seconds_since(last_save) > 60 * c.minutes);
  }

  void run_epoch() {
    const Clock::time_point begun = Clock::now();
    const double wait = loader.wait_seconds();
    start_epoch();
    // On a GPU every look at a number waits for all work queued so far.
    const int64_t look =
        s.hooks.loss_interval > 0 ? s.hooks.loss_interval : (s.device.is_cpu() ? 1 : 50);
    const int64_t total = steps_per_epoch() * epochs();
    while (const Batch* next = loader.next()) {
      train_batch(to_device(*next));
      epoch_images += next->n;
      if (step % look == 0 || step == steps_per_epoch()) {
        const double loss = finite_loss();
        if (s.hooks.on_step) s.hooks.on_step(global_step, total, loss);
      }
      const bool boundary = step % s.options.accumulate == 0;
      if (step == steps_per_epoch() || (boundary && spent_all())) break;
      if (save_due()) save();
      if (boundary && s.hooks.stop && s.hooks.stop()) interrupt();
    }
    epoch_seconds += seconds_since(begun);
    epoch_wait += loader.wait_seconds() - wait;
    finish_epoch();
  }

  EpochReport report_epoch() {
    EpochReport report;
    const PathTotals& t = runner.totals;
    auto& m = report.metrics;
    m.emplace_back("train.loss", runner.mean_loss());
    m.emplace_back("train.accuracy", t.correct.item<double>() / static_cast<double>(t.path_images));
    m.emplace_back("train.lr", learning_rate(0));
    m.emplace_back("train.paths", static_cast<double>(t.paths));
    m.emplace_back("train.distinct_paths", static_cast<double>(runner.distinct()));
    m.emplace_back("train.macs", macs_before + t.macs);
    if (runner.validation_macs > 0) m.emplace_back("train.validation_macs", runner.validation_macs);
    if (s.options.optimizer.clip_norm > 0)
      m.emplace_back("train.clipped_share",
                     static_cast<double>(runner.clipped) /
                         static_cast<double>(std::max<int64_t>(runner.updates, 1)));
    for (auto& entry : strategy->telemetry()) m.push_back(std::move(entry));
    for (auto& entry : s.store.telemetry()) m.push_back(std::move(entry));
    for (auto& entry : curriculum.telemetry()) m.push_back(std::move(entry));
    return report;
  }

  void finish_epoch() {
    // Before anything is measured or recorded: what follows would be numbers of a broken network.
    check_state(weights());
    strategy->end_epoch(stage.epoch);
    s.store.end_epoch();
    EpochReport report = report_epoch();
    macs_before += runner.totals.macs;
    runner.end_epoch();
    ++epoch;
    step = 0;
    order.clear();
    for (const auto& observer : observers)
      observer->after({epoch, finished(), *strategy}, report.metrics);
    report.metrics.emplace_back("time.seconds", epoch_seconds);
    report.metrics.emplace_back("time.images_per_second",
                                static_cast<double>(epoch_images) / std::max(epoch_seconds, 1e-9));
    report.metrics.emplace_back("time.data_wait_share", epoch_wait / std::max(epoch_seconds, 1e-9));
    epoch_seconds = epoch_wait = 0;
    epoch_images = 0;
    report.epoch = epoch;
    report.step = global_step;
    if (s.hooks.on_epoch) s.hooks.on_epoch(report);
    const CheckpointOptions& c = s.options.checkpoint;
    if (finished() || (c.epochs > 0 && epoch % c.epochs == 0)) save();
    if (!finished() && s.hooks.stop && s.hooks.stop()) {
      if (c.epochs == 0 || epoch % c.epochs != 0) save();
      throw Interrupted("stopped after epoch " + std::to_string(epoch) + " of " +
                        std::to_string(epochs()));
    }
  }

  [[noreturn]] void interrupt() {
    save();
    throw Interrupted("stopped in epoch " + std::to_string(epoch + 1) + " of " +
                      std::to_string(epochs()) + ", step " + std::to_string(step) + " of " +
                      std::to_string(steps_per_epoch()));
  }

  std::map<std::string, at::Tensor> weights() const {
    std::map<std::string, at::Tensor> all;
    for (const auto& [number, set] : sets.ready()) {
      const std::string prefix =
          (s.store.sets() > 1 ? "set" + std::to_string(number) + "/" : std::string()) + "model/";
      for (const NamedTensor& p : set.weights->parameters()) all[prefix + p.name] = p.tensor;
      for (const NamedTensor& b : set.weights->buffers()) all[prefix + b.name] = b.tensor;
    }
    return all;
  }

  void save();
  void load(const Checkpoint& c, const std::string& path);
  void adopt(const Checkpoint& c, const std::string& path);
};

namespace {

void put(Checkpoint& c, const std::string& prefix, const StrategyState& state) {
  for (const auto& [name, t] : state.tensors) c.tensors[prefix + name] = t;
  for (const auto& [name, text] : state.text) c.text[prefix + name] = text;
}

StrategyState take(const Checkpoint& c, const std::string& prefix) {
  StrategyState state;
  state.tensors = c.with_prefix(prefix);
  for (const auto& [key, value] : c.text)
    if (key.starts_with(prefix)) state.text[key.substr(prefix.size())] = value;
  return state;
}

}  // namespace

void Trainer::State::save() {
  finite_loss();
  Checkpoint c;
  sets.save(c, global_step, [this](const Checkpoint& file) { check_state(file.tensors); });
  runner.save(c);
  put(c, "strategy/", s.strategy.save());
  for (const auto& [scope, other] : scoped) put(c, "scope/" + scope, other->save());
  StrategyState state;
  curriculum.save(state);
  put(c, "curriculum/", state);
  if (!order.empty()) c.tensors["trainer/order"] = at::tensor(order, at::kLong);
  c.text["position"] = to_text({epoch,
                                step,
                                global_step,
                                runner.clipped,
                                runner.updates,
                                macs_before,
                                runner.totals.paths,
                                runner.totals.path_images,
                                runner.totals.macs});
  c.text["strategy"] = s.strategy.name();
  c.text["fingerprint"] = s.identity.fingerprint;
  c.text["config_hash"] = s.identity.config_hash;
  c.text["split_hash"] = s.identity.split_hash;
  const std::string path = checkpoint_path(s.folder, global_step);
  const std::string sha256 = write_checkpoint(path, c);
  last_save = Clock::now();
  last_checkpoint = path;
  if (s.hooks.on_checkpoint) s.hooks.on_checkpoint(path, sha256, epoch, global_step);
  // Older files go only after the new one is recorded.
  keep_newest_checkpoints(s.folder, s.options.checkpoint.keep);
  sets.remove_unused(checkpoints_in(s.folder));
}

void Trainer::State::load(const Checkpoint& c, const std::string& path) {
  const auto agree = [&](const char* key, const std::string& mine, const char* what) {
    if (c.at(key) != mine)
      throw DataError(path + ": belongs to another " + what + " and cannot be resumed here");
  };
  // Checkpoints of versions before 0.2 have the former fingerprint.
  const bool former = s.identity.fingerprint == s.space.fingerprint() &&
                      c.at("fingerprint") == s.space.legacy_fingerprint();
  if (!former) agree("fingerprint", s.identity.fingerprint, "search space");
  agree("config_hash", s.identity.config_hash, "configuration");
  agree("split_hash", s.identity.split_hash, "division of the data");
  agree("strategy", s.strategy.name(), "training strategy");
  curriculum.load(take(c, "curriculum/"));
  sets.load(c, path);
  const TrainPosition p = position_of(c.at("position"));
  epoch = p.epoch;
  step = p.step;
  global_step = p.global_step;
  macs_before = p.macs_before;
  runner.clipped = p.clipped;
  runner.updates = p.updates;
  runner.totals = {};
  runner.totals.paths = p.paths;
  runner.totals.path_images = p.path_images;
  runner.totals.macs = p.macs;
  runner.load(c);
  s.strategy.load(take(c, "strategy/"));
  scoped.clear();
  // Scopes are those of the stages so far.
  for (int64_t e = 0; e < std::min(epoch + 1, epochs()); ++e) {
    const Stage of = curriculum.stage(e);
    const std::string prefix = "scope/" + of.scope;
    const bool saved = std::any_of(c.text.begin(), c.text.end(), [&](const auto& entry) {
      return entry.first.starts_with(prefix);
    });
    if (of.scope.empty() || scoped.contains(of.scope) || !saved) continue;
    strategy_of(of).load(take(c, prefix));
  }
  order.clear();
  if (const auto it = c.tensors.find("trainer/order"); it != c.tensors.end()) {
    const at::Tensor positions = it->second.to(at::kLong).contiguous();
    const auto* first = positions.data_ptr<int64_t>();
    order.assign(first, first + positions.numel());
  }
  // At the start of an epoch a split may still be ahead, which makes the stage.
  if (!order.empty()) enter_stage();
}

void Trainer::State::adopt(const Checkpoint& c, const std::string& path) {
  sets.adopt(0, c, path);
  if (const auto found = c.text.find("position"); found != c.text.end()) {
    const TrainPosition p = position_of(found->second);
    epoch = p.epoch;
    global_step = p.global_step;
    macs_before = p.macs_before + p.macs;
  }
  save();
}

Trainer::Trainer(TrainSetup setup) : s_(std::make_unique<State>(std::move(setup))) {
  if (s_->steps_per_epoch() == 0)
    throw ConfigError("the training split has " + std::to_string(s_->s.data.splits.train.size()) +
                          " images, fewer than one batch of " + std::to_string(s_->s.options.batch),
                      "lower train.batch or set train.drop_last to false");
  if (s_->s.store.ever_wants_validation())
    require_validation_batch(s_->s.data.splits, s_->s.options.batch);
}

Trainer::~Trainer() = default;

void Trainer::resume(const std::string& path) {
  resume(read_checkpoint(path), path);
}

namespace {

/// What a state that does not fit says, as one kind of error that names the file.
template <typename F>
void read_state(const std::string& path, const F& read) {
  const auto unfit = [&](const std::string& what) {
    return DataError(path + ": cannot be resumed by this version of nas: " + what);
  };
  try {
    read();
  } catch (const DataError& e) {
    if (std::string(e.what()).starts_with(path)) throw;
    throw unfit(e.what());
  } catch (const ConfigError& e) {
    throw unfit(e.what());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const c10::Error& e) {
    // A tensor of another type or size.
    throw unfit(e.what_without_backtrace());
  } catch (const std::out_of_range&) {
    throw unfit("its state is incomplete");
  }
}

}  // namespace

void Trainer::resume(const Checkpoint& checkpoint, const std::string& path) {
  read_state(path, [&] { s_->load(checkpoint, path); });
}

void Trainer::adopt(const Checkpoint& of_one_set, const std::string& path) {
  read_state(path, [&] { s_->adopt(of_one_set, path); });
}

void Trainer::run() {
  while (!s_->finished()) s_->run_epoch();
}

StepTiming Trainer::time_steps(int64_t steps) {
  State& s = *s_;
  StepTiming timing;
  timing.steps_per_epoch = s.steps_per_epoch();
  s.start_epoch();
  Clock::time_point start = Clock::now();
  // The first step allocates and tunes; it does not count.
  for (int64_t i = 0; i <= steps; ++i) {
    const Batch* next = s.loader.next();
    if (next == nullptr) break;
    s.train_batch(s.to_device(*next));
    s.runner.mean_loss();
    if (i == 0) start = Clock::now();
    timing.steps = i;
  }
  timing.macs_per_step = s.runner.totals.macs / static_cast<double>(timing.steps + 1);
  if (timing.steps > 0)
    timing.seconds_per_step = seconds_since(start) / static_cast<double>(timing.steps);
  return timing;
}

int64_t Trainer::epochs_done() const {
  return s_->epoch;
}

int64_t Trainer::steps_done() const {
  return s_->global_step;
}

const std::string& Trainer::last_checkpoint() const {
  return s_->last_checkpoint;
}

}  // namespace nas
