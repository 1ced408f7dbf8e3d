#include "supernet/train/trainer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "spaces/random.hpp"
#include "supernet/train/epoch_validation.hpp"
#include "supernet/train/path_runner.hpp"
#include "supernet/train/train_position.hpp"
#include "supernet/train/trained_sets.hpp"
#include "supernet/train/variance_probe.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

struct Trainer::State {
  State(const Space& sp,
        WeightStore& st,
        Strategy& str,
        const RunData& d,
        const TrainOptions& o,
        const EvaluateOptions& e,
        uint64_t se,
        c10::Device dev,
        std::string run_folder)
      : space(sp),
        store(st),
        strategy(str),
        data(d),
        options(o),
        evaluate(e),
        seed(se),
        device(dev),
        folder(std::move(run_folder)),
        sets(st, options.optimizer, folder),
        runner(sp, st.keeps_statistics(), options, dev, se),
        set_rng(se, "sets"),
        loader(d.dataset, d.normalisation, d.options, se) {}

  // ---- What never changes.
  const Space& space;
  WeightStore& store;
  Strategy& strategy;
  RunData data;
  TrainOptions options;
  EvaluateOptions evaluate;
  uint64_t seed;
  c10::Device device;
  std::string folder;
  RunIdentity identity;
  TrainHooks hooks;

  // ---- What a checkpoint holds.
  TrainedSets sets;
  PathRunner runner;
  Rng set_rng;                            ///< Draws the set of a path, where a store asks for it.
  int64_t epoch = 0;                      ///< In progress, 0-based.
  int64_t step = 0;                       ///< Batches done in this epoch.
  int64_t global_step = 0;                ///< Batches done since the start.
  int64_t clipped = 0;                    ///< Optimizer steps of this epoch that clipping scaled.
  int64_t updates = 0;                    ///< Optimizer steps of this epoch.
  std::vector<int64_t> order;             ///< Training positions of this epoch; empty: not begun.
  double macs_before = 0;                 ///< Spent in earlier epochs.
  std::unordered_set<uint64_t> distinct;  ///< Hashes of the paths of this epoch.

  // ---- Only for the session.
  Loader loader;
  std::unique_ptr<EpochValidation> validation;
  std::unique_ptr<VarianceProbe> probe;
  Clock::time_point last_save = Clock::now();
  std::string last_checkpoint;
  double epoch_seconds = 0, epoch_wait = 0;
  int64_t epoch_images = 0;

  int64_t steps_per_epoch() const {
    const auto n = static_cast<int64_t>(data.splits.train.size());
    return options.drop_last ? n / options.batch : (n + options.batch - 1) / options.batch;
  }

  /// Batches whose gradients make the update that this step belongs to: the last group of an epoch
  /// may have fewer.
  int64_t batches_in_group() const {
    const int64_t group = options.accumulate;
    return std::min(group, steps_per_epoch() - step / group * group);
  }

  /// `when`: epochs since the start, with the fraction done of the one in progress.
  double lr_at(double when) const {
    if (const std::optional<double> own = strategy.learning_rate(when)) return *own;
    return learning_rate(
        options.schedule, options.optimizer.lr, when, static_cast<double>(options.epochs));
  }

  TrainedSet& set_of(const Path& path) { return sets.at(store.draw(path.architecture, set_rng)); }

  double lr() const {
    const double done = static_cast<double>(step) / static_cast<double>(steps_per_epoch());
    return lr_at(static_cast<double>(epoch) + done);
  }

  TrainBatch to_device(const Batch& batch) {
    TrainBatch out;
    // The loader's buffer stays valid until the next batch, longer than this step's graph.
    out.images = at::from_blob(const_cast<float*>(batch.images.data()),
                               {batch.n, batch.c, batch.h, batch.w},
                               at::TensorOptions(at::kFloat));
    if (options.memory_format == Layout::kChannelsLast)
      out.images = out.images.contiguous(at::MemoryFormat::ChannelsLast);
    const at::ScalarType type = store.dtype();
    out.images = out.images.to(device, type);
    out.labels = at::tensor(batch.labels, at::kLong).to(device);
    const auto first = static_cast<size_t>(step * options.batch);
    out.positions.assign(order.begin() + static_cast<int64_t>(first),
                         order.begin() + static_cast<int64_t>(first) + batch.n);
    const std::vector<double> weights = strategy.data_weights(out.positions);
    if (!weights.empty()) out.weights = at::tensor(weights, at::kDouble).to(device, type);
    return out;
  }

  void start_epoch() {
    if (order.empty()) {
      if (strategy.prepare_weights(epoch, store)) sets.forget();
      strategy.begin_epoch(epoch);
      order = strategy.data_order(epoch);
      if (static_cast<int64_t>(order.size()) != static_cast<int64_t>(data.splits.train.size()))
        throw std::logic_error("a strategy's data order must have the size of the training split");
    }
    std::vector<int64_t> indices(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      indices[i] = data.splits.train[static_cast<size_t>(order[i])];
    loader.start(std::move(indices),
                 options.batch,
                 static_cast<uint64_t>(epoch),
                 /*augment=*/true,
                 options.drop_last,
                 step);
  }

  void train_batch(const TrainBatch& batch) {
    const Step plan = strategy.next_step(epoch, step);
    for (const Path& path : plan.paths) distinct.insert(path.architecture.hash());
    const bool features = strategy.wants_features();
    if (plan.combine == Step::Combine::kReptile) {
      reptile_step(plan, batch, features);
    } else {
      double share = 1.0 / static_cast<double>(batches_in_group());
      if (plan.combine == Step::Combine::kMean) share /= static_cast<double>(plan.paths.size());
      for (size_t i = 0; i < plan.paths.size(); ++i) {
        TrainedSet& set = set_of(plan.paths[i]);
        runner.run(plan, i, *set.weights, set.used, batch, share, global_step, features);
        set.touched = true;
        strategy.after_backward(runner.outcome(plan, i, batch));
      }
    }
    const double rate = lr();
    ++step;
    ++global_step;
    if (step % options.accumulate == 0 || step == steps_per_epoch()) update(plan, batch, rate);
    runner.clear();
  }

  void reptile_step(const Step& plan, const TrainBatch& batch, bool features) {
    // The mean displacement is that of one set: the one that trains the first path.
    TrainedSet& set = set_of(plan.paths.front());
    set.reptile.begin();
    for (size_t i = 0; i < plan.paths.size(); ++i)
      set.reptile.path(plan.inner, [&](int inner, std::vector<bool>& used) {
        runner.run(plan, i, *set.weights, used, batch, 1.0, global_step, features);
        if (inner == 0) strategy.after_backward(runner.outcome(plan, i, batch));
      });
    set.reptile.finish(set.used);
    set.touched = true;
  }

  void update(const Step& plan, const TrainBatch& batch, double rate) {
    std::vector<at::Tensor> grads;
    for (auto& [number, set] : sets.ready())
      for (at::Tensor& g : set.optimizer.gradients(set.used)) grads.push_back(std::move(g));
    const double scale = clip_gradient_norm(std::move(grads), options.optimizer.clip_norm);
    if (plan.paths.size() == 1 && plan.combine != Step::Combine::kReptile)
      strategy.after_clip(runner.outcome(plan, 0, batch), scale);
    clipped += scale < 1.0;
    ++updates;
    for (auto& [number, set] : sets.ready()) {
      // A set that no path of the step used is not in this step at all.
      if (!set.touched) continue;
      set.optimizer.step(rate, set.used);
      set.used.assign(set.used.size(), false);
      set.touched = false;
      set.changed = true;
    }
  }

  double mean_loss() const {
    if (runner.totals.path_images == 0) return 0;
    return runner.totals.loss.item<double>() / static_cast<double>(runner.totals.path_images);
  }

  [[noreturn]] void diverged(const std::string& what) const {
    const std::vector<std::string> kept = checkpoints_in(folder);
    throw Error(
        what + " no longer finite (epoch " + std::to_string(epoch + 1) + ", step " +
        std::to_string(step) + ", " + std::to_string(global_step) +
        " since the start); lower train.optimizer.lr or set train.optimizer.clip_norm" +
        (kept.empty() ? "" : ". The checkpoints from before are kept, the newest: " + kept[0]));
  }

  /// Looks at the loss of this epoch so far.
  double finite_loss() const {
    const double loss = mean_loss();
    if (!std::isfinite(loss)) diverged("the training loss is");
    return loss;
  }

  /// Weights, statistics and moments: the last update may have spoilt them after a finite loss.
  void check_state(const std::map<std::string, at::Tensor>& tensors) const {
    const std::string name = not_finite(tensors);
    if (!name.empty()) diverged("the values of '" + name + "' are");
  }

  bool save_due() const {
    const CheckpointOptions& c = options.checkpoint;
    if (step % options.accumulate != 0 || step == steps_per_epoch()) return false;
    return (c.steps > 0 && global_step % c.steps == 0) ||
           (c.minutes > 0 && seconds_since(last_save) > 60 * c.minutes);
  }

  void run_epoch() {
    const Clock::time_point begun = Clock::now();
    const double wait = loader.wait_seconds();
    start_epoch();
    // On a GPU every look at a number waits for all work queued so far.
    const int64_t look = hooks.loss_interval > 0 ? hooks.loss_interval : (device.is_cpu() ? 1 : 50);
    const int64_t total = steps_per_epoch() * options.epochs;
    while (const Batch* next = loader.next()) {
      train_batch(to_device(*next));
      epoch_images += next->n;
      if (step % look == 0 || step == steps_per_epoch()) {
        const double loss = finite_loss();
        if (hooks.on_step) hooks.on_step(global_step, total, loss);
      }
      if (step == steps_per_epoch()) break;
      const bool boundary = step % options.accumulate == 0;
      if (save_due()) save();
      if (boundary && hooks.stop && hooks.stop()) interrupt();
    }
    epoch_seconds += seconds_since(begun);
    epoch_wait += loader.wait_seconds() - wait;
    finish_epoch();
  }

  void finish_epoch() {
    // Before anything is measured or recorded: what follows would be numbers of a broken network.
    check_state(weights());
    EpochReport report;
    const double rate_used = lr_at(static_cast<double>(epoch));
    strategy.end_epoch(epoch);
    const PathTotals& t = runner.totals;
    auto& m = report.metrics;
    m.emplace_back("train.loss", mean_loss());
    m.emplace_back("train.accuracy", t.correct.item<double>() / static_cast<double>(t.path_images));
    m.emplace_back("train.lr", rate_used);
    m.emplace_back("train.paths", static_cast<double>(t.paths));
    m.emplace_back("train.distinct_paths", static_cast<double>(distinct.size()));
    m.emplace_back("train.macs", macs_before + t.macs);
    if (options.optimizer.clip_norm > 0)
      m.emplace_back(
          "train.clipped_share",
          static_cast<double>(clipped) / static_cast<double>(std::max<int64_t>(updates, 1)));
    for (auto& entry : strategy.telemetry()) m.push_back(std::move(entry));
    macs_before += t.macs;
    runner.totals = {};
    clipped = updates = 0;
    distinct.clear();
    ++epoch;
    step = 0;
    order.clear();
    validate(report);
    measure_variance(report);
    m.emplace_back("time.seconds", epoch_seconds);
    m.emplace_back("time.images_per_second",
                   static_cast<double>(epoch_images) / std::max(epoch_seconds, 1e-9));
    m.emplace_back("time.data_wait_share", epoch_wait / std::max(epoch_seconds, 1e-9));
    epoch_seconds = epoch_wait = 0;
    epoch_images = 0;
    report.epoch = epoch;
    report.step = global_step;
    if (hooks.on_epoch) hooks.on_epoch(report);
    const CheckpointOptions& c = options.checkpoint;
    if (epoch == options.epochs || (c.epochs > 0 && epoch % c.epochs == 0)) save();
    if (epoch < options.epochs && hooks.stop && hooks.stop()) {
      if (c.epochs == 0 || epoch % c.epochs != 0) save();
      throw Interrupted("stopped after epoch " + std::to_string(epoch) + " of " +
                        std::to_string(options.epochs));
    }
  }

  void validate(EpochReport& report) {
    const ValidationOptions& v = options.validation;
    if (v.every <= 0 || (epoch % v.every != 0 && epoch != options.epochs)) return;
    if (data.splits.validation.empty()) return;
    if (!validation) {
      EvaluateOptions e = evaluate;
      e.split = "validation";
      e.images = v.images;
      validation = std::make_unique<EpochValidation>(
          space, store, data, e, strategy.only(), v.subnets, seed, device, options.memory_format);
    }
    for (auto& entry : validation->measure()) report.metrics.push_back(std::move(entry));
  }

  void measure_variance(EpochReport& report) {
    const GradientVarianceOptions& v = options.gradient_variance;
    if (v.every <= 0 || (epoch % v.every != 0 && epoch != options.epochs)) return;
    if (!probe)
      probe = std::make_unique<VarianceProbe>(
          space, store, data, v.images, seed, device, options.memory_format);
    const VarianceReport r =
        probe->measure(strategy.image_probabilities(), options.label_smoothing);
    for (auto& entry : metrics_of(r)) report.metrics.push_back(std::move(entry));
  }

  [[noreturn]] void interrupt() {
    save();
    throw Interrupted("stopped in epoch " + std::to_string(epoch + 1) + " of " +
                      std::to_string(options.epochs) + ", step " + std::to_string(step) + " of " +
                      std::to_string(steps_per_epoch()));
  }

  std::map<std::string, at::Tensor> weights() const {
    std::map<std::string, at::Tensor> all;
    for (const auto& [number, set] : sets.ready()) {
      const std::string prefix =
          (store.sets() > 1 ? "set" + std::to_string(number) + "/" : std::string()) + "model/";
      for (const NamedTensor& p : set.weights->parameters()) all[prefix + p.name] = p.tensor;
      for (const NamedTensor& b : set.weights->buffers()) all[prefix + b.name] = b.tensor;
    }
    return all;
  }

  void save();
  void load(const Checkpoint& c, const std::string& path);
};

void Trainer::State::save() {
  finite_loss();
  Checkpoint c;
  sets.save(c, global_step, [this](const Checkpoint& file) { check_state(file.tensors); });
  if (store.sets() > 1) c.text["sets.rng"] = set_rng.state();
  StrategyState state = strategy.save();
  for (const auto& [name, t] : state.tensors) c.tensors["strategy/" + name] = t;
  for (const auto& [name, text] : state.text) c.text["strategy/" + name] = text;
  if (!order.empty()) c.tensors["trainer/order"] = at::tensor(order, at::kLong);
  if (!distinct.empty()) {
    std::vector<int64_t> hashes(distinct.begin(), distinct.end());
    std::sort(hashes.begin(), hashes.end());  // Equal states are equal files.
    c.tensors["trainer/distinct"] = at::tensor(hashes, at::kLong);
  }
  if (runner.totals.loss.defined()) {
    c.tensors["trainer/loss"] = runner.totals.loss;
    c.tensors["trainer/correct"] = runner.totals.correct;
  }
  c.text["position"] = to_text({epoch,
                                step,
                                global_step,
                                clipped,
                                updates,
                                macs_before,
                                runner.totals.paths,
                                runner.totals.path_images,
                                runner.totals.macs});
  c.text["strategy"] = strategy.name();
  c.text["fingerprint"] = identity.fingerprint;
  c.text["config_hash"] = identity.config_hash;
  c.text["split_hash"] = identity.split_hash;
  const std::string path = checkpoint_path(folder, global_step);
  const std::string sha256 = write_checkpoint(path, c);
  last_save = Clock::now();
  last_checkpoint = path;
  if (hooks.on_checkpoint) hooks.on_checkpoint(path, sha256, epoch, global_step);
  // Older files go only after the new one is recorded.
  keep_newest_checkpoints(folder, options.checkpoint.keep);
  sets.remove_unused(checkpoints_in(folder));
}

void Trainer::State::load(const Checkpoint& c, const std::string& path) {
  const auto agree = [&](const char* key, const std::string& mine, const char* what) {
    if (c.at(key) != mine)
      throw DataError(path + ": belongs to another " + what + " and cannot be resumed here");
  };
  // Checkpoints of versions before 0.2 have the former fingerprint.
  const bool former = identity.fingerprint == space.fingerprint() &&
                      c.at("fingerprint") == space.legacy_fingerprint();
  if (!former) agree("fingerprint", identity.fingerprint, "search space");
  agree("config_hash", identity.config_hash, "configuration");
  agree("split_hash", identity.split_hash, "division of the data");
  agree("strategy", strategy.name(), "training strategy");
  sets.load(c, path);
  if (store.sets() > 1) set_rng.restore(c.at("sets.rng"));
  const TrainPosition p = position_of(c.at("position"));
  epoch = p.epoch;
  step = p.step;
  global_step = p.global_step;
  clipped = p.clipped;
  updates = p.updates;
  macs_before = p.macs_before;
  runner.totals = {};
  runner.totals.paths = p.paths;
  runner.totals.path_images = p.path_images;
  runner.totals.macs = p.macs;
  StrategyState state;
  state.tensors = c.with_prefix("strategy/");
  for (const auto& [key, value] : c.text)
    if (key.starts_with("strategy/")) state.text[key.substr(9)] = value;
  strategy.load(state);
  const auto trainer = c.with_prefix("trainer/");
  if (const auto it = trainer.find("loss"); it != trainer.end()) {
    runner.totals.loss = it->second.to(device);
    runner.totals.correct = trainer.at("correct").to(device);
  }
  order.clear();
  if (const auto it = trainer.find("order"); it != trainer.end()) {
    const auto* p = it->second.data_ptr<int64_t>();
    order.assign(p, p + it->second.numel());
  }
  distinct.clear();
  if (const auto it = trainer.find("distinct"); it != trainer.end()) {
    const auto* p = it->second.data_ptr<int64_t>();
    for (int64_t i = 0; i < it->second.numel(); ++i) distinct.insert(static_cast<uint64_t>(p[i]));
  }
}

Trainer::Trainer(const Space& space,
                 WeightStore& store,
                 Strategy& strategy,
                 const RunData& data,
                 const TrainOptions& options,
                 const EvaluateOptions& evaluate,
                 uint64_t seed,
                 c10::Device device,
                 std::string folder,
                 RunIdentity identity,
                 TrainHooks hooks)
    : s_(std::make_unique<State>(
          space, store, strategy, data, options, evaluate, seed, device, std::move(folder))) {
  s_->identity = std::move(identity);
  s_->hooks = std::move(hooks);
  if (s_->steps_per_epoch() == 0)
    throw ConfigError("the training split has " + std::to_string(data.splits.train.size()) +
                          " images, fewer than one batch of " + std::to_string(options.batch),
                      "lower train.batch or set train.drop_last to false");
}

Trainer::~Trainer() = default;

void Trainer::resume(const std::string& path) {
  resume(read_checkpoint(path), path);
}

void Trainer::resume(const Checkpoint& checkpoint, const std::string& path) {
  const auto unfit = [&](const std::string& what) {
    return DataError(path + ": cannot be resumed by this version of nas: " + what);
  };
  try {
    s_->load(checkpoint, path);
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

void Trainer::run() {
  while (s_->epoch < s_->options.epochs) s_->run_epoch();
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
    s.mean_loss();
    if (i == 0) start = Clock::now();
    timing.steps = i;
  }
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
