// nas split: which options of a choice pull the weights of a trained supernet apart (gradient
// matching), and a few-shot run that begins from it.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "cli/config/train_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/training/split_report.hpp"
#include "cli/report/training/tree_report.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/trained/run_data.hpp"
#include "cli/runs/trained/stand_alone.hpp"
#include "cli/runs/trained/train_session.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "spaces/base/stop.hpp"
#include "supernet/train/split/few_shot_schedule.hpp"
#include "supernet/train/train_position.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct SplitArguments {
  Common common;
  std::string run = "last", weights, edge, name;
  std::string metric = "cos", params = "others", objective = "within";
  std::vector<std::string> choices;
  std::string choices_option = "--choices";  ///< Where they were typed.
  int64_t batches = 100, epochs = 0;
  int groups = 2, min_group = 0;
  bool hold_largest = true, exact = false, matrices = false, apply = false;
};

/// `weights:` of the run that --apply makes: the one source of what is scored here and there.
Json section(const SplitArguments& o, const std::string& edge, int64_t epochs) {
  Json split{{"epochs", {epochs}},
             {"groups", {o.groups}},
             {"criterion", "gradient"},
             {"edge", edge},
             {"score",
              {{"batches", o.batches},
               {"metric", o.metric},
               {"params", o.params},
               {"objective", o.objective},
               {"hold_largest", o.hold_largest},
               {"min_group", o.min_group},
               {"exact", o.exact}}}};
  if (edge == "fixed")
    split["choices"] = o.choices;
  else if (!o.choices.empty())
    split["candidates"] = o.choices;
  return {{"kind", "few-shot"}, {"split", split}, {"restart", "none"}};
}

/// For the option parser: "" or what is wrong with --edge.
std::string edge_problem(const std::string& text) {
  const std::vector<std::string> rules = {"max_cut", "mean_cut", "min_within", "random", "fixed"};
  const std::string rule = text.substr(0, text.find(':'));
  const bool known = std::find(rules.begin(), rules.end(), rule) != rules.end();
  if (known && (text == rule || (rule == "fixed" && text.size() > 6))) return "";
  return "expected max_cut, mean_cut, min_within, random or fixed:CHOICE, got '" + text + "'";
}

FewShotOptions::Split split_options(const Json& section) {
  YamlSource source;
  source.text = section["split"].dump();
  source.file = "nas split";
  return read_yaml_as<FewShotOptions::Split>(source);
}

class Split {
 public:
  Split(const SplitArguments& o, Store& store) : o_(o), store_(store) {}

  int run() {
    run_ = open_supernet_run(store_, o_.run, o_.common);
    require_supernet(run_, "split");
    choose_set();
    if (o_.apply) check_apply();
    find_tree();
    const std::vector<size_t> choices = candidates();
    const Json weights = section(o_, edge(choices), epochs_);
    SplitReport report(space());
    report.run = run_.row.id;
    report.options = split_options(weights);
    report.own_edge = o_.edge.empty() && report.options.edge != EdgeRule::kMaxCut;
    score(choices, report);
    if (o_.apply) apply(weights, report);
    print_report(report);
    if (!report.found.scoring.key.empty())
      remove_kept_scores(run_.row.directory, report.found.scoring.key);
    return kExitOk;
  }

 private:
  const Space& space() const { return *run_.parts->space; }

  void choose_set() {
    WeightStore& weights = *run_.weights;
    const std::vector<int> live = weights.live_sets();
    std::string known;
    for (const int k : live) {
      const std::string name = weights.set_name(k);
      known += (known.empty() ? "" : ", ") + std::to_string(k) +
               (name.empty() || name == std::to_string(k) ? "" : " (" + name + ")");
      if (o_.weights == std::to_string(k) || (!name.empty() && o_.weights == name)) {
        set_ = k;
        return;
      }
    }
    if (!o_.weights.empty())
      throw ConfigError("run " + run_.row.id + " has no weight set '" + o_.weights + "'",
                        "it has: " + known);
    if (live.size() > 1)
      throw ConfigError("run " + run_.row.id + " has " + std::to_string(live.size()) +
                            " weight sets: which one is meant?",
                        "say --weights N, of: " + known);
    set_ = live.at(0);
  }

  /// Everything that --apply may stumble over, before the scoring is paid for.
  void check_apply() {
    const TrainConfig& c = run_.parts->config;
    if (run_.weights->sets() != 1)
      throw ConfigError("--apply splits runs of one weight set, run " + run_.row.id + " has " +
                            std::to_string(run_.weights->live_sets().size()) +
                            " (weights: " + weights_kind(c.weights) + ")",
                        "deeper trees are configured before training: weights.split.epochs");
    if (o_.epochs <= 0)
      throw ConfigError("--apply needs --epochs N: how long each leaf is trained");
    if (!c.train.fix.empty())
      throw ConfigError("run " + run_.row.id +
                            " trained a part of its space (train.fix), few-shot weights divide the "
                            "whole one",
                        "train a supernet of the whole space first");
    if (store_.read_only())
      throw DataError(store_.path() + " is read-only, so no run can be made in it");
    tell_taken_name(store_, o_.name);
    old_ = open_checkpoint(run_.checkpoint);
    epochs_ = epochs_behind(*old_);
  }

  void find_tree() {
    if (const SplitTree* tree = split_tree_of(*run_.weights)) {
      tree_ = std::make_unique<SplitTree>(*tree);
      node_ = tree_node_of(*run_.weights, set_);
      return;
    }
    tree_ = std::make_unique<SplitTree>(space());
    tree_->node(0).within = trained_part(space(), run_.parts->config.train);
  }

  std::vector<size_t> candidates() const {
    PartitionOptions partition;
    partition.groups = o_.groups;
    partition.min_group = o_.min_group;
    const std::vector<size_t> found =
        split_candidates(*tree_, node_, space(), partition, o_.choices);
    for (const std::string& name : o_.choices) {
      const size_t c = choice_named(space(), name, o_.choices_option);
      if (std::find(found.begin(), found.end(), c) == found.end()) refuse(c);
    }
    const std::string into = std::to_string(o_.groups) + " groups";
    if (found.empty())
      throw ConfigError(
          "no choice of this supernet can be divided into " + into +
              (o_.min_group > 1 ? " of at least " + std::to_string(o_.min_group) + " options" : ""),
          o_.min_group > 1 ? "lower --min-group; `nas space show` lists choices and options"
                           : "ask for fewer --groups; `nas space show` lists choices and options");
    return found;
  }

  [[noreturn]] void refuse(size_t c) const {
    const Choice& choice = space().choices()[c];
    const std::string name = o_.choices_option + ": '" + choice.name + "' ";
    const std::vector<size_t> whole = tree_->splittable(node_, 1, 1, /*conditional=*/true);
    if (std::find(whole.begin(), whole.end(), c) == whole.end())
      throw ConfigError(name +
                            "has not all of its options here: it was split before, or only a "
                            "part of it was trained",
                        "name another choice");
    throw ConfigError(name + "has " + std::to_string(choice.options.size()) +
                          " options, too few for " + std::to_string(o_.groups) + " groups" +
                          (o_.min_group > 1 ? " of " + std::to_string(o_.min_group) : ""),
                      "lower --groups or --min-group");
  }

  std::string edge(const std::vector<size_t>& choices) const {
    const bool equal = equal_option_counts(space(), choices);
    if (o_.edge.empty()) return equal ? "max_cut" : "mean_cut";
    if (o_.edge == "fixed" && o_.choices.size() != 1)
      throw ConfigError("--edge fixed takes the choice that --choices names, and that must be one");
    if (!equal && (o_.edge == "max_cut" || o_.edge == "min_within"))
      throw ConfigError("--edge " + o_.edge +
                            " compares sums of distances, but these choices have different numbers "
                            "of options",
                        "leave it out (mean_cut is taken then), or name --choices of equal size");
    return o_.edge;
  }

  void score(const std::vector<size_t>& choices, SplitReport& report) {
    const RunParts& p = *run_.parts;
    report.set = set_;
    if (run_.weights->sets() > 1) report.weights = run_.weights->set_name(set_);
    report.training = compute_of(store_, run_.row.id);
    report.epochs = o_.epochs;
    const std::shared_ptr<WeightSet> set = run_.weights->open(set_);
    report.parameters = count_weights(*set).parameters;
    const Domain within(space(), tree_->node(node_).within);
    int64_t passes = 0;
    for (const size_t c : choices)
      passes += report.options.score.batches * static_cast<int64_t>(within.option_count(c));
    note(o_.common,
         std::to_string(choices.size()) + " choices, " + std::to_string(passes) +
             " forward-backward passes of one batch" +
             (report.training.passes > 0
                  ? " (the training took " + format_number(report.training.passes, 9) + ")"
                  : ""));
    Progress progress(o_.common,
                      "compare gradients",
                      report.options.score.batches * static_cast<int64_t>(choices.size()));
    const ScoringSetup setup{space(),
                             p.data(),
                             p.config.train,
                             p.device,
                             p.config.seed,
                             "split/" + std::to_string(node_),
                             [] { return stop_requested(); },
                             [&](int64_t done, int64_t) { progress.update(done, "batch"); },
                             kept_in()};
    ScoreOptions options = report.options.score;
    options.partition.groups = o_.groups;
    Rng rng(p.config.seed, setup.stream);
    const Clock::time_point start = Clock::now();
    try {
      report.found = find_split(
          setup, *set, within, choices, options, report.options.edge, choices.front(), rng);
    } catch (const Interrupted& e) {
      const bool kept = std::string(e.what()).ends_with("kept");
      throw Interrupted(std::string(e.what()) + (kept ? ": the same command goes on" : ""));
    }
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }

  /// Of a folder that is another store's, or cannot be written, nothing is changed.
  KeepScores kept_in() const {
    if (store_.read_only() || !store_.owns(run_.row)) return {};
    return {run_.row.directory,
            config_hash_of(run_.row.config_yaml) + " " + run_.parts->splits.hash,
            [](const std::string& text) { warning(text); }};
  }

  /// A run whose root is this supernet, ready to be gone on with.
  void apply(const Json& weights, SplitReport& report) {
    throw_if_stopped("scoring; no run was made");
    const auto changed = [&](TrainConfig config) {
      config.train.epochs = epochs_ + o_.epochs;
      config.train.init.clear();  // The root is in the first checkpoint.
      config.train.budget = {};   // The epochs of a tree are known before it begins.
      config.weights = {};
      config.weights.yaml = weights.dump();
      return config;
    };
    // What is stored is free of what this command's --set and the place of files change.
    TrainConfig stored = changed(stored_train_config(run_.row));
    RunRow row = run_.row;
    row.id = new_run_id("train");
    row.name = o_.name;
    row.status = "running";
    row.config_yaml = resolved_yaml(stored);
    row.directory = store_.folder_of(row.id);
    row.parent = run_.row.id;
    row.fingerprint = space().fingerprint();
    row.error = row.started = row.ended = row.host = row.heartbeat = "";
    row.pid = row.pid_start = 0;
    row.versions_json = versions_json(*run_.parts);
    const SavesOnStop saves;
    TrainHooks hooks;
    hooks.on_checkpoint =
        [&](const std::string& path, const std::string& sha256, int64_t epoch, int64_t step) {
          store_.add_checkpoint({row.id, path, sha256, epoch, step, utc_now()});
        };
    const Contents contents = contents_of(*run_.parts->dataset, run_.parts->splits);
    Session session = make_session(changed(run_.parts->config),
                                   row.directory,
                                   config_hash_of(row.config_yaml),
                                   std::move(hooks),
                                   /*initialise=*/false);
    const RunLock lock(row.directory, row.id);
    record_owner(store_, row);
    keep_space_file(session.parts->config.space, row.directory);
    store_.add_run(row);
    try {
      record_data(store_, row.id, *session.parts, contents);
      session.trainer->adopt(*old_, run_.checkpoint);
      keep_metrics(row.id, session.epochs());
      store_.set_document(row.id, kSplitTree, split_tree_of(*session.weights.store)->json());
      store_.set_run_status(row.id, "interrupted");
    } catch (const std::exception& e) {
      record_failure(store_, row.id, e);
      throw;
    }
    report.applied = row.id;
  }

  /// The root's epochs are epochs of the new run.
  void keep_metrics(const std::string& run, int64_t epochs) {
    std::vector<MetricRow> rows;
    for (const MetricRow& row : store_.metrics(run_.row.id))
      if (row.step <= epochs_) rows.push_back(row);
    if (!rows.empty()) rows.push_back({epochs_, "split.epochs", static_cast<double>(epochs)});
    store_.add_metrics(run, rows);
  }

  void print_report(const SplitReport& report) const {
    if (o_.common.json)
      print(json_text(split_json(report)));
    else
      print(split_text(report, o_.matrices));
    constexpr double kMuch = 0.5;
    if (report.share() > kMuch)
      warning("the scoring cost more than half of what the training did (" +
              format_number(100 * report.share(), 3) +
              " % of its multiply-adds): fewer --batches, or fewer --choices, may do");
    if (o_.common.json) return;
    if (!report.applied.empty())
      print_prose("run " + report.applied + " begins with these weights at epoch " +
                  std::to_string(epochs_) +
                  "\nnext: " + suggested({"train", "--resume", report.applied}, o_.common));
  }

  const SplitArguments& o_;
  Store& store_;
  SupernetRun run_;
  int set_ = 0, node_ = 0;
  std::unique_ptr<SplitTree> tree_;
  std::shared_ptr<const Checkpoint> old_;  ///< --apply: what the root takes over.
  int64_t epochs_ = 0;                     ///< Of it.
};

void add_options(CLI::App& app, SplitArguments& o) {
  app.add_option("--run", o.run, "Training run, trained or imported: id, name or last")
      ->capture_default_str();
  app.add_option("--weights",
                 o.weights,
                 "Which of several weight sets: its number or name (a leaf of a tree, a model of a "
                 "mixture)");
  app.add_option("--choices", o.choices, "Only these choices, by name (default: all that can be)")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--batches", o.batches, "Batches that gradients are compared on")
      ->check(CLI::Range(int64_t{2}, int64_t{1000000}))
      ->capture_default_str();
  app.add_option("--groups", o.groups, "Groups of options that a choice is divided into")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app.add_option(
         "--edge",
         o.edge,
         "Which choice is split: max_cut, mean_cut, min_within, random, fixed:CHOICE (default: "
         "max_cut, or mean_cut where choices have different numbers of options)")
      ->check(CLI::Validator(edge_problem, "RULE", "edge"));
  app.add_flag("--hold-largest,!--draw-sizes",
               o.hold_largest,
               "Where kernel sizes are compared, depths and expansions stand at their largest "
               "(default), or are drawn like the rest");
  app.add_option("--metric", o.metric, "Distance of gradients: cos, mse or per-filter-cos")
      ->check(CLI::IsMember({"cos", "mse", "per-filter-cos"}))
      ->capture_default_str();
  app.add_option("--params",
                 o.params,
                 "Weights compared: others (of the other choices), or others+shared (stem and "
                 "classifier too)")
      ->check(CLI::IsMember({"others", "others+shared"}))
      ->capture_default_str();
  app.add_option(
         "--objective", o.objective, "What groups minimise: within, similarity_cut or mean_within")
      ->check(CLI::IsMember({"within", "similarity_cut", "mean_within"}))
      ->capture_default_str();
  app.add_option(
         "--min-group",
         o.min_group,
         "SplitArguments that each group has at least; 0: 2, or 1 where a choice has too few")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_flag("--exact", o.exact, "Groups whose sizes differ by at most one");
  app.add_flag("--matrices", o.matrices, "Print the distance matrices too");
  auto* apply = app.add_flag(
      "--apply", o.apply, "Make a few-shot run that begins with these weights and splits them");
  app.add_option("--epochs", o.epochs, "--apply: epochs of each leaf")->check(positive_number());
  app.add_option("--name", o.name, "--apply: a name to find the new run by")->needs(apply);
}

}  // namespace

int run_split(const std::vector<std::string>& args) {
  SplitArguments o;
  CLI::App app("Which options of a trained supernet want weights of their own", "nas split");
  app.footer(
      "nas split --run digits\n"
      "nas split --run digits --batches 16 --choices stage1.layer1,stage2.layer1 --matrices\n"
      "nas split --run digits --apply --epochs 10 --name leaves\n"
      "nas split --run few-shot --weights 3 --json");
  add_options(app, o);
  add_common(app, o.common, kTakesDb | kTakesSets);
  if (!parse(app, args)) return kExitOk;
  if (const std::string mark = "fixed:"; o.edge.starts_with(mark)) {
    if (!o.choices.empty())
      throw ConfigError("--edge " + o.edge + " names the choice, and so does --choices",
                        "leave one of them out");
    o.choices_option = "--edge " + o.edge;
    o.choices = {o.edge.substr(mark.size())};
    o.edge = "fixed";
  }
  o.name = checked_name(o.name);
  run_sets(o.common.sets);
  Store store(o.common.db, o.apply ? Store::Mode::kExisting : Store::Mode::kRead);
  return Split(o, store).run();
}

}  // namespace nas::cli
