// nas rank: how well a supernet (or two) orders architectures whose true quality is known.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/arch_list.hpp"
#include "cli/command.hpp"
#include "cli/document.hpp"
#include "cli/supernet_run.hpp"
#include "predictors/rank_metrics.hpp"
#include "predictors/untrained_rankers.hpp"
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
  std::string truth, column, key, archs = "all", split, space, table;
  std::vector<std::string> top = {"1", "5", "10"};
  bool duplicates = false;
  int64_t index_from = -1;
  int bootstrap = 1000;
  double level = 0.95;
};

constexpr int64_t kMost = 20000;
constexpr int64_t kFew = 10;

/// Networks with a truth.
struct Truth {
  std::vector<Architecture> architectures;
  List values;
  int64_t without = 0;    ///< Asked for by a list, but not in the table.
  int64_t forms = 0;      ///< Of the networks, those that compute what an earlier one computes.
  int64_t constants = 0;  ///< Networks that no path from the image to the logits crosses.
  TableEvaluator::Facts table;
};

bool is_count(const std::string& text) {
  constexpr size_t kDigits = 9;
  return !text.empty() && text.size() <= kDigits &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

/// `--archs`: all that the truth knows, the size of a sample of them (the same for every run), or a
/// file that lists them.
std::vector<Architecture> asked_for(const Options& o,
                                    const Space& space,
                                    std::vector<Architecture> known) {
  if (o.archs == "all") return known;
  if (is_count(o.archs)) {
    const int64_t n = std::atoll(o.archs.c_str());
    if (n < 2) throw ConfigError("--archs " + o.archs + ": a ranking needs at least 2");
    if (n > static_cast<int64_t>(known.size()))
      throw ConfigError("--archs " + o.archs + ": " + o.truth + " knows " +
                            std::to_string(known.size()) + " architectures of this space",
                        "leave out --archs to rank all of them");
    Rng rng(o.common.seed, "rank/sample");
    rng.shuffle(known);
    known.resize(static_cast<size_t>(n));
    std::sort(known.begin(), known.end());
    return known;
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

/// The only column of numbers, or the one named; otherwise ConfigError.
void expect_one_column(const Options& o, const TableEvaluator& evaluator) {
  const std::vector<std::string> metrics = evaluator.metrics();
  if (metrics.size() == 1 || !o.column.empty()) return;
  std::string all;
  for (const std::string& m : metrics) all += (all.empty() ? "" : ", ") + m;
  throw ConfigError(o.truth + " has several columns of numbers: " + all, "name one with --column");
}

Truth truth_of(const Options& o, const Space& space) {
  TableOptions table;
  table.file = o.truth;
  table.key = o.key;
  table.index_from = o.index_from;
  if (!o.column.empty()) table.metrics = {o.column};
  const bool listed = o.archs != "all" && !is_count(o.archs);
  TableEvaluator evaluator(space, table, /*each_form=*/o.duplicates || listed);
  expect_one_column(o, evaluator);
  const std::vector<Architecture> asked = asked_for(o, space, evaluator.architectures());
  Truth truth;
  truth.table = evaluator.facts();
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
    truth.constants += !live_nodes(space.plan(asked[i])).back();
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
  const std::string fidelity = fidelity_of(run, scorer);
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

List take(const List& values, std::span<const size_t> positions) {
  List out;
  out.reserve(positions.size());
  for (const size_t i : positions) out.push_back(values[i]);
  return out;
}

/// `10` or `5%` of n, rounded up.
size_t top_size(const std::string& text, size_t n) {
  const double value = std::stod(text);
  const double size = text.back() == '%' ? value / 100 * static_cast<double>(n) : value;
  return static_cast<size_t>(std::ceil(size - 1e-9));
}

void check_top(const std::vector<std::string>& top) {
  for (const std::string& text : top) {
    const bool percent = !text.empty() && text.back() == '%';
    const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
    const bool number =
        !digits.empty() && digits.size() <= 9 &&
        digits.find_first_not_of(percent ? "0123456789." : "0123456789") == std::string::npos &&
        std::count(digits.begin(), digits.end(), '.') < 2 && digits != ".";
    if (!number || std::stod(digits) <= 0 || (percent && std::stod(digits) > 100))
      throw ConfigError("--top " + text + ": expected counts and shares, such as 1,10,5%");
  }
}

class Ranking {
 public:
  Ranking(const Options& o, const List& truth) : o_(o), truth_(truth) {}

  Json row(const std::string& name, const List& predicted) const {
    const KendallCounts counts = kendall(predicted, truth_);
    const auto interval = [&](auto&& metric) {
      const Interval i = bootstrap(
          truth_.size(),
          [&](std::span<const size_t> at) {
            if (stop_requested())
              throw Interrupted(
                  "stopped; the values of supernets are stored: the same command "
                  "computes the intervals from them");
            return metric(take(predicted, at), take(truth_, at));
          },
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
    for (const std::string& text : o_.top) {
      const size_t k = top_size(text, truth_.size());
      // A ranker that calls all equal has no best ones.
      if (k > truth_.size() || std::isnan(counts.tau_b())) continue;
      const std::string at = "_at_" + text;
      json["precision" + at] = json_number(precision_at(predicted, truth_, k));
      json["precision" + at + "_interval"] =
          interval([k](const List& x, const List& y) { return precision_at(x, y, k); });
      json["best_rank" + at] = json_number(best_rank_at(predicted, truth_, k));
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
      needed[format_number(d)] = deviation > 0
                                     ? json_number(std::ceil(static_cast<double>(truth_.size()) *
                                                             std::pow(2 * deviation / d, 2)))
                                     : Json(nullptr);
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

std::string interval_text(const Json& interval) {
  return number(interval[0]) + " .. " + number(interval[1]);
}

void print_top(const Json& d) {
  Table table({"ranker", "k", "precision", "interval", "regret", "interval", "best rank"});
  for (const Json& r : d["rankers"])
    for (const Json& k : d["top"]) {
      const std::string at = "_at_" + k.get<std::string>();
      if (!r.contains("precision" + at)) continue;
      table.row({r["ranker"].get<std::string>(),
                 k.get<std::string>(),
                 number(r["precision" + at]),
                 interval_text(r["precision" + at + "_interval"]),
                 number(r["regret" + at]),
                 interval_text(r["regret" + at + "_interval"]),
                 number(r["best_rank" + at])});
    }
  print(table.text());
}

void print_facts(const Json& d) {
  std::string line = d["n"].dump() + " architectures with a truth";
  const auto add = [&](const char* key, const std::string& text) {
    if (d[key].get<int64_t>() > 0) line += "; " + d[key].dump() + text;
  };
  add("same_function", " of them compute what another one computes");
  add("constant", " are constant (no path from image to logits)");
  add("without_truth", " more were listed, but have no truth");
  add("rows_without_value", " rows of the truth hold no value");
  print(line);
  if (d["rows_merged"].get<int64_t>() > 0)
    print(d["rows_merged"].dump() +
          " rows of the truth are further forms of networks it has: each network counts once, by "
          "the row of its canonical form, else their mean; rows of one network differ by up to " +
          number(d["rows_merged_spread"]) + " (--duplicates keeps them apart)");
  print(format_number(100 * d["level"].get<double>()) + " % bootstrap intervals of " +
        d["bootstrap"].dump() + " draws; ties at the cut of a top k count by chance");
  if (d["n"].get<int64_t>() < kFew)
    print("with fewer than " + std::to_string(kFew) +
          " architectures these numbers say little, and bootstrap intervals are too narrow");
  if (d["truth_is_constant"].get<bool>())
    print("all architectures have the same truth, so that nothing can be ranked");
}

void print_ranking(const Json& d) {
  Table table(
      {"ranker", "tau-b", "interval", "Spearman", "interval", "tied pairs", "tied in truth"});
  for (const Json& r : d["rankers"])
    table.row(
        {r["ranker"].get<std::string>(),
         number(r["tau_b"]),
         interval_text(r["tau_b_interval"]),
         number(r["spearman"]),
         interval_text(r["spearman_interval"]),
         std::to_string(r["ties"]["predicted"].get<int64_t>() + r["ties"]["both"].get<int64_t>()),
         std::to_string(r["ties"]["truth"].get<int64_t>() + r["ties"]["both"].get<int64_t>())});
  print(table.text());
  print_top(d);
  print_facts(d);
  const int64_t all = d["space_size"].is_number() ? d["space_size"].get<int64_t>() : -1;
  for (const Json& c : d["differences"]) {
    print("tau-b of " + c["to"].get<std::string>() + " minus " + c["from"].get<std::string>() +
          ": " + number(c["tau_b_difference"]) + " (" + interval_text(c["interval"]) + "), paired");
    std::string needed;
    for (const auto& [difference, n] : c["architectures_needed"].items()) {
      const bool more = n.is_number() && all >= 0 && n.get<double>() > static_cast<double>(all);
      needed += (needed.empty() ? "" : ", ") + difference + ": " +
                (more ? "more than the " + std::to_string(all) + " of the space" : number(n));
    }
    print("  architectures needed to tell a difference of ... apart (two standard deviations): " +
          needed);
  }
}

/// Each supernet against counting MACs and against the best ranker that needs no training; each
/// further one against the first.
Json differences(const Ranking& ranking,
                 const std::vector<std::pair<std::string, List>>& rankers,
                 const Json& rows,
                 size_t supernets) {
  Json list = Json::array();
  const auto add = [&](size_t from, size_t to) {
    list.push_back(ranking.difference(
        rankers[from].first, rankers[from].second, rankers[to].first, rankers[to].second));
  };
  size_t strongest = supernets;
  const auto tau = [&](size_t i) {
    return rows[i]["tau_b"].is_number() ? rows[i]["tau_b"].get<double>() : -2;
  };
  for (size_t i = supernets; i < rankers.size(); ++i)
    if (tau(i) > tau(strongest)) strongest = i;
  for (size_t i = 0; i < supernets; ++i) {
    add(supernets, i);
    if (strongest != supernets) add(strongest, i);
  }
  for (size_t i = 1; i < supernets; ++i) add(0, i);
  return list;
}

/// One row per architecture: genes, truth and what every ranker says.
Json architecture_rows(const Space& space,
                       const Truth& truth,
                       const std::vector<std::pair<std::string, List>>& rankers) {
  Json rows = Json::array();
  for (size_t i = 0; i < truth.architectures.size(); ++i) {
    const Architecture& a = truth.architectures[i];
    Json row{{"architecture", space.text(a)}, {"genes", a.genes}, {"truth", truth.values[i]}};
    for (const auto& [name, values] : rankers) row["predicted"][name] = json_number(values[i]);
    rows.push_back(std::move(row));
  }
  return rows;
}

void write_table(const std::string& path, const Json& rows) {
  Rows table{{"architecture", "truth"}, {}};
  for (const auto& [name, value] : rows[0]["predicted"].items()) table.header.push_back(name);
  for (const Json& row : rows) {
    std::vector<Json> cells{row["architecture"], row["truth"]};
    for (const Json& value : row["predicted"]) cells.push_back(value);
    table.rows.push_back(std::move(cells));
  }
  std::ofstream file(path);
  file << csv_text(table) << '\n';
  file.close();
  if (!file) throw ConfigError("--table " + path + " cannot be written");
}

int show(const Options& o,
         const Space& space,
         const Truth& truth,
         std::vector<std::pair<std::string, List>> rankers,
         const std::function<void(const Json&)>& keep) {
  const size_t supernets = rankers.size();
  for (auto& ranker : untrained_rankers(space, truth.architectures))
    rankers.push_back(std::move(ranker));
  const Ranking ranking(o, truth.values);
  Json document{{"schema", "nas-rank/1"},
                {"space", space.name()},
                {"truth", o.truth},
                {"n", truth.values.size()},
                {"space_size",
                 space.count() < BigInt(1) << 53 ? Json(space.count().convert_to<int64_t>())
                                                 : Json(space.count().str())},
                {"truth_is_constant",
                 std::equal(truth.values.begin() + 1, truth.values.end(), truth.values.begin())},
                {"same_function", truth.forms},
                {"constant", truth.constants},
                {"without_truth", truth.without},
                {"rows_without_value", truth.table.without_value},
                {"rows_merged", o.duplicates ? 0 : truth.table.merged},
                {"rows_merged_spread", truth.table.largest_spread},
                {"bootstrap", o.bootstrap},
                {"level", o.level},
                {"top", o.top},
                {"rankers", Json::array()}};
  // With thousands of architectures the intervals take longer than anything else.
  Progress progress(o.common, "intervals", static_cast<int64_t>(rankers.size()));
  std::vector<std::future<Json>> rows;
  for (const auto& ranker : rankers)
    rows.push_back(std::async(std::launch::async, [&ranking, &ranker] {
      return ranking.row(ranker.first, ranker.second);
    }));
  for (size_t i = 0; i < rows.size(); ++i) {
    document["rankers"].push_back(rows[i].get());
    progress.update(static_cast<int64_t>(i + 1), "");
  }
  document["differences"] = differences(ranking, rankers, document["rankers"], supernets);
  document["architectures"] = architecture_rows(space, truth, rankers);
  if (!o.table.empty()) write_table(o.table, document["architectures"]);
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
  for (const SupernetRun& run : runs)
    if (run.parts->splits.hash != runs[0].parts->splits.hash)
      warning("runs " + runs[0].row.id + " and " + run.row.id +
              " hold out different images: their accuracies differ by more than the supernets");
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
      "nas rank --run last --truth truth.csv --archs list.txt --table ranking.csv\n"
      "nas rank --space nasbench201 --truth truth.csv --column test --duplicates");
  app.add_option("--run", o.runs, "Training run: id, name or last; repeat to compare")
      ->allow_extra_args(false);
  app.add_option("--truth", o.truth, "CSV or JSON with architectures and their true quality")
      ->required();
  app.add_option("--column", o.column, "Column of the truth (where there are several)");
  app.add_option("--key", o.key, "Column of the architectures (default: architecture or arch)");
  app.add_option("--index-from",
                 o.index_from,
                 "The key numbers architectures in the order of nas space enumerate, from this")
      ->check(CLI::Range(int64_t{0}, int64_t{1000000000}));
  app.add_option("--archs",
                 o.archs,
                 "all that have a truth, the size of a sample of them drawn by --seed, or a file "
                 "with one a "
                 "line")
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
  app.add_option("--top", o.top, "Sizes of the top: counts or shares, such as 1,10,5%")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option(
      "--table", o.table, "Also write what every ranker says of each architecture (CSV)");
  add_common(app, o.common, kTakesDb | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  check_top(o.top);
  if (!std::isfinite(o.level)) throw ConfigError("--level: expected a number from 0.5 to 0.999");
  if (o.runs.empty()) o.runs = {"last"};
  return rank(o);
}

}  // namespace nas::cli
