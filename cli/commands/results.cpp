// Questions to the store: architectures with their metrics, Pareto fronts, training curves.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <map>

#include "cli/report/directions.hpp"
#include "cli/report/document.hpp"
#include "cli/report/events/run_events.hpp"
#include "cli/report/plot/front_plot.hpp"
#include "cli/report/result_rows.hpp"
#include "cli/runs/results/kept_front.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "search/limits.hpp"
#include "search/pareto.hpp"
#include "search/search_options.hpp"
#include "search/store/store.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ResultsArguments {
  Common common;
  std::string format = "table";
  std::string run = "last";
  std::vector<std::string> metrics, where, front, splits, fidelity;
  std::string sort, source, document, tensorboard;
  int top = 0;
  FrontOptions kept;
  bool reverse = false, history = false, all = false;
};

bool wanted(const ResultsArguments& o, const std::string& metric) {
  return o.metrics.empty() ||
         std::find(o.metrics.begin(), o.metrics.end(), metric) != o.metrics.end();
}

void need_metric(const Results& table, const std::string& metric, const std::string& flag) {
  if (std::find(table.metrics.begin(), table.metrics.end(), metric) != table.metrics.end()) return;
  const std::string near = nearest(metric, table.metrics);
  throw ConfigError(
      flag + ": no metric \"" + metric + "\" in this run",
      near.empty() ? "It has: " + joined(table.metrics) + "." : "Did you mean " + near + "?");
}

// Whether `75` may be meant depends on where the values come from.
Constraint limit_of(const std::string& text, const Results& table) {
  const Constraint constraint = parse_constraint(text);
  need_metric(table, constraint.metric, "--where");
  const bool ours =
      std::find(table.ours.begin(), table.ours.end(), constraint.metric) != table.ours.end();
  std::vector<double> values;
  for (const Entry& entry : table.entries)
    if (const auto value = entry.values.find(constraint.metric); value != entry.values.end())
      values.push_back(value->second);
  const Constraint limit =
      ours ? resolve_limit(constraint, ValueScale::kOurs, "--where")
           : resolve_limit(constraint, values_of(values, /*complete=*/false), "--where");
  // Asking for none is an answer, but not where another scale must be meant.
  KnownValues known = values_of(std::move(values), /*complete=*/true);
  if (ours) known.scale = ValueScale::kOurs;
  if (const std::string hint = scale_hint(limit, known); !hint.empty()) {
    const auto [low, high] = std::minmax_element(known.seen.begin(), known.seen.end());
    warning("--where: nothing meets '" + text + "': the values of " + limit.metric + " lie in " +
            format_number(*low) + " .. " + format_number(*high) + ". " + hint);
  }
  return limit;
}

// Entries that lack a metric cannot be judged by it; that is told.
void drop_without(Results& table, const std::string& metric) {
  const size_t dropped = std::erase_if(
      table.entries, [&](const Entry& entry) { return !entry.values.contains(metric); });
  if (dropped > 0)
    warning(std::to_string(dropped) + (dropped == 1 ? " architecture has" : " architectures have") +
            " no " + metric + " and " + (dropped == 1 ? "is" : "are") + " left out");
}

void keep_where(const ResultsArguments& o, Results& table) {
  std::vector<Constraint> limits;
  for (const std::string& text : o.where) limits.push_back(limit_of(text, table));
  for (const Constraint& limit : limits) {
    drop_without(table, limit.metric);
    std::erase_if(table.entries,
                  [&](const Entry& entry) { return !limit.holds(entry.values.at(limit.metric)); });
  }
}

// What `maximize: latency (ms)` and `latency (ms)` name.
std::string front_metric(const std::string& text) {
  const size_t colon = text.find(':');
  const size_t start = colon == std::string::npos ? 0 : text.find_first_not_of(' ', colon + 1);
  return start == std::string::npos ? "" : text.substr(start);
}

// `maximize: accuracy`, `minimize:macs`, or a metric alone whose direction is known.
Objective objective_of(const std::string& text, const Directions& directions) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) {
    const auto better = directions.of(text);
    if (!better)
      throw ConfigError("--front " + text + ": whether more or less of it is better is not known",
                        "Write maximize:" + text + " or minimize:" + text + ".");
    return {text, *better == Better::kHigher};
  }
  const std::string word = text.substr(0, colon);
  const size_t start = text.find_first_not_of(' ', colon + 1);
  if ((word != "maximize" && word != "minimize") || start == std::string::npos)
    throw ConfigError("--front: expected METRIC, maximize:METRIC or minimize:METRIC, got \"" +
                      text + "\"");
  return {text.substr(start), word == "maximize"};
}

std::vector<Objective> objectives_of(const ResultsArguments& o,
                                     const Results& table,
                                     const Directions& directions) {
  std::vector<Objective> objectives;
  for (const std::string& text : o.front) {
    if (const std::string metric = front_metric(text); !metric.empty())
      need_metric(table, metric, "--front");
    objectives.push_back(objective_of(text, directions));
  }
  for (const std::string& text : objective_warnings(objectives)) warning(text);
  return objectives;
}

void sort_entries(const ResultsArguments& o,
                  Results& table,
                  const std::vector<Objective>& front,
                  const Directions& directions) {
  std::string metric = o.sort;
  std::optional<Better> better;
  if (metric.empty() && !front.empty()) {
    metric = front[0].metric;
    better = front[0].maximize ? Better::kHigher : Better::kLower;
  }
  if (metric.empty() && !table.metrics.empty()) metric = table.metrics.front();
  if (metric.empty()) return;
  need_metric(table, metric, "--sort");
  if (!better) better = directions.of(metric);
  if (!better)
    note(o.common,
         "note: whether more or less of " + metric +
             " is better is not known; the largest stand first (--reverse: the smallest)");
  const double sign =
      (better.value_or(Better::kHigher) == Better::kLower ? 1 : -1) * (o.reverse ? -1 : 1);
  std::stable_sort(table.entries.begin(), table.entries.end(), [&](const Entry& a, const Entry& b) {
    if (a.fidelity != b.fidelity) return a.fidelity < b.fidelity;
    const auto x = a.values.find(metric), y = b.values.find(metric);
    // Those without a value last.
    if (x == a.values.end() || y == b.values.end())
      return x != a.values.end() && y == b.values.end();
    return sign * x->second < sign * y->second;
  });
}

Json document_head(const char* schema, const Store& store, const RunRow& run) {
  return {{"schema", schema}, {"db", store.path()}, {"run", run.id}, {"name", run.name}};
}

std::string many(size_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

// Which fidelity is shown, and what else there is.
void tell_fidelities(const ResultsArguments& o, const Results& table) {
  std::string others;
  for (const Fidelity& f : table.fidelities) {
    if (f.shown) {
      if (!f.json.empty()) note(o.common, "shown: " + f.text());
      if (!f.own && o.splits.empty() && o.fidelity.empty() && f.source == "supernet" &&
          !f.json.empty())
        warning("the run has no values as it judges now (" + table.own +
                "); the nearest are shown (nas evaluate makes others)");
      if (f.failed > 0)
        note(o.common, "note: " + many(f.failed, "architecture") + " failed (--all tells why)");
    } else {
      others += "\n  " + f.text() + ": " + many(f.architectures, "architecture");
    }
  }
  if (!others.empty())
    note(o.common,
         "not shown, since values of another fidelity cannot be compared (--split, --fidelity, "
         "--all):" +
             others);
}

Json fidelities_json(const Results& table) {
  Json list = Json::array();
  for (const Fidelity& f : table.fidelities)
    list.push_back({{"source", f.source},
                    {"split", f.split.empty() ? Json(nullptr) : Json(f.split)},
                    {"fidelity", f.json},
                    {"architectures", f.architectures},
                    {"failed", f.failed},
                    {"own", f.own},
                    {"shown", f.shown}});
  return list;
}

void refuse_mixed_front(const ResultsArguments& o, const Results& table) {
  std::string shown;
  size_t count = 0;
  for (const Fidelity& f : table.fidelities)
    if (f.shown) {
      shown += "\n  " + f.text();
      ++count;
    }
  if (o.front.empty() || count < 2) return;
  throw ConfigError(
      "--front: values of different fidelity cannot be compared, so there is no front over:" +
          shown,
      "Choose one with --split or --fidelity KEY=VALUE.");
}

std::vector<PlotValues> values_of_all(const Results& table) {
  std::vector<PlotValues> list;
  for (const Entry& entry : table.entries) list.push_back(entry.values);
  return list;
}

int print_architectures(const ResultsArguments& o,
                        const Store& store,
                        const RunRow& run,
                        Results table) {
  std::vector<std::string> asked = o.metrics;
  asked.push_back(o.sort);
  for (const std::string& text : o.where) asked.push_back(parse_constraint(text).metric);
  for (const std::string& text : o.front) asked.push_back(front_metric(text));
  add_free_costs(table, run, asked);
  const Directions directions(run);
  for (const std::string& metric : o.metrics) need_metric(table, metric, "--metric");
  refuse_mixed_front(o, table);
  keep_where(o, table);
  const std::vector<Objective> front = objectives_of(o, table, directions);
  const Format format = chosen_format(o.common, o.format);
  std::vector<PlotValues> evaluated;
  if (!front.empty()) evaluated = values_of_all(table);
  for (const Objective& objective : front) drop_without(table, objective.metric);
  const FrontFacts facts = keep_front(o.kept, table, front);
  if (format == Format::kTable) print_front_plot(front, evaluated, values_of_all(table));
  sort_entries(o, table, front, directions);
  if (o.top > 0 && table.entries.size() > static_cast<size_t>(o.top))
    table.entries.resize(static_cast<size_t>(o.top));
  bool split = false, described = false;
  size_t shown = 0, failed = 0;
  for (const Fidelity& f : table.fidelities) {
    if (!f.shown) continue;
    split |= !f.split.empty();
    described |= !f.json.empty();
    failed += f.failed;
    ++shown;
  }
  Rows rows{{"architecture"}, {}};
  for (const std::string& metric : table.metrics)
    if (wanted(o, metric)) rows.header.push_back(metric);
  const size_t metrics_end = rows.header.size();
  if (split) rows.header.emplace_back("split");
  const bool fidelity = described && (format != Format::kTable || shown > 1);
  if (fidelity) rows.header.emplace_back("fidelity");
  for (const Entry& entry : table.entries) {
    std::vector<Json> row = {entry.architecture};
    for (size_t c = 1; c < metrics_end; ++c) {
      const auto value = entry.values.find(rows.header[c]);
      row.push_back(value == entry.values.end() ? Json(nullptr)
                                                : metric_cell(rows.header[c], value->second));
    }
    const Fidelity* f = table.fidelities.empty() ? nullptr : &table.fidelities[entry.fidelity];
    if (split) row.push_back(f == nullptr ? Json(nullptr) : Json(f->split));
    if (fidelity)
      row.push_back(f == nullptr               ? Json(nullptr)
                    : format == Format::kTable ? Json(f->text())
                                               : f->json);
    rows.rows.push_back(std::move(row));
  }
  Json head = document_head("nas-results/1", store, run);
  head["failed"] = failed;
  head["fidelities"] = fidelities_json(table);
  if (!front.empty()) {
    head["equal_left_out"] = facts.equal;
    if (o.kept.noise > 0) head["noise"] = {{"confidence", o.kept.noise}, {"kept", facts.uncertain}};
  }
  print_rows(rows, format, std::move(head), "architectures");
  if (rows.rows.empty()) note(o.common, "no architecture fits");
  tell_front(o.common, o.kept, facts);
  for (const std::string& problem : table.problems) warning(problem);
  tell_fidelities(o, table);
  return kExitOk;
}

void need_known(const std::vector<std::string>& names,
                const std::vector<std::string>& known,
                const std::string& flag,
                const std::string& thing) {
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest(name, known);
    throw ConfigError(flag + ": no " + thing + " \"" + name + "\" in this run",
                      (near.empty() ? "" : "Did you mean " + near + "? ") +
                          (known.empty() ? "It has none." : "It has: " + joined(known) + "."));
  }
}

Selection selection_of(const ResultsArguments& o) {
  return {o.source, o.splits, o.fidelity};
}

int print_all(const ResultsArguments& o, const Store& store, const RunRow& run) {
  Rows rows{{"architecture", "metric", "value", "source", "split", "fidelity", "status", "error"},
            {}};
  std::vector<std::string> known;
  const std::vector<EvaluationRow> all = store.evaluations(run.id);
  for (const EvaluationRow& row : all)
    if (std::find(known.begin(), known.end(), row.metric) == known.end())
      known.push_back(row.metric);
  need_known(o.metrics, known, "--metric", "metric");
  for (const EvaluationRow& row : all) {
    if (!wanted(o, row.metric) || !selected(row, selection_of(o))) continue;
    if (o.top > 0 && rows.rows.size() == static_cast<size_t>(o.top)) break;
    rows.rows.push_back({row.architecture,
                         row.metric,
                         metric_cell(row.metric, row.value),
                         row.source,
                         split_of(row.fidelity_json),
                         parsed_or_text(row.fidelity_json),
                         row.status,
                         row.error});
  }
  print_rows(rows,
             chosen_format(o.common, o.format),
             document_head("nas-results-all/1", store, run),
             "evaluations");
  return kExitOk;
}

void steps_only(const ResultsArguments& o, const std::string& flag) {
  if (!o.where.empty() || !o.front.empty() || !o.sort.empty() || !o.splits.empty() ||
      !o.fidelity.empty() || !o.source.empty())
    throw ConfigError(
        flag + " is about metrics over steps, not architectures",
        "Leave out --where, --front, --sort, --split, --fidelity and --source, or " + flag + ".");
}

int print_history(const ResultsArguments& o, const Store& store, const RunRow& run) {
  steps_only(o, "--history");
  need_known(o.metrics, store.metric_names(run.id), "--metric", "metric");
  const Format format = chosen_format(o.common, o.format);
  // For people the clock of each epoch is noise.
  Rows rows = history_rows(store, run, o.metrics, format != Format::kTable);
  if (const auto most = static_cast<size_t>(o.top); most > 0 && rows.rows.size() > most)
    rows.rows.erase(rows.rows.begin(), rows.rows.end() - static_cast<std::ptrdiff_t>(most));
  print_rows(rows, format, document_head("nas-results-history/1", store, run), "steps");
  return kExitOk;
}

int write_events(const ResultsArguments& o, const Store& store, const RunRow& run) {
  steps_only(o, "--tensorboard");
  if (store.metric_names(run.id).empty())
    throw ConfigError("run " + run.id + " has no metrics over steps");
  if (shown_status(run) == "running" && has_events(o.tensorboard, run.id))
    throw ConfigError("run " + run.id + " is at work, and its event file in " + o.tensorboard +
                          " may be written by it",
                      "Name another folder, or wait.");
  const RunEvents events(store, run, o.tensorboard);
  if (chosen_format(o.common, o.format) == Format::kJson) {
    Json json = document_head("nas-results-tensorboard/1", store, run);
    json["file"] = events.path();
    json["steps"] = events.steps();
    json["values"] = events.values();
    print(json_text(json));
  } else {
    print(many(events.values(), "value") + " of " + many(events.steps(), "step") + ": " +
          printable(events.path()));
  }
  return kExitOk;
}

int answer(const ResultsArguments& o) {
  const Store store(o.common.db, Store::Mode::kRead);
  const std::optional<RunRow> run = store.run(o.run);
  if (!run)
    throw ConfigError("no run \"" + o.run + "\" in " + store.path(), runs_are_listed(store.path()));
  if (!o.document.empty()) {
    const auto text = store.document(run->id, o.document);
    if (!text) need_known({o.document}, store.documents(run->id), "--document", "document");
    return print(o.common.json ? document_text(*text, o.document) : *text), kExitOk;
  }
  if (!o.source.empty()) {
    std::vector<std::string> sources;
    for (const EvaluationRow& row : store.evaluations(run->id))
      if (std::find(sources.begin(), sources.end(), row.source) == sources.end())
        sources.push_back(row.source);
    need_known({o.source}, sources, "--source", "source");
  }
  if (!o.tensorboard.empty()) return write_events(o, store, *run);
  if (o.history) return print_history(o, store, *run);
  if (o.all) return print_all(o, store, *run);
  const int64_t stored = store.evaluation_count(run->id);
  const bool asked = !o.where.empty() || !o.front.empty() || !o.sort.empty() || !o.splits.empty() ||
                     !o.fidelity.empty();
  if (stored == 0 && !asked && !store.metric_names(run->id).empty())
    return print_history(o, store, *run);
  if (stored == 0 && chosen_format(o.common, o.format) == Format::kTable) {
    note(o.common, "run " + run->id + " has no results yet");
    return kExitOk;
  }
  return print_architectures(o, store, *run, collect_results(store, *run, selection_of(o)));
}

}  // namespace

int run_results(const std::vector<std::string>& args) {
  ResultsArguments o;
  CLI::App app("Evaluations, Pareto fronts and training curves of a run", "nas results");
  app.footer(
      "nas results\n"
      "nas results s-20261124-1a2b3c --where 'macs <= 20M' --top 5\n"
      "nas results --front accuracy --front macs --format csv > front.csv\n"
      "nas results --front accuracy --front macs --noise 0.95\n"
      "nas results --all --format jsonl > evaluations.jsonl\n"
      "nas results digits --split test\n"
      "nas results digits --history --metric train.loss\n"
      "nas results digits --tensorboard events");
  app.add_option("run,--run", o.run, "Id, unique start of an id, name, or last")
      ->capture_default_str();
  app.add_option("--metric", o.metrics, "Only this metric; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--where",
                 o.where,
                 "Only architectures within a limit, e.g. 'macs <= 20M'; may be repeated")
      ->type_name("LIMIT")
      ->allow_extra_args(false);
  app.add_option("--front",
                 o.front,
                 "Only the Pareto front over these metrics; may be repeated. METRIC, "
                 "maximize:METRIC or minimize:METRIC (a metric that nas knows has its direction)")
      ->type_name("METRIC")
      ->allow_extra_args(false);
  app.add_option("--noise",
                 o.kept.noise,
                 "--front: keep what is dominated as measured, unless another measurement would "
                 "say the same with this probability (METRIC_spread and METRIC_n tell the noise)")
      ->check(number_within(0.5, 0.999999))
      ->needs("--front")
      ->type_name("CONFIDENCE");
  app.add_flag(
         "--equal", o.kept.equal, "--front: show all architectures of equal values, not the first")
      ->needs("--front");
  app.add_option("--sort", o.sort, "Best first by this metric (default: the first)")
      ->type_name("NAME");
  app.add_flag("--reverse", o.reverse, "Worst first");
  app.add_option("--top", o.top, "At most N rows (of --history: the last N)")
      ->check(positive_number())
      ->type_name("N");
  app.add_option("--source", o.source, "Only values from here: supernet, table, plan, external ...")
      ->type_name("NAME");
  app.add_option("--split",
                 o.splits,
                 "Values of this split: validation, test or train (default: the run's "
                 "evaluate.split); may be repeated")
      ->check(CLI::IsMember({"validation", "test", "train"}))
      ->type_name("SPLIT")
      ->allow_extra_args(false);
  app.add_option("--fidelity",
                 o.fidelity,
                 "Values measured so, e.g. bn=running or checkpoint=1a2b3c; all: every fidelity in "
                 "rows of its own (default: as the run judges, with its newest weights)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--all", o.all, "Every single evaluation with source, fidelity and status");
  app.add_flag("--history", o.history, "Metrics over training steps instead of architectures");
  app.add_option("--tensorboard",
                 o.tensorboard,
                 "Write all metrics over steps as an event file for TensorBoard below this folder")
      ->type_name("DIR");
  app.add_option("--document", o.document, "A stored document as JSON, e.g. front or ranking")
      ->type_name("KIND");
  add_format(app, o.format);
  add_common(app, o.common);
  if (!parse(app, args)) return kExitOk;
  return answer(o);
}

}  // namespace nas::cli
