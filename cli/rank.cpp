// nas rank: how well a supernet (or two) orders architectures whose true quality is known.
#include <CLI/CLI.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/arch_list.hpp"
#include "cli/command.hpp"
#include "cli/document.hpp"
#include "cli/supernet_run.hpp"
#include "predictors/rank_metrics.hpp"
#include "search/evaluators.hpp"
#include "search/search_options.hpp"
#include "spaces/registry.hpp"
#include "supernet/evaluate.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using List = std::vector<double>;

struct Options {
  Common common;
  std::vector<std::string> runs;
  std::string truth, column, key, archs = "all", split, space;
  bool duplicates = false;
  int bootstrap = 1000;
  double level = 0.95;
};

constexpr int64_t kMost = 20000;

/// Networks with a truth.
struct Truth {
  std::vector<Architecture> architectures;
  List values;
  int64_t without = 0;  ///< Asked for, but not in the table.
  int64_t forms = 0;    ///< Of the networks, those that compute what an earlier one computes.
};

std::vector<Architecture> all_of(const Space& space, bool duplicates) {
  if (space.count() > 1000000)
    throw ConfigError("the space has " + space.count().str() + " architectures",
                      "rank a sample: --archs 200");
  std::vector<Architecture> list;
  space.enumerate([&](const Architecture& a) {
    if (duplicates || space.canonical(a) == a) list.push_back(a);
    return true;
  });
  return list;
}

/// The same sample for every run: it depends on the seed only.
std::vector<Architecture> sample_of(const Space& space, int64_t n, bool duplicates, uint64_t seed) {
  Rng rng(seed, "rank/sample");
  std::set<Architecture> drawn;
  for (int64_t tries = 0; static_cast<int64_t>(drawn.size()) < n && tries < 100 * n; ++tries) {
    const Architecture a = space.sample(rng);
    drawn.insert(duplicates ? a : space.canonical(a));
  }
  return {drawn.begin(), drawn.end()};
}

bool is_count(const std::string& text) {
  constexpr size_t kDigits = 9;
  return !text.empty() && text.size() <= kDigits &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

/// `--archs`: all, the size of a sample, or a file that lists them.
std::vector<Architecture> asked_for(const Options& o, const Space& space) {
  if (o.archs == "all") return all_of(space, o.duplicates);
  if (is_count(o.archs)) {
    const int64_t n = std::atoll(o.archs.c_str());
    if (n < 2) throw ConfigError("--archs " + o.archs + ": a ranking needs at least 2");
    return sample_of(space, n, o.duplicates, o.common.seed);
  }
  if (!std::filesystem::exists(o.archs))
    throw ConfigError("--archs " + o.archs +
                      ": expected all, a number from 2, or a file with one "
                      "architecture a line");
  std::vector<Architecture> list = read_architectures(space, o.archs);
  std::set<Architecture> seen;
  std::erase_if(list, [&](const Architecture& a) { return !seen.insert(a).second; });
  return list;
}

Truth truth_of(const Options& o, const Space& space) {
  TableOptions table;
  table.file = o.truth;
  table.key = o.key;
  if (!o.column.empty()) table.metrics = {o.column};
  const bool listed = o.archs != "all" && !is_count(o.archs);
  TableEvaluator evaluator(space, table, /*each_form=*/o.duplicates || listed);
  const std::vector<std::string> metrics = evaluator.metrics();
  if (metrics.empty()) throw ConfigError(o.truth + " has no column of numbers");
  if (metrics.size() > 1 && o.column.empty()) {
    std::string all;
    for (const std::string& m : metrics) all += (all.empty() ? "" : ", ") + m;
    throw ConfigError(o.truth + " has several columns of numbers: " + all,
                      "name one with --column");
  }
  const std::vector<Architecture> asked = asked_for(o, space);
  Truth truth;
  std::set<Architecture> functions;
  const std::vector<Evaluation> found = evaluator.evaluate(asked);
  for (size_t i = 0; i < asked.size(); ++i) {
    if (found[i].values.empty()) {
      ++truth.without;
      continue;
    }
    truth.architectures.push_back(asked[i]);
    truth.values.push_back(found[i].values.begin()->second);
    truth.forms += !functions.insert(space.canonical(asked[i])).second;
  }
  if (truth.values.size() < 2)
    throw ConfigError(o.truth + " has values for " + std::to_string(truth.values.size()) +
                      " of the architectures asked for; a ranking needs at least 2");
  if (static_cast<int64_t>(truth.values.size()) > kMost)
    throw ConfigError(std::to_string(truth.values.size()) + " architectures are too many to judge",
                      "rank a sample: --archs 200");
  return truth;
}

/// Accuracies of one supernet; stored values of the same fidelity are used again.
List judge(const Options& o, Store& store, SupernetRun& run, const Truth& truth) {
  const RunParts& p = *run.parts;
  EvaluateOptions options = p.config.evaluate;
  if (!o.split.empty()) options.split = o.split;
  SubnetScorer scorer(
      *p.space, *run.weights, p.data(), options, p.device, p.config.train.memory_format);
  if (!scorer.warning().empty()) warning(scorer.warning());
  const std::string fidelity = scorer.fidelity_json();
  std::map<std::string, double> known;
  for (const EvaluationRow& row : store.evaluations(run.row.id))
    if (row.metric == "accuracy" && row.source == "supernet" && row.fidelity_json == fidelity &&
        row.status == "ok")
      known[row.architecture] = row.value;
  List values;
  std::vector<EvaluationRow> rows;
  Progress progress(
      o.common, "rank " + run.row.id, static_cast<int64_t>(truth.architectures.size()));
  for (const Architecture& a : truth.architectures) {
    const std::string text = p.space->text(a);
    const auto it = known.find(text);
    if (it != known.end()) {
      values.push_back(it->second);
    } else {
      if (stop_requested()) {
        store.add_evaluations(rows);
        throw Interrupted("stopped after " + std::to_string(values.size()) + " of " +
                          std::to_string(truth.architectures.size()) +
                          " architectures; those are stored: the same command goes on");
      }
      values.push_back(scorer.score(a).accuracy);
      rows.push_back({run.row.id, text, "accuracy", values.back(), "supernet", fidelity});
      if (rows.size() >= 20) {
        store.add_evaluations(rows);
        rows.clear();
      }
    }
    progress.update(static_cast<int64_t>(values.size()), "");
  }
  store.add_evaluations(rows);
  return values;
}

/// Rankers that need no training (panda.md 8): to be beaten before a supernet has earned its cost.
/// `live_`: of the searched parts, only what lies on a way from image to logits.
std::vector<std::pair<std::string, List>> trivial_rankers(const Space& space, const Truth& truth) {
  std::vector<std::pair<std::string, List>> rankers;
  for (const char* name :
       {"macs", "params", "live_params", "convolutions", "live_convolutions", "depth"})
    rankers.push_back({name, {}});
  Plan plan;
  for (const Architecture& a : truth.architectures) {
    space.build(a, plan);
    const Cost cost = cost_of(plan, space.counting());
    const std::vector<bool> live = live_nodes(plan);
    double convolutions = 0, live_convolutions = 0, live_params = 0, longest = 0;
    std::vector<double> depth(plan.nodes.size(), 0);
    const auto searched = [&](size_t i) { return !plan.origins(plan.nodes[i]).empty(); };
    for (size_t i = 0; i < plan.nodes.size(); ++i) {
      for (const int32_t id : plan.inputs(plan.nodes[i]))
        if (id != Plan::kInput) depth[i] = std::max(depth[i], depth[static_cast<size_t>(id)]);
      if (std::holds_alternative<Conv2d>(plan.nodes[i].op)) {
        ++convolutions;
        live_convolutions += live[i] && searched(i);
        depth[i] += live[i];
      }
      if (live[i]) {
        if (searched(i)) live_params += static_cast<double>(params_of(plan.nodes[i].op));
        longest = std::max(longest, depth[i]);
      }
    }
    const double values[] = {static_cast<double>(cost.macs),
                             static_cast<double>(cost.params),
                             live_params,
                             convolutions,
                             live_convolutions,
                             longest};
    for (size_t r = 0; r < rankers.size(); ++r) rankers[r].second.push_back(values[r]);
  }
  return rankers;
}

List take(const List& values, std::span<const size_t> positions) {
  List out;
  out.reserve(positions.size());
  for (const size_t i : positions) out.push_back(values[i]);
  return out;
}

class Ranking {
 public:
  Ranking(const Options& o, const List& truth) : o_(o), truth_(truth) {}

  Json row(const std::string& name, const List& predicted) const {
    const KendallCounts counts = kendall(predicted, truth_);
    const auto interval = [&](auto&& metric) {
      const Interval i = bootstrap(
          truth_.size(),
          [&](std::span<const size_t> at) { return metric(take(predicted, at), take(truth_, at)); },
          o_.bootstrap,
          o_.level,
          Rng(o_.common.seed, "rank/bootstrap"));
      return Json{json_number(i.low), json_number(i.high)};
    };
    Json json{
        {"ranker", name},
        {"n", truth_.size()},
        {"tau_b", json_number(counts.tau_b())},
        {"tau_b_interval",
         interval([](const List& x, const List& y) { return kendall(x, y).tau_b(); })},
        {"spearman", json_number(spearman(predicted, truth_))},
        {"spearman_interval",
         interval([](const List& x, const List& y) { return spearman(x, y); })},
        {"ties",
         {{"predicted", counts.ties_x}, {"truth", counts.ties_y}, {"both", counts.ties_both}}}};
    for (const size_t k : {size_t{1}, size_t{5}, size_t{10}}) {
      // A ranker that calls all equal has no best ones.
      if (k > truth_.size() || std::isnan(counts.tau_b())) continue;
      const std::string at = "_at_" + std::to_string(k);
      json["precision" + at] = json_number(precision_at(predicted, truth_, k));
      json["precision" + at + "_interval"] =
          interval([k](const List& x, const List& y) { return precision_at(x, y, k); });
      json["best_rank" + at] = best_rank_at(predicted, truth_, k);
      json["regret" + at] = json_number(regret_at(predicted, truth_, k));
      json["regret" + at + "_interval"] =
          interval([k](const List& x, const List& y) { return regret_at(x, y, k); });
    }
    return json;
  }

  /// tau of b minus tau of a on the same architectures, and what could be told apart.
  Json difference(const std::string& name_a,
                  const List& a,
                  const std::string& name_b,
                  const List& b) const {
    const auto tau = [&](const List& x, std::span<const size_t> at) {
      return kendall(take(x, at), take(truth_, at)).tau_b();
    };
    const double observed = kendall(b, truth_).tau_b() - kendall(a, truth_).tau_b();
    double sum = 0, squares = 0;
    int n = 0;
    const Interval i = bootstrap(
        truth_.size(),
        [&](std::span<const size_t> at) {
          const double d = tau(b, at) - tau(a, at);
          if (!std::isnan(d)) {
            sum += d;
            squares += d * d;
            ++n;
          }
          return d;
        },
        o_.bootstrap,
        o_.level,
        Rng(o_.common.seed, "rank/difference"));
    const double deviation =
        n > 1 ? std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1))) : NAN;
    // The deviation falls with the root of n; a difference is told when it is two of them.
    Json needed = Json::object();
    for (const double d : {0.02, 0.05, 0.1, 0.2})
      needed[format_number(d)] = json_number(
          std::ceil(static_cast<double>(truth_.size()) * std::pow(2 * deviation / d, 2)));
    return {{"from", name_a},
            {"to", name_b},
            {"tau_b_difference", json_number(observed)},
            {"interval", {json_number(i.low), json_number(i.high)}},
            {"bootstrap_deviation", json_number(deviation)},
            {"architectures_needed", needed}};
  }

 private:
  const Options& o_;
  const List& truth_;
};

std::string number(const Json& v) {
  return v.is_number() ? format_number(v.get<double>(), 3) : "-";
}

void print_ranking(const Json& d) {
  Table table({"ranker", "tau-b", "interval", "Spearman", "P@10", "regret@1", "regret@10"});
  for (const Json& r : d["rankers"])
    table.row({r["ranker"].get<std::string>(),
               number(r["tau_b"]),
               number(r["tau_b_interval"][0]) + " .. " + number(r["tau_b_interval"][1]),
               number(r["spearman"]),
               number(r.value("precision_at_10", Json())),
               number(r.value("regret_at_1", Json())),
               number(r.value("regret_at_10", Json()))});
  print(table.text());
  print(d["n"].dump() + " architectures with a truth (" + d["same_function"].dump() +
        " of them compute what another one computes), " + d["without_truth"].dump() + " without; " +
        format_number(100 * d["level"].get<double>()) + " % bootstrap intervals of " +
        d["bootstrap"].dump() + " draws");
  for (const Json& c : d["differences"]) {
    print("tau-b of " + c["to"].get<std::string>() + " minus " + c["from"].get<std::string>() +
          ": " + number(c["tau_b_difference"]) + " (" + number(c["interval"][0]) + " .. " +
          number(c["interval"][1]) + "), paired");
    std::string needed;
    for (const auto& [difference, n] : c["architectures_needed"].items())
      needed += (needed.empty() ? "" : ", ") + difference + ": " + number(n);
    print("  architectures needed to tell a difference of ... apart: " + needed);
  }
}

Json differences(const Ranking& ranking,
                 const std::vector<std::pair<std::string, List>>& rankers,
                 size_t supernets) {
  Json list = Json::array();
  const auto add = [&](size_t from, size_t to) {
    list.push_back(ranking.difference(
        rankers[from].first, rankers[from].second, rankers[to].first, rankers[to].second));
  };
  // The first supernet against counting MACs; each further one against the first.
  if (supernets > 0) add(supernets, 0);
  for (size_t i = 1; i < supernets; ++i) add(0, i);
  return list;
}

int show(const Options& o,
         const Space& space,
         const Truth& truth,
         std::vector<std::pair<std::string, List>> rankers,
         const std::function<void(const Json&)>& keep) {
  const size_t supernets = rankers.size();
  for (auto& ranker : trivial_rankers(space, truth)) rankers.push_back(std::move(ranker));
  const Ranking ranking(o, truth.values);
  Json document{{"schema", "nas-rank/1"},
                {"space", space.name()},
                {"truth", o.truth},
                {"n", truth.values.size()},
                {"same_function", truth.forms},
                {"without_truth", truth.without},
                {"bootstrap", o.bootstrap},
                {"level", o.level},
                {"rankers", Json::array()},
                {"differences", differences(ranking, rankers, supernets)}};
  for (const auto& [name, values] : rankers)
    document["rankers"].push_back(ranking.row(name, values));
  keep(document);
  if (o.common.json)
    print(document.dump(2));
  else
    print_ranking(document);
  return kExitOk;
}

int rank(const Options& o) {
  if (!o.space.empty()) {
    const std::unique_ptr<Space> space = load_space(o.space);
    return show(o, *space, truth_of(o, *space), {}, [](const Json&) {});
  }
  Store store(o.common.db, Store::Mode::kExisting);
  std::vector<SupernetRun> runs;
  for (const std::string& run : o.runs) runs.push_back(open_supernet_run(store, run, o.common));
  for (const SupernetRun& run : runs)
    if (run.row.fingerprint != runs[0].row.fingerprint)
      throw ConfigError("runs " + runs[0].row.id + " and " + run.row.id +
                        " are of different spaces, so their rankings cannot be compared");
  const Space& space = *runs[0].parts->space;
  const Truth truth = truth_of(o, space);
  std::vector<std::pair<std::string, List>> rankers;
  for (SupernetRun& run : runs)
    rankers.emplace_back(run.row.name.empty() ? run.row.id : run.row.name,
                         judge(o, store, run, truth));
  return show(o, space, truth, std::move(rankers), [&](const Json& document) {
    for (const SupernetRun& run : runs) store.set_document(run.row.id, "ranking", document.dump());
  });
}

}  // namespace

int run_rank(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Compare the ranking of supernets with ground truth", "nas rank");
  app.footer(
      "nas rank --run digits --truth truth.csv\n"
      "nas rank --run first --run second --truth truth.csv --column test_accuracy --archs 200\n"
      "nas rank --run last --truth truth.csv --archs list.txt --json\n"
      "nas rank --space nasbench201 --truth truth.csv --column test --duplicates");
  app.add_option("--run", o.runs, "Training run: id, name or last; repeat to compare")
      ->allow_extra_args(false);
  app.add_option("--truth", o.truth, "CSV or JSON with architectures and their true quality")
      ->required();
  app.add_option("--column", o.column, "Column of the truth (where there are several)");
  app.add_option("--key", o.key, "Column of the architectures (default: architecture or arch)");
  app.add_option(
         "--archs", o.archs, "all, the size of a sample drawn by --seed, or a file with one a line")
      ->capture_default_str();
  app.add_flag("--duplicates",
               o.duplicates,
               "Keep architectures that compute what another one computes, each with its own row");
  app.add_option("--space", o.space, "Without a supernet: the rankers that need no training")
      ->excludes("--run");
  app.add_option("--split", o.split, "Judge on validation, test or train")
      ->check(CLI::IsMember({"validation", "test", "train"}));
  app.add_option("--bootstrap", o.bootstrap, "Draws of the bootstrap intervals")
      ->check(CLI::Range(10, 1000000));
  app.add_option("--level", o.level, "Level of the intervals")->check(CLI::Range(0.5, 0.999));
  add_common(app, o.common);
  if (!parse(app, args)) return kExitOk;
  if (!o.common.config.empty() || !o.common.sets.empty())
    throw ConfigError("nas rank takes the configuration of the training run",
                      "leave out --config and --set");
  if (o.runs.empty()) o.runs = {"last"};
  return rank(o);
}

}  // namespace nas::cli
