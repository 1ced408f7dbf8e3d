// nas rank: how well a supernet (or two) orders architectures whose true quality is known.
#include <CLI/CLI.hpp>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.hpp"
#include "cli/document.hpp"
#include "cli/supernet_run.hpp"
#include "predictors/rank_metrics.hpp"
#include "search/evaluators.hpp"
#include "search/search_options.hpp"
#include "supernet/evaluate.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using List = std::vector<double>;

struct Options {
  Common common;
  std::vector<std::string> runs;
  std::string truth, column, key, archs = "all", split;
  int bootstrap = 1000;
  double level = 0.95;
};

constexpr int64_t kMost = 20000;

/// Networks with a truth, each once.
struct Truth {
  std::vector<Architecture> architectures;
  List values;
  int64_t without = 0;  ///< Asked for, but not in the table.
};

Truth truth_of(const Options& o, const Space& space) {
  TableOptions table;
  table.file = o.truth;
  table.key = o.key;
  if (!o.column.empty()) table.metrics = {o.column};
  TableEvaluator evaluator(space, table);
  const std::vector<std::string> metrics = evaluator.metrics();
  if (metrics.empty()) throw ConfigError(o.truth + " has no column of numbers");
  if (metrics.size() > 1 && o.column.empty()) {
    std::string all;
    for (const std::string& m : metrics) all += (all.empty() ? "" : ", ") + m;
    throw ConfigError(o.truth + " has several columns of numbers: " + all,
                      "name one with --column");
  }
  std::vector<Architecture> asked;
  const auto add = [&](const Architecture& a) {
    // Two forms of one network are one point.
    if (space.canonical(a) == a) asked.push_back(a);
    return true;
  };
  if (o.archs == "all") {
    if (space.count() > 1000000)
      throw ConfigError("the space has " + space.count().str() + " architectures",
                        "rank a sample: --archs 200");
    space.enumerate(add);
  } else {
    const int64_t n = std::atoll(o.archs.c_str());
    if (n < 2) throw ConfigError("--archs " + o.archs + ": expected all or a number from 2");
    // The same sample for every run: it depends on --seed only.
    Rng rng(o.common.seed, "rank/sample");
    std::set<Architecture> drawn;
    for (int64_t tries = 0; static_cast<int64_t>(drawn.size()) < n && tries < 100 * n; ++tries)
      drawn.insert(space.canonical(space.sample(rng)));
    asked.assign(drawn.begin(), drawn.end());
  }
  Truth truth;
  const std::vector<Evaluation> found = evaluator.evaluate(asked);
  for (size_t i = 0; i < asked.size(); ++i) {
    if (found[i].values.empty()) {
      ++truth.without;
      continue;
    }
    truth.architectures.push_back(asked[i]);
    truth.values.push_back(found[i].values.begin()->second);
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
std::vector<std::pair<std::string, List>> trivial_rankers(const Space& space, const Truth& truth) {
  std::vector<std::pair<std::string, List>> rankers = {
      {"macs", {}}, {"params", {}}, {"convolutions", {}}, {"depth", {}}};
  Plan plan;
  for (const Architecture& a : truth.architectures) {
    space.build(a, plan);
    const Cost cost = cost_of(plan, space.counting());
    double convolutions = 0, longest = 0;
    std::vector<double> depth(plan.nodes.size(), 0);
    for (size_t i = 0; i < plan.nodes.size(); ++i) {
      for (const int32_t id : plan.inputs(plan.nodes[i]))
        if (id != Plan::kInput) depth[i] = std::max(depth[i], depth[static_cast<size_t>(id)]);
      if (std::holds_alternative<Conv2d>(plan.nodes[i].op)) {
        ++convolutions;
        ++depth[i];
      }
      longest = std::max(longest, depth[i]);
    }
    rankers[0].second.push_back(static_cast<double>(cost.macs));
    rankers[1].second.push_back(static_cast<double>(cost.params));
    rankers[2].second.push_back(convolutions);
    rankers[3].second.push_back(longest);
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
  print(d["n"].dump() + " architectures with a truth, " + d["without_truth"].dump() + " without; " +
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

int rank(const Options& o) {
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
  const size_t supernets = rankers.size();
  for (auto& ranker : trivial_rankers(space, truth)) rankers.push_back(std::move(ranker));
  const Ranking ranking(o, truth.values);
  Json document{{"schema", "nas-rank/1"},
                {"space", space.name()},
                {"truth", o.truth},
                {"n", truth.values.size()},
                {"without_truth", truth.without},
                {"bootstrap", o.bootstrap},
                {"level", o.level},
                {"rankers", Json::array()},
                {"differences", Json::array()}};
  for (const auto& [name, values] : rankers)
    document["rankers"].push_back(ranking.row(name, values));
  // Each further supernet against the first; the first against counting MACs.
  document["differences"].push_back(ranking.difference(
      rankers[supernets].first, rankers[supernets].second, rankers[0].first, rankers[0].second));
  for (size_t i = 1; i < supernets; ++i)
    document["differences"].push_back(ranking.difference(
        rankers[0].first, rankers[0].second, rankers[i].first, rankers[i].second));
  for (const SupernetRun& run : runs) store.set_document(run.row.id, "ranking", document.dump());
  if (o.common.json)
    print(document.dump(2));
  else
    print_ranking(document);
  return kExitOk;
}

}  // namespace

int run_rank(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Compare the ranking of supernets with ground truth", "nas rank");
  app.footer(
      "nas rank --run digits --truth truth.csv\n"
      "nas rank --run first --run second --truth truth.csv --column test_accuracy --archs 200\n"
      "nas rank --run last --truth truth.json --json");
  app.add_option("--run", o.runs, "Training run: id, name or last; repeat to compare")
      ->allow_extra_args(false);
  app.add_option("--truth", o.truth, "CSV or JSON with architectures and their true quality")
      ->required();
  app.add_option("--column", o.column, "Column of the truth (where there are several)");
  app.add_option("--key", o.key, "Column of the architectures (default: architecture or arch)");
  app.add_option("--archs", o.archs, "all, or the size of a sample drawn by --seed")
      ->capture_default_str();
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
