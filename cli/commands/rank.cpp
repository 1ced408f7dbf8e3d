// nas rank: how well a supernet (or two) orders architectures whose true quality is known.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.hpp"
#include "cli/predict/columns.hpp"
#include "cli/report/document.hpp"
#include "cli/report/rank_names.hpp"
#include "cli/report/rank_print.hpp"
#include "cli/report/ranking.hpp"
#include "cli/report/space_report.hpp"
#include "cli/report/training/compute.hpp"
#include "cli/runs/arch_list.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/trained/judge_supernet.hpp"
#include "cli/runs/trained/stand_alone.hpp"
#include "cli/runs/trained/supernet_run.hpp"
#include "cli/validators.hpp"
#include "predictors/ranking/untrained_rankers.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/search_options.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using List = std::vector<double>;

struct RankArguments {
  Common common;
  std::vector<std::string> runs, fix, predicted;  ///< `predicted`: columns.
  std::string truth, column, key, archs = "all", split, space, table, predictions;
  std::vector<std::string> top = {"1", "5", "10"};
  bool duplicates = false, lower = false, higher = false, baseline = true;
  int64_t index_from = -1;
  int bootstrap = 1000;
  double level = 0.95;
  bool columns() const { return !predicted.empty() || !predictions.empty(); }
};

constexpr int64_t kMost = 20000;

/// Networks with a truth.
struct Truth {
  List quality() const {  ///< Larger is better.
    List list = values;
    if (direction.better == Better::kLower)
      for (double& v : list) v = -v;
    return list;
  }
  void count_functions(const Space& space) {
    std::set<Architecture> functions;
    forms = constants = 0;
    for (const Architecture& a : architectures) {
      forms += !functions.insert(space.canonical(a)).second;
      constants += !live_nodes(space.plan(a)).back();
    }
  }
  /// Leaves out those for which `kept` is false, here and in the rankers.
  void keep(const std::vector<bool>& kept, Rankers& rankers) {
    const auto keep = [&](auto& list) {
      std::remove_reference_t<decltype(list)> left;
      for (size_t i = 0; i < list.size(); ++i)
        if (kept[i]) left.push_back(std::move(list[i]));
      list = std::move(left);
    };
    keep(architectures);
    keep(values);
    for (auto& ranker : rankers) keep(ranker.second);
  }

  std::vector<Architecture> architectures;
  List values;         ///< As the table has them.
  std::string column;  ///< Where they come from.
  TruthDirection direction;
  int64_t without_prediction = 0;
  int64_t without_weights = 0;
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
std::vector<Architecture> asked_for(const RankArguments& o,
                                    const Space& space,
                                    std::vector<Architecture> known) {
  if (o.archs == "all") return known;
  if (is_count(o.archs)) {
    const int64_t n = std::atoll(o.archs.c_str());
    if (n < 2) throw ConfigError("--archs " + o.archs + ": a ranking needs at least 2");
    if (n > static_cast<int64_t>(known.size()))
      throw ConfigError("--archs " + o.archs + ": " + o.truth + " knows " +
                            std::to_string(known.size()) + " architectures of this space" +
                            (o.fix.empty() ? "" : " within --fix"),
                        "leave out --archs to rank all of them");
    Rng rng(o.common.seed, "rank/sample");
    rng.shuffle(known);
    known.resize(static_cast<size_t>(n));
    std::sort(known.begin(), known.end());
    return known;
  }
  if (o.archs != "-" && !std::filesystem::exists(o.archs))
    throw ConfigError("--archs " + o.archs +
                      ": expected all, a number from 2, or a file with one architecture a line");
  std::vector<Architecture> list = named_architectures(space, {}, o.archs);
  std::set<Architecture> seen;
  std::erase_if(list, [&](const Architecture& a) { return !seen.insert(a).second; });
  return list;
}

/// The only column of numbers, or the one named; otherwise ConfigError.
void expect_one_column(const RankArguments& o, const TableEvaluator& evaluator) {
  const std::vector<std::string> metrics = evaluator.columns();
  if (metrics.size() == 1 || !o.column.empty()) return;
  std::string all;
  for (const std::string& m : metrics) all += (all.empty() ? "" : ", ") + m;
  throw ConfigError(o.truth + " has several columns of numbers: " + all, "name one with --column");
}

void tell_direction(const std::string& column, const TruthDirection& direction) {
  if (direction.guessed)
    warning("whether more or less of '" + column +
            "' is better is not known; as of any name that says nothing, more is taken for better "
            "(--higher-is-better or --lower-is-better states it)");
}

Truth truth_of(const RankArguments& o, const Domain& domain) {
  const Space& space = domain.space();
  TableOptions table;
  table.file = o.truth;
  table.key = o.key;
  table.index_from = o.index_from;
  if (!o.column.empty()) table.metrics = {o.column};
  const bool listed = o.archs != "all" && !is_count(o.archs);
  TableEvaluator evaluator(space, table, /*each_form=*/o.duplicates || listed);
  expect_one_column(o, evaluator);
  for (const std::string& text : evaluator.notes()) note(o.common, text);
  for (const std::string& text : evaluator.warnings()) warning(text);
  const std::vector<Architecture> asked = fixed_part(
      domain,
      asked_for(o, space, fixed_part(domain, evaluator.architectures(), !o.duplicates && !listed)),
      /*networks=*/false);
  Truth truth;
  truth.table = evaluator.facts();
  truth.column = evaluator.columns().front();
  truth.direction = truth_direction(truth.column, o.lower, o.higher);
  tell_direction(truth.column, truth.direction);
  const std::vector<Evaluation> found = evaluator.evaluate(asked);
  for (size_t i = 0; i < asked.size(); ++i) {
    if (found[i].values.empty()) {
      ++truth.without;
      continue;
    }
    truth.architectures.push_back(asked[i]);
    truth.values.push_back(found[i].values.begin()->second);
  }
  truth.count_functions(space);
  if (truth.values.size() < 2)
    throw ConfigError(o.truth + " has values for " + std::to_string(truth.values.size()) +
                      " of the architectures asked for; a ranking needs at least 2");
  if (static_cast<int64_t>(truth.values.size()) > kMost)
    throw ConfigError(std::to_string(truth.values.size()) + " architectures are too many to judge",
                      "rank a sample: --archs 200");
  return truth;
}

/// What all rankers say and how sure that is, into the document. `ids`: of the runs that come
/// first.
void put_rankers(Json& document,
                 const RankArguments& o,
                 const List& quality,
                 const Rankers& rankers,
                 const std::vector<std::string>& ids) {
  const Ranking ranking({o.top, o.bootstrap, o.level, o.common.seed}, quality);
  // With thousands of architectures the intervals take longer than anything else.
  Progress progress(o.common, "intervals", static_cast<int64_t>(rankers.size()));
  std::vector<std::future<Json>> rows;
  for (const auto& ranker : rankers)
    rows.push_back(std::async(std::launch::async, [&ranking, &ranker] {
      return ranking.row(ranker.first, ranker.second);
    }));
  document["rankers"] = Json::array();
  for (size_t i = 0; i < rows.size(); ++i) {
    document["rankers"].push_back(rows[i].get());
    if (i < ids.size()) document["rankers"].back()["run"] = ids[i];
    progress.update(static_cast<int64_t>(i + 1), "");
  }
  document["differences"] = differences(ranking, rankers, document["rankers"], ids.size());
}

/// The columns of predictions that are asked for, among the rankers; networks without a value of
/// one of them are left out of everything. Returns the names whose numbers are negated.
std::set<std::string> add_columns(const RankArguments& o,
                                  const Space& space,
                                  Truth& truth,
                                  Rankers& rankers,
                                  const std::vector<std::string>& taken) {
  if (!o.columns()) return {};
  TableOptions table;
  table.file = o.predictions.empty() ? o.truth : o.predictions;
  table.key = o.key;
  table.index_from = o.index_from;
  const bool same = table.file == o.truth;
  PredictedColumns found =
      predicted_columns(space,
                        table,
                        o.predicted,
                        truth.architectures,
                        o.duplicates || (o.archs != "all" && !is_count(o.archs)),
                        same ? truth.column : "",
                        truth.direction.better);
  std::set<std::string> negated;
  for (auto& [name, values] : found.rankers) {
    std::string free = name;
    while (std::count(taken.begin(), taken.end(), free) > 0) free += " (column)";
    if (found.negated.contains(name)) negated.insert(free);
    rankers.emplace_back(free, std::move(values));
  }
  truth.keep(found.complete, rankers);
  truth.without_prediction = std::count(found.complete.begin(), found.complete.end(), false);
  if (truth.values.size() < 2)
    throw ConfigError(table.file + " has predictions for " + std::to_string(truth.values.size()) +
                      " of the architectures with a truth; a ranking needs at least 2");
  return negated;
}

/// Rows of a table that need not be architectures.
int rank_rows(const RankArguments& o) {
  if (!o.predictions.empty() && o.predictions != o.truth)
    throw ConfigError(
        "--predictions names another file than --truth: which row belongs to which "
        "is known for architectures only",
        "Name their space with --space, or put all columns into one file.");
  const std::pair<const char*, bool> others[] = {{"--fix", !o.fix.empty()},
                                                 {"--archs", o.archs != "all"},
                                                 {"--split", !o.split.empty()},
                                                 {"--duplicates", o.duplicates},
                                                 {"--key", !o.key.empty()},
                                                 {"--index-from", o.index_from >= 0}};
  for (const auto& [name, given] : others)
    if (given)
      throw ConfigError(
          std::string(name) + " is about architectures; here rows are ranked as they are",
          "Name the space of the architectures with --space.");
  const PlainRows rows = plain_rows(o.truth, o.column, o.predicted, o.lower, o.higher);
  tell_direction(rows.column, rows.direction);
  Truth truth;
  truth.values = rows.truth;
  truth.direction = rows.direction;
  Json document{{"schema", "nas-rank/1"},
                {"space", nullptr},
                {"truth", o.truth},
                {"column", rows.column},
                {"direction", to_string(rows.direction.better)},
                {"n", rows.truth.size()},
                {"truth_is_constant",
                 std::equal(rows.truth.begin() + 1, rows.truth.end(), rows.truth.begin())},
                {"rows_without_value", rows.without_value},
                {"rows_repeated", rows.repeated},
                {"bootstrap", o.bootstrap},
                {"level", o.level},
                {"top", o.top}};
  put_rankers(document, o, truth.quality(), rows.predicted.rankers, {});
  put_directions(document, rows.predicted.negated);
  document["rows"] = Json::array();
  const Rankers written = as_written(rows.predicted.rankers, rows.predicted.negated);
  for (size_t i = 0; i < rows.truth.size(); ++i) {
    Json row{{"architecture", rows.names[i]}, {"truth", rows.truth[i]}};
    for (const auto& [name, values] : written) row["predicted"][name] = json_number(values[i]);
    document["rows"].push_back(std::move(row));
  }
  if (!o.table.empty()) write_table(o.table, document["rows"]);
  if (o.common.json)
    print(json_text(document));
  else
    print_ranking(document);
  return kExitOk;
}

int show(const RankArguments& o,
         const Domain& domain,
         Truth truth,
         Rankers rankers,
         const std::vector<std::string>& ids,  // Of the runs among the rankers.
         const std::function<void(Json&)>& keep) {
  const Space& space = domain.space();
  std::vector<std::string> taken = {"architecture", "genes", "truth"};
  for (const auto& ranker : rankers) taken.push_back(ranker.first);
  for (const auto& ranker : untrained_rankers(space, {})) taken.push_back(ranker.first);
  const std::set<std::string> negated = add_columns(o, space, truth, rankers, taken);
  for (auto& ranker : untrained_rankers(space, truth.architectures))
    rankers.push_back(std::move(ranker));
  Json document{{"schema", "nas-rank/1"},
                {"space", space.name()},
                {"truth", o.truth},
                {"column", truth.column},
                {"direction", to_string(truth.direction.better)},
                {"n", truth.values.size()},
                {"space_size",
                 domain.count() < int64_t{1} << 53 ? Json(domain.count().to_int64())
                                                   : Json(domain.count().str())},
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
                {"top", o.top}};
  if (truth.without_weights > 0) document["without_weights"] = truth.without_weights;
  if (o.columns()) document["without_prediction"] = truth.without_prediction;
  put_rankers(document, o, truth.quality(), rankers, ids);
  if (o.columns()) put_directions(document, negated);
  put_fix(document, domain);
  document["architectures"] = ranked_rows(
      space, truth.architectures, truth.values, as_written(std::move(rankers), negated));
  if (!o.table.empty()) write_table(o.table, document["architectures"]);
  keep(document);
  if (o.common.json)
    print(json_text(document));
  else
    print_ranking(document);
  return kExitOk;
}

/// Networks whose weights in a run cannot be read (judge_supernet) are none of any ranker's.
void leave_out_lost(const Space& space, Truth& truth, Rankers& rankers) {
  std::vector<bool> judged(truth.values.size(), true);
  for (const auto& ranker : rankers)
    for (size_t i = 0; i < judged.size(); ++i)
      judged[i] = judged[i] && !std::isnan(ranker.second[i]);
  truth.without_weights = std::count(judged.begin(), judged.end(), false);
  if (truth.without_weights == 0) return;
  warning(std::to_string(truth.without_weights) + " of " + std::to_string(judged.size()) +
          " architectures are not ranked: the weights that judge them cannot be read");
  truth.keep(judged, rankers);
  truth.count_functions(space);
  if (truth.values.size() < 2)
    throw DataError("fewer than 2 architectures are left to rank: put the weights back");
}

/// Of each tree or mixture the one-shot run of equal compute, where the store has one: without it
/// nobody knows whether more sets or more training ranked better.
void add_baselines(const RankArguments& o, const Store& store, std::vector<SupernetRun>& runs) {
  std::vector<std::string> ids;
  for (const SupernetRun& run : runs) ids.push_back(run.row.id);
  for (const Json& entry : equal_compute(store, ids, o.common)) {
    if (entry["baseline"].is_null() || entry["ranked"].get<bool>()) continue;
    const auto id = entry["baseline"].get<std::string>();
    if (std::find(ids.begin(), ids.end(), id) != ids.end()) continue;
    note(o.common,
         "run " + id + " is ranked too: one set at equal compute (--no-baseline leaves it out)");
    runs.push_back(open_supernet_run(store, id, o.common));
    ids.push_back(id);
  }
}

int rank(const RankArguments& o) {
  const std::string why = unreadable(o.truth);
  if (!why.empty()) throw ConfigError("--truth " + why);
  if (o.space.empty() && o.runs.empty()) return rank_rows(o);
  if (!o.space.empty()) {
    const std::unique_ptr<Space> space = load_space(o.space);
    const Domain domain = fixed_domain(*space, o.fix);
    return show(o, domain, truth_of(o, domain), {}, {}, [](Json&) {});
  }
  Store store(o.common.db, Store::Mode::kRead);
  std::vector<SupernetRun> runs;
  for (const std::string& run : o.runs) runs.push_back(open_supernet_run(store, run, o.common));
  if (o.baseline) add_baselines(o, store, runs);
  for (const SupernetRun& run : runs)
    if (run.parts->space->fingerprint() != runs[0].parts->space->fingerprint())
      throw ConfigError("runs " + runs[0].row.id + " and " + run.row.id +
                        " are of different spaces, so their rankings cannot be compared");
  for (const SupernetRun& run : runs)
    if (run.parts->splits.hash != runs[0].parts->splits.hash)
      warning("runs " + runs[0].row.id + " and " + run.row.id +
              " hold out different images: their accuracies differ by more than the supernets");
  const Space& space = *runs[0].parts->space;
  std::vector<RunRow> rows;
  std::vector<std::string> ids, taken = {"architecture", "genes", "truth"};
  for (const SupernetRun& run : runs) {
    rows.push_back(run.row);
    ids.push_back(run.row.id);
  }
  for (const auto& ranker : untrained_rankers(space, {})) taken.push_back(ranker.first);
  const std::vector<std::string> names = unique_names(rows, taken);
  std::vector<std::string> part = o.fix;
  for (const SupernetRun& run : runs) part = with_trained_part(part, run.row);
  const Domain domain = fixed_domain(space, part);
  Truth truth = truth_of(o, domain);
  Rankers rankers;
  for (size_t i = 0; i < runs.size(); ++i)
    rankers.emplace_back(names[i],
                         judge_supernet(store, runs[i], truth.architectures, o.split, o.common));
  leave_out_lost(space, truth, rankers);
  return show(o, domain, truth, std::move(rankers), ids, [&](Json& document) {
    document["equal_compute"] = equal_compute(store, ids, o.common);
    if (store.read_only())
      return warning(store.path() + " is read-only: the ranking is not stored");
    for (const std::string& id : ids) store.set_document(id, "ranking", json_line(document));
  });
}

}  // namespace

int run_rank(const std::vector<std::string>& args) {
  RankArguments o;
  CLI::App app("Compare the ranking of supernets with ground truth", "nas rank");
  app.footer(
      "nas rank --run digits --truth truth.csv\n"
      "nas rank --run first --run second --truth truth.csv --column test_accuracy --archs 200\n"
      "nas rank --run last --truth truth.csv --archs list.txt --table ranking.csv\n"
      "nas rank --space nasbench201 --truth truth.csv --column test --duplicates\n"
      "nas rank --run last --truth truth.csv --fix '1<-0!=none'\n"
      "nas rank --space nasbench201 --truth truth.csv --column test --predictions proxies.csv\n"
      "nas rank --truth measured.csv --column latency_ms --predicted estimate,macs");
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
                 "with one a line")
      ->capture_default_str();
  app.add_flag("--no-baseline{false}",
               o.baseline,
               "Do not rank beside a tree or mixture the one-shot run of equal compute");
  app.add_flag("--duplicates",
               o.duplicates,
               "Keep architectures that compute what another one computes, each with its own row");
  app.add_flag("--lower-is-better",
               o.lower,
               "The truth is a loss, an error or a cost (default: by the column's name)")
      ->excludes(app.add_flag(
          "--higher-is-better", o.higher, "The truth is an accuracy or another quality"));
  add_fix(app, o.fix);
  app.add_option("--space", o.space, "Without a supernet: the rankers that need no training")
      ->excludes("--run");
  app.add_option("--split", o.split, "Judge on validation, test or train")
      ->check(CLI::IsMember({"validation", "test", "train"}));
  app.add_option("--bootstrap", o.bootstrap, "Draws of the bootstrap intervals")
      ->check(CLI::Range(10, 1000000));
  app.add_option("--level", o.level, "Level of the intervals")->check(number_within(0.5, 0.999));
  app.add_option("--top", o.top, "Sizes of the top: counts or shares, such as 1,10,5%")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option(
      "--table", o.table, "Also write what every ranker says of each architecture (CSV)");
  app.add_option("--predicted",
                 o.predicted,
                 "Columns of predictions that are ranked too, as COLUMN, maximize:COLUMN or "
                 "minimize:COLUMN (default with --predictions: all of numbers); without --run and "
                 "--space any rows will do")
      ->delimiter(',');
  app.add_option("--predictions", o.predictions, "CSV or JSON that has them (default: the truth's)")
      ->type_name("FILE");
  add_common(app, o.common, kTakesDb | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  run_sets(o.common.sets);
  check_top(o.top);
  if (!std::isfinite(o.level)) throw ConfigError("--level: expected a number from 0.5 to 0.999");
  if (o.runs.empty() && !(o.columns() && o.space.empty())) o.runs = {"last"};
  return rank(o);
}

}  // namespace nas::cli
