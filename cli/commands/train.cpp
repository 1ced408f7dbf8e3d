// nas train: a supernet from a configuration file, or the rest of an interrupted run.

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/config/train_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/events/run_events.hpp"
#include "cli/report/training/association.hpp"
#include "cli/report/training/draws.hpp"
#include "cli/report/training/dry_run.hpp"
#include "cli/report/training/train_report.hpp"
#include "cli/report/training/tree_report.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/runs/trained/retrain.hpp"
#include "cli/runs/trained/run_data.hpp"
#include "cli/runs/trained/stand_alone.hpp"
#include "cli/runs/trained/train_session.hpp"
#include "cli/runs/trained/try_out.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/whole_file.hpp"
#include "supernet/train/split/few_shot.hpp"
#include "supernet/weights/math/association_document.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct TrainArguments {
  Common common;
  std::string resume, name, strategy, tensorboard;
  RetrainOptions retrain;
  bool dry_run = false;
};

/// `recipe`: filled in where one network is trained alone.
TrainConfig read_config(const TrainArguments& o, std::optional<Recipe>& recipe) {
  check_retrain(o.retrain, o.common, o.strategy);
  if (o.retrain.given()) {
    Retraining alone = retraining_of(o.retrain, o.common);
    recipe = std::move(alone.recipe);
    settle(alone.config);
    return std::move(alone.config);
  }
  if (o.common.config.empty() && o.common.sets.empty())
    throw ConfigError("nas train needs --config FILE (or --resume RUN)",
                      "try --config quickstart/train (nas list configs names more)");
  std::vector<std::string> sets = o.common.sets;
  if (!o.strategy.empty()) {
    // A mapping keeps its options only when they are of the same strategy.
    const auto section = yaml_section(yaml_file(o.common.config, sets), "strategy");
    const std::string name =
        !section ? "" : yaml_scalar(*section).value_or(yaml_scalar(*section, "name").value_or(""));
    if (name != o.strategy) sets.push_back("strategy=" + o.strategy);
  }
  TrainConfig config = read_train_config(yaml_file(o.common.config, sets));
  if (o.common.seed_given) config.seed = o.common.seed;
  // A run is gone on with, judged and exported from any folder.
  const bool typed = std::any_of(sets.begin(), sets.end(), [](const std::string& set) {
    return set.starts_with("data.path=") || set.starts_with("data=");
  });
  config.data.path = absolute_place(config.data.path, typed ? "" : o.common.config);
  config.train.init = absolute_place(config.train.init, o.common.config);
  if (!config.train.init.empty() && !unreadable(config.train.init).empty())
    throw ConfigError("train.init: " + unreadable(config.train.init));
  config.space = absolute_space(config.space);
  settle(config);
  return config;
}

int dry_run(const TrainArguments& o) {
  std::optional<Recipe> recipe;
  TrainConfig config = read_config(o, recipe);
  resolved_yaml(config);
  const DryRun d = try_out(std::move(config), o.common);
  print(o.common.json ? dry_run_json(d) : dry_run_text(d));
  return kExitOk;
}

/// Hooks that write to the store and draw progress.
class Recorder {
 public:
  Recorder(Store& store, const Common& common, std::string run, int64_t epochs)
      : store_(store), common_(common), run_(std::move(run)), epochs_(epochs) {}

  TrainHooks hooks() {
    TrainHooks h;
    h.stop = [] { return stop_requested(); };
    h.on_step = [this](int64_t done, int64_t total, double loss) { step(done, total, loss); };
    h.on_epoch = [this](const EpochReport& report) { epoch(report); };
    h.on_scoring = [this](int64_t done, int64_t all) { score(done, all); };
    h.on_warning = [](const std::string& text) { warning(text); };
    h.on_checkpoint =
        [this](const std::string& path, const std::string& sha256, int64_t epoch, int64_t step) {
          store_.add_checkpoint({run_, path, sha256, epoch, step, utc_now()});
          keep_learnt();
        };
    return h;
  }
  /// Of the whole run, once the weights are known.
  void begin(const Session& session) {
    epochs_ = session.epochs();
    tree_ = split_tree_of(*session.weights.store);
    mixtures_ = dynamic_cast<const HoldsMixtures*>(session.weights.store.get());
    trainer_ = session.trainer.get();
  }
  /// Everything also for TensorBoard, what is stored already first.
  void mirror(const std::string& folder) {
    if (!folder.empty()) events_ = std::make_unique<RunEvents>(store_, *store_.run(run_), folder);
  }
  /// Stores the split tree, the association of mixtures and how often each option was trained,
  /// where there are such and they have changed.
  void keep_learnt() {
    if (tree_ != nullptr) keep(kSplitTree, tree_->json());
    if (mixtures_ != nullptr) keep(kAssociation, association_document(*mixtures_));
    if (trainer_ != nullptr) keep(kDraws, trainer_->draws_json());
  }
  const std::vector<std::pair<std::string, double>>& last() const { return last_; }

 private:
  void keep(const char* kind, std::string json) {
    std::string& kept = kept_[kind];
    if (json.empty() || json == kept) return;
    store_.set_document(run_, kind, json);
    kept = std::move(json);
  }

  void step(int64_t done, int64_t total, double loss) {
    if (!progress_) progress_ = std::make_unique<Progress>(common_, "train", total);
    done_ = done;
    progress_->update(done, "loss " + format_number(loss));
    constexpr auto kBeat = std::chrono::seconds(20);
    if (Clock::now() - beat_ < kBeat) return;
    beat_ = Clock::now();
    store_.heartbeat(run_);
  }

  void score(int64_t done, int64_t all) {
    if (!scoring_) scoring_ = std::make_unique<Progress>(common_, "compare gradients", all);
    scoring_->update(done, "batch");
    if (done == all) scoring_.reset();
    constexpr auto kBeat = std::chrono::seconds(20);
    if (Clock::now() - beat_ < kBeat) return;
    beat_ = Clock::now();
    store_.heartbeat(run_);
  }

  void epoch(const EpochReport& report) {
    std::vector<MetricRow> rows;
    std::string detail = "epoch " + std::to_string(report.epoch) + "/" + std::to_string(epochs_);
    for (const auto& [name, value] : report.metrics) {
      rows.push_back({report.epoch, name, value});
      if (name == "train.loss") detail += "  loss " + format_number(value);
      if (name == "train.accuracy") detail += "  accuracy " + format_number(value);
      if (name == "validation.accuracy.mean" || name == "validation.accuracy")
        detail += "  validation " + format_number(value);
      if (name == "time.images_per_second") detail += "  " + format_number(value, 3) + " images/s";
    }
    rows.push_back({report.epoch, kEpochEnded, unix_seconds()});
    store_.add_metrics(run_, rows);
    if (events_) events_->add(report.epoch, rows);
    last_ = report.metrics;
    if (progress_) progress_->update(done_, detail, /*milestone=*/true);
  }

  Store& store_;
  const Common& common_;
  std::string run_;
  int64_t epochs_;
  const SplitTree* tree_ = nullptr;
  const HoldsMixtures* mixtures_ = nullptr;
  const Trainer* trainer_ = nullptr;
  std::map<std::string, std::string> kept_;  ///< Documents by kind, as they were stored last.
  int64_t done_ = 0;
  std::unique_ptr<Progress> progress_, scoring_;
  std::unique_ptr<RunEvents> events_;
  Clock::time_point beat_ = Clock::now();
  std::vector<std::pair<std::string, double>> last_;
};

void print_summary(const TrainArguments& o,
                   const Store& store,
                   const RunRow& row,
                   const Session& s,
                   const Recorder& recorder,
                   double seconds) {
  TrainReport report{row,
                     s.strategy->name(),
                     s.trainer->epochs_done(),
                     recorder.last(),
                     health_of(s),
                     s.trainer->last_checkpoint(),
                     weights_sha256(*s.weights.store),
                     seconds,
                     !o.resume.empty(),
                     compute_of(store, row.id),
                     ""};
  if (const auto own = stand_alone(*s.parts)) report.only_arch = s.parts->space->text(*own);
  if (o.common.json) return print(train_report_json(report));
  print(train_report_text(report));
  Common next = o.common;
  if (o.resume.empty()) next.sets.clear();  // A new run keeps where its data lie.
  print_prose(train_next(report, next));
}

/// The row of a run that is to go on, and its configuration.
TrainConfig resumed_config(const TrainArguments& o, const Store& store, RunRow& row) {
  const std::vector<std::string> others = other_sets(o.common.sets);
  const bool kept = std::all_of(others.begin(), others.end(), [](const std::string& set) {
    return set.starts_with("threads=");
  });
  if (!o.common.config.empty() || !kept || !o.strategy.empty() || o.common.seed_given ||
      o.retrain.given())
    throw ConfigError("a resumed run keeps its configuration",
                      "leave out --config, --set, --strategy, --seed, --from-scratch and --inherit "
                      "(but for --set "
                      "data.path=FOLDER, where its data lie now, and --set threads=N)");
  const auto found = store.run(o.resume, "train");
  if (!found)
    throw ConfigError("there is no training run '" + o.resume + "' in " + store.path(),
                      runs_are_listed(store.path()));
  row = *found;
  return config_of_run(store, row, o.common);
}

/// Weights that a new run begins with, copied into its folder; gone again where no run comes of it.
class Inherited {
 public:
  Inherited(const std::string& folder, const Common& common, Recipe& recipe) : folder_(folder) {
    make_folders(folder);
    try {
      write_inherited(path_in(folder), common, recipe);
    } catch (...) {
      discard();
      throw;
    }
  }
  ~Inherited() {
    if (!kept_) discard();
  }
  Inherited(const Inherited&) = delete;
  Inherited& operator=(const Inherited&) = delete;
  void keep() { kept_ = true; }
  static std::string path_in(const std::string& folder) {
    return folder + "/inherited.safetensors";
  }

 private:
  void discard() const {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string folder_;
  bool kept_ = false;
};

RunRow new_row(const TrainArguments& o,
               const Store& store,
               TrainConfig& config,
               const std::optional<Recipe>& recipe) {
  RunRow row;
  row.id = new_run_id("train");
  row.command = "train";
  row.name = o.name;
  row.status = "running";
  row.directory = store.folder_of(row.id);
  if (recipe && !recipe->inherited.empty()) config.train.init = Inherited::path_in(row.directory);
  row.config_yaml = resolved_yaml(config);
  row.space_yaml = config.space.yaml;
  row.seed = config.seed;
  return row;
}

void record_new(const TrainArguments& o,
                Store& store,
                RunRow& row,
                const Session& s,
                const std::optional<Recipe>& recipe) {
  const Contents contents = contents_of(*s.parts->dataset, s.parts->splits);
  row.space = s.parts->space->name();
  row.fingerprint = s.parts->space->fingerprint();
  row.versions_json = versions_json(*s.parts);
  keep_space_file(s.parts->config.space, row.directory);
  store.add_run(row);
  record_data(store, row.id, *s.parts, contents);
  if (recipe) {
    keep_recipe(store, row.id, *recipe);
    write_whole_file(row.directory + "/recipe.yaml", recipe_file(*recipe, row.config_yaml));
    note(o.common,
         "one network alone: " + recipe->architecture +
             (recipe->search.empty() ? "" : " of search " + recipe->search) +
             (recipe->inherited.empty() ? ", from new weights"
                                        : ", from the weights of run " + recipe->inherited));
  }
  note(o.common, "run " + row.id + ": " + row.space + ", " + s.parts->dataset->describe());
  const TrainOptions& train = s.parts->config.train;
  note(o.common,
       "on " + device_text(train, s.parts->device, s.parts->threads) + "; " +
           layout_name(train.memory_format));
  tell_data(*s.parts, contents, o.common);
}

/// Other threads round differently, unless batches are cut in parts: told, and kept with the run.
void record_threads(Store& store, const RunRow& row, const RunParts& parts) {
  Json now = Json::parse(versions_json(parts));
  const Json before = Json::parse(row.versions_json, nullptr, false);
  const bool same_bits = parts.config.train.shards.value_or(0) > 0 && parts.device.is_cpu();
  if (before.is_object() && before.contains("threads") && before["threads"] != now["threads"] &&
      !same_bits) {
    warning("this run was trained with " + before["threads"].dump() + " threads and goes on with " +
            now["threads"].dump() +
            ": its numbers will differ in the last bits from those of a run that was never "
            "interrupted (train.shards makes results the same for any number of threads)");
    now["threads_before"] = before.value("threads_before", Json::array());
    now["threads_before"].push_back(before["threads"]);
  } else if (before.is_object() && before.contains("threads_before")) {
    now["threads_before"] = before["threads_before"];
  }
  store.set_run_versions(row.id, json_line(now));
}

/// Loads the newest checkpoint that is whole; what is damaged is told and put aside.
void go_on(const TrainArguments& o, Store& store, const RunRow& row, Session& s) {
  require_same_data(store, row.id, *s.parts);
  ReadCheckpoint read = newest_checkpoint(store, row, o.common);
  if (read.path.empty() && !store.checkpoints(row.id).empty())
    refuse_without_checkpoint(store, row, o.common);
  if (!read.path.empty()) {
    tell_damaged(store, row.id, read);
    s.trainer->resume(*read.checkpoint, read.path);
    for (const auto& [path, why] : read.damaged) {
      std::error_code ignored;
      std::filesystem::rename(path, path + ".damaged", ignored);
    }
    store.forget_checkpoints_after(row.id, s.trainer->steps_done());
  }
  store.truncate_metrics(row.id, s.trainer->epochs_done() + 1);
  record_threads(store, row, *s.parts);
  note(o.common,
       "run " + row.id + ": resumed after epoch " + std::to_string(s.trainer->epochs_done()) +
           (read.path.empty() ? " (no checkpoint yet)" : ""));
}

std::string resuming(const TrainArguments& o, const RunRow& row) {
  std::vector<std::string> words = {"train", "--resume", row.id};
  if (!o.tensorboard.empty()) words.insert(words.end(), {"--tensorboard", o.tensorboard});
  return suggested(words, o.common);
}

/// Before the long work; the folder is made.
void require_writable(const std::string& folder) {
  if (folder.empty()) return;
  make_folders(folder);
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw DataError(folder + ": cannot be written: " + write_failure(errno));
}

int train(const TrainArguments& o) {
  TrainConfig config;
  std::optional<Recipe> recipe;
  // Before the store is made: a mistyped configuration leaves nothing behind.
  if (o.resume.empty()) config = read_config(o, recipe);
  require_writable(o.tensorboard);
  Store store(o.common.db);
  if (o.resume.empty()) tell_taken_name(store, o.name);
  RunRow row;
  std::unique_ptr<RunLock> lock;
  const bool resumes = !o.resume.empty();
  if (resumes) {
    config = resumed_config(o, store, row);
    // A lock would make the folder anew, and be in the way of the one that is put back.
    if (!std::filesystem::exists(row.directory) && !store.checkpoints(row.id).empty())
      refuse_without_checkpoint(store, row, o.common);
    lock = take_run(store, row);
  } else {
    row = new_row(o, store, config, recipe);
  }
  std::unique_ptr<Inherited> inherited;
  if (recipe && !recipe->inherited.empty())
    inherited = std::make_unique<Inherited>(row.directory, o.common, *recipe);
  const Clock::time_point start = Clock::now();
  Recorder recorder(store, o.common, row.id, config.train.epochs);
  bool recorded = false;  // What this process did is the run's.
  try {
    const std::string config_hash = config_hash_of(row.config_yaml);
    // A run that has a checkpoint no longer needs the weights that it began with.
    const bool begins = checkpoints_in(row.directory).empty();
    Session s = make_session(config, row.directory, config_hash, recorder.hooks(), begins);
    recorder.begin(s);
    if (resumes) {
      go_on(o, store, row, s);
    } else {
      lock = std::make_unique<RunLock>(row.directory, row.id);
      record_owner(store, row);
      record_new(o, store, row, s, recipe);
    }
    recorded = true;
    if (inherited) inherited->keep();
    keep_provenance(store, row);  // What it began with may be changed while it trains.
    recorder.mirror(o.tensorboard);
    recorder.keep_learnt();
    set_error_log(row.directory + "/error.log");
    // The trainer asks for a stop between steps and saves before it ends.
    const DefersStop saves;
    s.trainer->run();
    recorder.keep_learnt();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const Json document{{"weights_sha256", weights_sha256(*s.weights.store)},
                        {"health", health_of(s)}};
    store.set_document(row.id, "train", json_line(document));
    keep_provenance(store, row);
    store.finish_run(row.id, "finished");
    print_summary(o, store, row, s, recorder, seconds);
  } catch (const Interrupted& e) {
    if (!recorded && resumes) store.give_back_run(row);
    if (!recorded) throw;
    store.set_run_status(row.id, "interrupted");
    throw Interrupted(std::string(e.what()) + "; saved. Resume with: " + resuming(o, row));
  } catch (const std::exception& e) {
    // What could not even be opened is as it was.
    if (recorded)
      record_failure(store, row.id, e);
    else if (resumes)
      store.give_back_run(row);
    // A full disk, a folder that is gone: what was saved before is worth going on from.
    if (recorded && dynamic_cast<const DataError*>(&e) != nullptr &&
        !store.checkpoints(row.id).empty())
      throw DataError(
          std::string(e.what()) +
          "\n  The checkpoints before it are there. When the cause is gone: " + resuming(o, row));
    throw;
  }
  return kExitOk;
}

}  // namespace

int run_train(const std::vector<std::string>& args) {
  TrainArguments o;
  CLI::App app("Train a weight-sharing supernet", "nas train");
  app.footer(
      "nas train --config quickstart/train --name digits\n"
      "nas train --config quickstart/train --set train.epochs=5 --strategy uniform\n"
      "nas train --config quickstart/train --tensorboard events\n"
      "nas train --config quickstart/train --dry-run\n"
      "nas train --resume last\n"
      "nas train --from-scratch best --run digits-search --name winner\n"
      "nas train --from-scratch ARCHITECTURE --config cifar10/train --set train.epochs=200\n"
      "nas train --inherit digits-search --set train.optimizer.lr=0.01 --name tuned");
  app.add_option("--resume", o.resume, "Go on with an interrupted run: id, name or last");
  app.add_option("--name", o.name, "A name to find the run by");
  app.add_option("--tensorboard",
                 o.tensorboard,
                 "Also write event files for TensorBoard below this folder; with --resume those of "
                 "the run are made whole")
      ->type_name("DIR");
  app.add_option("--strategy", o.strategy, "Training strategy (overrides `strategy:`)");
  auto* scratch = app.add_option("--from-scratch",
                                 o.retrain.from_scratch,
                                 "Train this network alone, from new weights: an architecture, or "
                                 "best, knee, an index of the front of --run")
                      ->type_name("ARCH");
  app.add_option("--run",
                 o.retrain.run,
                 "For --from-scratch: the search, or the training with one; without --config its "
                 "configuration is taken");
  app.add_option("--inherit",
                 o.retrain.inherit,
                 "Train one network alone from the weights of this run (or of the supernet of this "
                 "search)")
      ->excludes(scratch);
  app.add_option("--arch", o.retrain.architecture, "For --inherit: which network")
      ->type_name("ARCH");
  app.add_option("--pick",
                 o.retrain.pick,
                 "For --inherit without --arch: best (default), knee or an index of the front");
  app.add_flag("--dry-run",
               o.dry_run,
               "Check everything, run a few steps, print size, memory and time; writes nothing");
  add_common(app, o.common, kTakesDb | kTakesConfig | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  o.name = checked_name(o.name);
  return o.dry_run ? dry_run(o) : train(o);
}

}  // namespace nas::cli
