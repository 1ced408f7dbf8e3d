// The loop. One batch is one step of a rule; batches make an epoch, and epochs are what a
// curriculum divides among strategies, sets and parts of the space. Everything that may change
// between epochs changes in start_epoch(), before the order of the images is drawn: a run that is
// resumed in the middle of an epoch never does it twice.
#include "supernet/train/trainer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "hardware/quartiles.hpp"
#include "spaces/error.hpp"
#include "supernet/files/checkpoint.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/observers/epoch_metrics.hpp"
#include "supernet/train/observers/epoch_observer.hpp"
#include "supernet/train/run_state.hpp"

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
        now(s, curriculum),
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
  RunState now;  ///< What a checkpoint holds.

  // ---- Only for the session.
  const double budget;           ///< Multiply-adds that end the run; 0: none.
  Stage stage;                   ///< Of the epoch in progress.
  Strategy* strategy = nullptr;  ///< Of that stage.
  Loader loader;
  std::vector<std::unique_ptr<EpochObserver>> observers;
  EpochClock clock;
  double scoring_seconds = 0;  ///< Before the epoch in progress.
  Clock::time_point last_save = Clock::now();
  std::string last_checkpoint;

  int64_t epochs() const { return curriculum.epochs(); }
  /// The budget is spent, before or in this epoch.
  bool spent_all() const { return budget > 0 && now.spent() >= budget; }
  bool finished() const { return now.epoch >= epochs() || spent_all(); }
  int64_t steps_per_epoch() const {
    return nas::steps_per_epoch(static_cast<int64_t>(s.data.splits.train.size()), s.options);
  }
  /// With `train.shards` nothing depends on the number of threads: what runs outside the parts (the
  /// optimizer, samplers) has one. Judging has its own workers.
  std::unique_ptr<OneThreadPerOp> threads_apart() const {
    if (s.options.shards.value_or(0) == 0 || !s.device.is_cpu()) return nullptr;
    return std::make_unique<OneThreadPerOp>();
  }
  bool told_to_stop() const { return s.hooks.stop && s.hooks.stop(); }

  void enter_stage() {
    stage = curriculum.stage(now.epoch);
    strategy = &now.strategy_of(stage);
    s.store.enter(stage.sets);
  }

  /// What the curriculum does between epochs, and room for the sets of the coming one.
  void change_stage() {
    StageServices services{
        s.space,
        s.data,
        s.options,
        s.device,
        s.seed,
        now.sets,
        s.hooks.stop,
        s.hooks.on_scoring,
        {s.folder, s.identity.config_hash + " " + s.identity.split_hash, s.hooks.on_warning}};
    const bool works = curriculum.works_before(now.epoch);
    if (works) save();
    const Clock::time_point start = Clock::now();
    bool changed = curriculum.before(now.epoch, services);
    if (works) scoring_seconds = seconds_since(start);
    enter_stage();
    changed = changed || now.sets.unsaved_besides(stage.sets);
    if (changed) save();
    if (works) remove_kept_scores(s.folder);  // The split is safe.
    now.sets.release_besides(stage.sets);
  }

  /// `done`: share of the epoch in progress that is done.
  double learning_rate(double done) const {
    if (const auto own = strategy->learning_rate(static_cast<double>(stage.epoch) + done))
      return *own;
    double at = stage.schedule_epoch + done;
    if (budget > 0) {
      // Equal compute is a whole schedule, however many epochs it comes to.
      const double share = (s.options.schedule.per_step ? now.spent() : now.macs_before) / budget;
      at = std::min(share, 1.0) * stage.schedule_epochs;
    }
    ScheduleOptions schedule = s.options.schedule;
    schedule.per_step = schedule.per_step || budget > 0;
    return nas::learning_rate(schedule, s.options.optimizer.lr, at, stage.schedule_epochs);
  }

  TrainBatch to_device(const Batch& batch) {
    // The loader's buffer stays valid until the next batch, longer than this step's graph.
    const c10::Device device = torch_device(s.device);
    const at::ScalarType type = torch_type(s.store.dtype());
    TrainBatch out = batch_on_device(batch, device, s.options.memory_format, type);
    const auto first = now.order.begin() + now.step * s.options.batch;
    out.positions.assign(first, first + batch.n);
    const std::vector<double> weights = strategy->data_weights(out.positions);
    if (!weights.empty()) out.weights = at::tensor(weights, at::kDouble).to(device, type);
    return out;
  }

  void start_epoch() {
    if (now.order.empty()) {
      change_stage();
      if (strategy->prepare_weights(stage.epoch, s.store, stage.sets)) now.sets.forget();
      s.store.begin_epoch(stage.epoch, stage.epochs);
      strategy->begin_epoch(stage.epoch);
      now.runner.begin_epoch();
      now.order = strategy->data_order(stage.epoch);
      if (now.order.size() != s.data.splits.train.size())
        throw std::logic_error("a data sampler's order must have the size of the training split");
    } else {
      enter_stage();
    }
    // What a split takes is no time of training.
    clock.begin(loader.wait_seconds());
    std::vector<int64_t> indices(now.order.size());
    for (size_t i = 0; i < indices.size(); ++i)
      indices[i] = s.data.splits.train[static_cast<size_t>(now.order[i])];
    loader.start(std::move(indices),
                 s.options.batch,
                 static_cast<uint64_t>(now.epoch),
                 /*augment=*/true,
                 s.options.drop_last,
                 now.step);
  }

  void train_batch(const TrainBatch& batch) {
    const int64_t steps = steps_per_epoch();
    const double done = static_cast<double>(now.step) / static_cast<double>(steps);
    now.runner.run(
        *strategy, batch, {stage.epoch, now.step, steps, now.global_step, learning_rate(done)});
    ++now.step;
    ++now.global_step;
  }

  bool save_due() const {
    const CheckpointOptions& c = s.options.checkpoint;
    if (now.step % s.options.accumulate != 0 || now.step == steps_per_epoch()) return false;
    return (c.steps > 0 && now.global_step % c.steps == 0) ||
           (c.minutes > 0 && seconds_since(last_save) > 60 * c.minutes);
  }

  void save() {
    std::string sha256;
    last_checkpoint = now.save(sha256);
    last_save = Clock::now();
    if (s.hooks.on_checkpoint)
      s.hooks.on_checkpoint(last_checkpoint, sha256, now.epoch, now.global_step);
    // Older files go only after the new one is recorded.
    now.remove_older();
  }

  void run_epoch() {
    start_epoch();
    // On a GPU every look at a number waits for all work queued so far.
    const int64_t look =
        s.hooks.loss_interval > 0 ? s.hooks.loss_interval : (s.device.is_cpu() ? 1 : 50);
    const int64_t total = steps_per_epoch() * epochs();
    int64_t images = 0;
    while (const Batch* next = loader.next()) {
      train_batch(to_device(*next));
      images += next->n;
      if (now.step % look == 0 || now.step == steps_per_epoch()) {
        const double loss = now.finite_loss();
        if (s.hooks.on_step) s.hooks.on_step(now.global_step, total, loss);
      }
      const bool boundary = now.step % s.options.accumulate == 0;
      if (now.step == steps_per_epoch() || (boundary && spent_all())) break;
      if (save_due()) save();
      if (boundary && told_to_stop()) interrupt();
    }
    clock.end(loader.wait_seconds(), images);
    finish_epoch();
  }

  void finish_epoch() {
    // Before anything is measured or recorded: what follows would be numbers of a broken network.
    now.require_finite_weights();
    strategy->end_epoch(stage.epoch);
    s.store.end_epoch();
    EpochReport report;
    report.metrics = epoch_metrics(now, s, *strategy, curriculum, learning_rate(0));
    now.macs_before = now.spent();
    now.runner.end_epoch();
    ++now.epoch;
    now.step = 0;
    now.order.clear();
    for (const auto& observer : observers)
      observer->after({now.epoch, finished(), *strategy}, report.metrics);
    clock.report(report.metrics);
    if (scoring_seconds > 0) report.metrics.emplace_back("time.scoring_seconds", scoring_seconds);
    scoring_seconds = 0;
    report.epoch = now.epoch;
    report.step = now.global_step;
    if (s.hooks.on_epoch) s.hooks.on_epoch(report);
    const CheckpointOptions& c = s.options.checkpoint;
    const bool due = c.epochs > 0 && now.epoch % c.epochs == 0;
    if (finished() || due) save();
    if (finished() || !told_to_stop()) return;
    if (!due) save();
    throw Interrupted("stopped after epoch " + std::to_string(now.epoch) + " of " +
                      std::to_string(epochs()));
  }

  [[noreturn]] void interrupt() {
    save();
    throw Interrupted("stopped in epoch " + std::to_string(now.epoch + 1) + " of " +
                      std::to_string(epochs()) + ", step " + std::to_string(now.step) + " of " +
                      std::to_string(steps_per_epoch()));
  }
};

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
  resume(*open_checkpoint(path), path);
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
  read_state(path, [&] {
    s_->now.load(checkpoint, path);
    // At the start of an epoch a split may still be ahead, which makes the stage.
    if (!s_->now.order.empty()) s_->enter_stage();
  });
}

void Trainer::adopt(const Checkpoint& of_one_set, const std::string& path) {
  read_state(path, [&] {
    s_->now.adopt(of_one_set, path);
    s_->save();
  });
}

void Trainer::run() {
  const auto apart = s_->threads_apart();
  while (!s_->finished()) s_->run_epoch();
}

StepTiming Trainer::time_steps(int64_t steps) {
  State& s = *s_;
  const auto apart = s.threads_apart();
  StepTiming timing;
  timing.steps_per_epoch = s.steps_per_epoch();
  s.start_epoch();
  // The first step allocates and tunes, and so does every path of new shapes: not what a step of a
  // long run costs. The first does not count; of the others, the median.
  std::vector<double> seconds;
  for (int64_t i = 0; i <= steps; ++i) {
    const Clock::time_point start = Clock::now();
    const Batch* next = s.loader.next();
    if (next == nullptr) break;
    s.train_batch(s.to_device(*next));
    s.now.runner.mean_loss();
    if (i > 0) seconds.push_back(seconds_since(start));
  }
  timing.steps = static_cast<int64_t>(seconds.size());
  timing.macs_per_step = s.now.runner.totals.macs / static_cast<double>(timing.steps + 1);
  if (!seconds.empty()) timing.seconds_per_step = median_of(std::move(seconds));
  return timing;
}

int64_t Trainer::epochs_done() const {
  return s_->now.epoch;
}

int64_t Trainer::steps_done() const {
  return s_->now.global_step;
}

std::string Trainer::draws_json() const {
  return s_->now.runner.draws.json();
}

const std::string& Trainer::last_checkpoint() const {
  return s_->last_checkpoint;
}

}  // namespace nas
