// nas evaluate: architectures judged inside a trained supernet.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "cli/results/evaluation.hpp"
#include "cli/runs/arch_list.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/pick.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/trained/evaluate_file.hpp"
#include "cli/runs/trained/stand_alone.hpp"
#include "cli/runs/trained/supernet_run.hpp"
#include "cli/validators.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"

namespace nas::cli {
namespace {

struct EvaluateArguments {
  Common common;
  std::string model;  ///< An exported file instead of a run.
  std::string run = "last", split, file, format = "table";
  std::vector<std::string> architectures, fix;
  std::string pick;
  std::string search, weights;  ///< Where the pick comes from, and what judged it there.
  int64_t sample = 0, top = 0;
  bool all = false, no_recalibrate = false;
};

constexpr int64_t kMostForAll = 1000000;

/// The `n` networks that training itself saw do best (balanced_mixture.md 3.6: a large space is
/// ranked by the moving averages, and only the top of that list is judged on the whole split).
std::vector<Architecture> best_seen(
    const SupernetRun& run, const Common& common, const Domain& domain, int64_t n, uint64_t seed) {
  constexpr int kDraws = 100000;
  std::vector<std::pair<double, Architecture>> seen;
  std::unordered_set<Architecture> known;
  int64_t networks = 0;
  const auto look = [&](const Architecture& a) {
    throw_if_stopped();
    if (!known.insert(domain.space().canonical(a)).second) return true;
    ++networks;
    if (const auto accuracy = run.weights->seen_accuracy(a)) seen.emplace_back(*accuracy, a);
    return true;
  };
  const bool all = domain.count() <= kMostForAll;
  if (all) {
    domain.enumerate(look);
  } else {
    Rng rng(seed, "evaluate/top");
    for (int i = 0; i < kDraws; ++i) look(domain.sample(rng));
  }
  if (seen.empty())
    throw ConfigError("--top: in the training of run " + run.row.id +
                          (weights_kind(run.parts->config.weights) == "mixture"
                               ? " no architecture was judged with the model that is its own now"
                               : " no architecture was judged on its own"),
                      "--top takes what a mixture saw (weights: {kind: mixture}) of each "
                      "architecture with its own "
                      "model; use --sample N or --all, or train longer");
  std::stable_sort(
      seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  note(common,
       std::to_string(std::min<size_t>(static_cast<size_t>(n), seen.size())) + " of " +
           std::to_string(networks) + (all ? "" : " drawn") +
           " networks are judged, those with the best moving average of their model in training" +
           (seen.size() < static_cast<size_t>(networks)
                ? "; " + std::to_string(static_cast<size_t>(networks) - seen.size()) +
                      " of the others were never trained with their model"
                : ""));
  std::vector<Architecture> list;
  for (const auto& entry : seen)
    if (static_cast<int64_t>(list.size()) < n) list.push_back(entry.second);
  return list;
}

std::vector<Architecture> chosen(const EvaluateArguments& o,
                                 const SupernetRun& run,
                                 uint64_t seed) {
  const Space& space = *run.parts->space;
  const bool drawn = o.sample > 0 || o.top > 0 || o.all;
  if (drawn) require_supernet(run, "sampled");
  std::vector<Architecture> list = named_architectures(space, o.architectures, o.file);
  if (!o.fix.empty() && !drawn)
    throw ConfigError("--fix says what --sample, --top and --all take, and none was given",
                      "Add --sample N, --top N or --all, or leave out --fix.");
  const Domain domain = fixed_domain(space, with_trained_part(o.fix, run.row));
  constexpr int64_t kMostDrawn = 1'000'000;
  if (o.sample > kMostDrawn)
    throw ConfigError("--sample " + std::to_string(o.sample) + ": at most " +
                          std::to_string(kMostDrawn) + " at once",
                      "--all judges every architecture of a small space.");
  if (o.sample > 0) {
    Rng rng(seed, "evaluate/sample");
    for (int64_t i = 0; i < o.sample; ++i) list.push_back(domain.sample(rng));
  }
  if (o.top > 0)
    for (Architecture& a : best_seen(run, o.common, domain, o.top, seed))
      list.push_back(std::move(a));
  if (o.all) {
    if (domain.count() > kMostForAll)
      throw ConfigError("--all would evaluate " + domain.count().str() + " architectures",
                        "use --sample N");
    domain.enumerate([&](const Architecture& a) {
      list.push_back(a);
      return true;
    });
  }
  if (list.empty()) {
    const auto own = stand_alone(*run.parts);
    throw ConfigError("no architecture was named",
                      own ? "the run has one: --arch " + shell_word(space.text(*own))
                          : "use --arch A, --file F, --sample N, --top N or --all");
  }
  return list;
}

/// What a network is told as, and whether it lost its weights.
struct Judgement {
  JudgedNetwork told;
  bool lost = false;   ///< Its weights cannot be read: nothing is known of it.
  int64_t images = 0;  ///< That it was judged on.
};

class EvaluateCommand {
 public:
  EvaluateCommand(const EvaluateArguments& o, Store& store) : o_(o), store_(store) {}

  int run() {
    SupernetRun run = open_supernet_run(store_, o_.run, o_.common);
    tell_other_weights(run, o_.search, o_.weights);
    const Space& space = *run.parts->space;
    EvaluateOptions options = run.parts->config.evaluate;
    if (!o_.split.empty()) options.split = o_.split;
    if (o_.no_recalibrate) options.recalibrate.enabled = false;
    const uint64_t seed = o_.common.seed_given ? o_.common.seed : run.parts->config.seed;
    const std::vector<Architecture> list = chosen(o_, run, seed);
    for (const Architecture& a : list) require_trained(run, a);
    SubnetScorer scorer(space,
                        *run.weights,
                        run.parts->data(),
                        options,
                        run.parts->device,
                        run.parts->config.train.memory_format);
    if (!scorer.warning().empty()) warning(scorer.warning());
    const SavesOnStop saves;
    score_all(run, scorer, list);
    if (std::all_of(
            judgements_.begin(), judgements_.end(), [](const Judgement& j) { return j.lost; }))
      throw DataError(judgements_.front().told.architecture + ": " +
                      judgements_.front().told.error);
    EvaluationResult result = found(run, scorer, options.split);
    print_evaluation(result, chosen_format(o_.common, o_.format));
    return report_failures(result);
  }

 private:
  void score_all(const SupernetRun& run,
                 SubnetScorer& scorer,
                 const std::vector<Architecture>& list) {
    const Space& space = *run.parts->space;
    Progress progress(o_.common, "evaluate", static_cast<int64_t>(list.size()));
    // Architectures that compute the same function are judged once.
    std::unordered_map<Architecture, size_t> numbers;
    std::vector<Architecture> distinct;
    std::vector<size_t> number_of;
    for (const Architecture& a : list) {
      const auto [it, added] = numbers.emplace(space.canonical(a), distinct.size());
      if (added) distinct.push_back(a);
      number_of.push_back(it->second);
    }
    if (const std::string note = scorer.worker_note(distinct); !note.empty()) warning(note);
    std::vector<std::vector<size_t>> places(distinct.size());
    for (size_t i = 0; i < list.size(); ++i) places[number_of[i]].push_back(i);
    judgements_.resize(list.size());
    size_t done = 0;
    std::vector<EvaluationRow> rows;
    const std::string fidelity = fidelity_of(run, scorer);
    scorer.score_each(distinct, [&](size_t number, const Judged& judged) {
      Judgement one;
      try {
        throw_if_stopped();
        one = judgement_of(judged, scorer.task());
      } catch (const Interrupted&) {
        keep(rows);
        throw Interrupted("stopped after " + std::to_string(done) + " of " +
                          std::to_string(list.size()) + " architectures; those are stored");
      }
      for (const size_t i : places[number]) {
        const Cost cost = cost_of(space.plan(list[i]), space.counting());
        one.told.architecture = space.text(list[i]);
        one.told.weights = judge_of(run, list[i]);
        one.told.macs = cost.macs;
        one.told.params = cost.params;
        append_rows(run.row.id, scorer.task(), one, fidelity, rows);
        if (rows.size() > 100) keep(rows);
        judgements_[i] = one;
        progress.update(static_cast<int64_t>(++done),
                        one.told.error.empty() ? std::string(scorer.task().metrics().front()) +
                                                     " " + format_number(one.told.scores.front())
                                               : "failed");
      }
    });
    keep(rows);
  }

  void keep(std::vector<EvaluationRow>& rows) {
    if (!store_.read_only()) store_.add_evaluations(rows);
    rows.clear();
  }

  static std::string judge_of(const SupernetRun& run, const Architecture& a) {
    return run.weights->sets() == 1 ? "" : run.weights->set_name(run.weights->owner(a));
  }

  static Judgement judgement_of(const Judged& judged, const Task& task) {
    Judgement one;
    try {
      const Score& score = judged.get();
      for (const char* metric : task.metrics()) one.told.scores.push_back(score.value(metric));
      one.images = score.samples;
    } catch (const NotFiniteError& e) {
      one.told.error = e.what();
    } catch (const LostWeightsError& e) {
      one.told.error = e.what();
      one.lost = true;
    }
    return one;
  }

  EvaluationResult found(const SupernetRun& run,
                         const SubnetScorer& scorer,
                         const std::string& split) {
    EvaluationResult result;
    for (const char* metric : scorer.task().metrics()) result.metrics.emplace_back(metric);
    result.run = run.row.id;
    result.split = split;
    result.several_weights = run.weights->sets() > 1;
    result.fidelity = nlohmann::ordered_json::parse(fidelity_of(run, scorer));
    (store_.read_only() ? result.read_only : result.store) = store_.path();
    for (Judgement& one : judgements_) {
      // Equally many for all that could be judged.
      result.images = std::max(result.images, one.images);
      result.networks.push_back(std::move(one.told));
    }
    return result;
  }

  /// 1 when one could not be judged: a script must not take the rest for all.
  static int report_failures(const EvaluationResult& result) {
    size_t failed = 0;
    std::string first;
    for (const JudgedNetwork& n : result.networks)
      if (!n.error.empty() && failed++ == 0) first = n.architecture + ": " + n.error;
    if (failed == 0) return kExitOk;
    warning(std::to_string(failed) + " of " + std::to_string(result.networks.size()) +
            " evaluations failed; the first, " + first);
    return kExitFailed;
  }

  static void append_rows(const std::string& run,
                          const Task& task,
                          const Judgement& one,
                          const std::string& fidelity,
                          std::vector<EvaluationRow>& rows) {
    const JudgedNetwork& n = one.told;
    const auto add =
        [&](const char* metric, double value, const char* source, const std::string& f) {
          EvaluationRow row;
          row.run = run;
          row.architecture = n.architecture;
          row.metric = metric;
          row.value = value;
          row.source = source;
          row.fidelity_json = f;
          const bool judged = std::string(source) == "supernet";
          row.status = judged && !n.error.empty() ? "failed" : "ok";
          if (judged) row.error = n.error;
          rows.push_back(std::move(row));
        };
    for (size_t m = 0; m < task.metrics().size(); ++m)
      if (!one.lost)
        add(task.metrics()[m], n.scores.empty() ? 0 : n.scores[m], "supernet", fidelity);
    add("macs", static_cast<double>(n.macs), "plan", "{}");
    add("params", static_cast<double>(n.params), "plan", "{}");
  }

  const EvaluateArguments& o_;
  Store& store_;
  std::vector<Judgement> judgements_;
};

/// A file is one network: what chooses some of a run is refused, not passed over.
void require_alone(const CLI::App& app) {
  for (const char* option : {"--run",
                             "--arch",
                             "--pick",
                             "--file",
                             "--sample",
                             "--top",
                             "--all",
                             "--fix",
                             "--no-recalibrate",
                             "--seed"})
    if (app.count(option) > 0)
      throw ConfigError(
          std::string(option) + " is for the networks of a run, a file is one network",
          "Leave one of them out.");
}

}  // namespace

int run_evaluate(const std::vector<std::string>& args) {
  EvaluateArguments o;
  CLI::App app(
      "Accuracy of architectures with the weights of a trained supernet, or of an exported file",
      "nas evaluate");
  app.footer(
      "nas evaluate --run last --sample 5\n"
      "nas evaluate --run digits --arch ARCHITECTURE --split test\n"
      "nas evaluate --run digits --sample 5 --fix stage1.depth=2\n"
      "nas evaluate --run digits --pick best --split test\n"
      "nas evaluate --run digits --sample 20 --set evaluate.images=500 --set evaluate.batch=50\n"
      "nas evaluate --run last --file architectures.txt --format csv\n"
      "nas evaluate model/model.onnx --split test");
  app.add_option("model",
                 o.model,
                 "An exported network instead of a run: model.ts, model.onnx, or their folder")
      ->type_name("FILE");
  app.add_option("--run", o.run, "Training run, or a search in it: id, name or last")
      ->capture_default_str();
  add_architectures(app, o.architectures);
  app.add_option("--pick",
                 o.pick,
                 "best, knee or an index of a search's front; --run may then name that search");
  add_architecture_file(app, o.file);
  app.add_option("--sample", o.sample, "So many random architectures")->check(positive_number());
  app.add_option("--top", o.top, "So many that did best in the training of a mixture")
      ->check(positive_number());
  app.add_flag("--all", o.all, "Every architecture of the space");
  add_fix(app, o.fix);
  app.add_option(
         "--split", o.split, "validation, test or train (default: the run's evaluate.split)")
      ->check(CLI::IsMember({"validation", "test", "train"}));
  app.add_flag("--no-recalibrate",
               o.no_recalibrate,
               "Use the supernet's running batch-norm statistics (ranks badly)");
  add_format(app, o.format);
  add_common(app, o.common, kTakesDb | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  run_sets(o.common.sets);
  if (!o.model.empty()) {
    require_alone(app);
    print_evaluation(evaluate_file(o.model, o.split, o.common), chosen_format(o.common, o.format));
    return kExitOk;
  }
  if (!o.file.empty() && !unreadable(o.file).empty())
    throw ConfigError("--file " + unreadable(o.file));
  Store store(o.common.db, Store::Mode::kRead);
  const Picked picked = pick_architecture(store, o.run, o.pick, o.common);
  o.run = picked.supernet;
  o.search = picked.search;
  o.weights = picked.weights;
  if (!picked.architecture.empty()) o.architectures.push_back(picked.architecture);
  return EvaluateCommand(o, store).run();
}

}  // namespace nas::cli
