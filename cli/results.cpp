// Questions to the store: architectures with their metrics, Pareto fronts, training curves.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>

#include "cli/document.hpp"
#include "cli/validators.hpp"
#include "search/constraints.hpp"
#include "search/pareto.hpp"
#include "search/store.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string format = "table";
  std::string run = "last";
  std::vector<std::string> metrics, where, front;
  std::string sort, source, document;
  int top = 0;
  bool reverse = false, history = false, all = false;
};

/// One architecture with the latest value of each metric.
struct Entry {
  std::string architecture;
  std::map<std::string, double> values;
};
struct Results {
  std::vector<Entry> entries;
  std::vector<std::string> metrics;  // In order of appearance.
  size_t repeated = 0;               // Values that a later one replaced.
  size_t failed = 0;
};

// Costs are better when small; scores such as accuracy when large.
bool smaller_is_better(const std::string& metric) {
  for (const char* word : {"macs",
                           "params",
                           "latency",
                           "bytes",
                           "memory",
                           "energy",
                           "loss",
                           "error",
                           "seconds",
                           "flops"})
    if (metric.find(word) != std::string::npos) return true;
  return metric.size() > 3 && metric.compare(metric.size() - 3, 3, "_ms") == 0;
}

bool wanted(const Options& o, const std::string& metric) {
  return o.metrics.empty() ||
         std::find(o.metrics.begin(), o.metrics.end(), metric) != o.metrics.end();
}

Results collect(const Options& o, const std::vector<EvaluationRow>& rows) {
  Results table;
  std::map<std::string, size_t> place;
  for (const EvaluationRow& row : rows) {
    if (!o.source.empty() && row.source != o.source) continue;
    if (row.status != "ok") {
      ++table.failed;
      continue;
    }
    const auto [at, fresh] = place.emplace(row.architecture, table.entries.size());
    if (fresh) table.entries.push_back({row.architecture, {}});
    if (!table.entries[at->second].values.insert_or_assign(row.metric, row.value).second)
      ++table.repeated;
    if (std::find(table.metrics.begin(), table.metrics.end(), row.metric) == table.metrics.end())
      table.metrics.push_back(row.metric);
  }
  return table;
}

void need_metric(const Results& table, const std::string& metric, const std::string& flag) {
  if (std::find(table.metrics.begin(), table.metrics.end(), metric) != table.metrics.end()) return;
  std::string known;
  for (const std::string& name : table.metrics) known += (known.empty() ? "" : ", ") + name;
  const std::string near = nearest(metric, table.metrics);
  throw ConfigError(flag + ": no metric \"" + metric + "\" in this run",
                    near.empty() ? "It has: " + known + "." : "Did you mean " + near + "?");
}

void keep_where(const Options& o, Results& table) {
  for (const std::string& text : o.where) {
    const Constraint constraint = parse_constraint(text);
    need_metric(table, constraint.metric, "--where");
    std::erase_if(table.entries, [&](const Entry& entry) {
      const auto value = entry.values.find(constraint.metric);
      return value == entry.values.end() || !constraint.holds(value->second);
    });
  }
}

// `maximize: accuracy`, `minimize:macs`, or a metric alone.
Objective objective_of(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return {text, !smaller_is_better(text)};
  const std::string word = text.substr(0, colon);
  const size_t start = text.find_first_not_of(' ', colon + 1);
  if ((word != "maximize" && word != "minimize") || start == std::string::npos)
    throw ConfigError("--front: expected METRIC, maximize:METRIC or minimize:METRIC, got \"" +
                      text + "\"");
  return {text.substr(start), word == "maximize"};
}

void keep_front(const Options& o, Results& table) {
  if (o.front.empty()) return;
  std::vector<Objective> objectives;
  for (const std::string& text : o.front) {
    objectives.push_back(objective_of(text));
    need_metric(table, objectives.back().metric, "--front");
  }
  std::erase_if(table.entries, [&](const Entry& entry) {
    return std::any_of(objectives.begin(), objectives.end(), [&](const Objective& objective) {
      return !entry.values.contains(objective.metric);
    });
  });
  std::vector<Point> points;
  for (const Entry& entry : table.entries) {
    Point point;
    for (const Objective& objective : objectives)
      point.push_back(entry.values.at(objective.metric) * objective.sign());
    points.push_back(point);
  }
  const std::vector<int> ranks = non_dominated_ranks(points);
  std::vector<Entry> front;
  std::set<Point> seen;  // Of equal points the first.
  for (size_t i = 0; i < points.size(); ++i)
    if (ranks[i] == 0 && seen.insert(points[i]).second) front.push_back(table.entries[i]);
  table.entries = std::move(front);
}

void sort_entries(const Options& o, Results& table) {
  std::string metric = o.sort;
  if (metric.empty() && !o.front.empty()) metric = objective_of(o.front[0]).metric;
  if (metric.empty() && !table.metrics.empty()) metric = table.metrics.front();
  if (metric.empty()) return;
  need_metric(table, metric, "--sort");
  const double sign = (smaller_is_better(metric) ? 1 : -1) * (o.reverse ? -1 : 1);
  std::stable_sort(table.entries.begin(), table.entries.end(), [&](const Entry& a, const Entry& b) {
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

int print_architectures(const Options& o, const Store& store, const RunRow& run, Results table) {
  for (const std::string& metric : o.metrics) need_metric(table, metric, "--metric");
  keep_where(o, table);
  keep_front(o, table);
  sort_entries(o, table);
  if (o.top > 0 && table.entries.size() > static_cast<size_t>(o.top))
    table.entries.resize(static_cast<size_t>(o.top));
  Rows rows{{"architecture"}, {}};
  for (const std::string& metric : table.metrics)
    if (wanted(o, metric)) rows.header.push_back(metric);
  for (const Entry& entry : table.entries) {
    std::vector<Json> row = {entry.architecture};
    for (size_t c = 1; c < rows.header.size(); ++c) {
      const auto value = entry.values.find(rows.header[c]);
      row.push_back(value == entry.values.end() ? Json(nullptr) : json_number(value->second));
    }
    rows.rows.push_back(std::move(row));
  }
  Json head = document_head("nas-results/1", store, run);
  head["failed"] = table.failed;
  print_rows(rows, chosen_format(o.common, o.format), std::move(head), "architectures");
  if (table.repeated > 0)
    note(o.common,
         "note: some architectures were measured more than once; the last value is shown"
         " (--all shows every one)");
  if (table.failed > 0)
    note(o.common,
         "note: " + std::to_string(table.failed) + " evaluations failed (--all shows them)");
  return kExitOk;
}

int print_all(const Options& o, const Store& store, const RunRow& run) {
  Rows rows{{"architecture", "metric", "value", "source", "fidelity", "status", "error"}, {}};
  for (const EvaluationRow& row : store.evaluations(run.id)) {
    if (!wanted(o, row.metric) || (!o.source.empty() && row.source != o.source)) continue;
    if (o.top > 0 && rows.rows.size() == static_cast<size_t>(o.top)) break;
    rows.rows.push_back({row.architecture,
                         row.metric,
                         json_number(row.value),
                         row.source,
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

int print_history(const Options& o, const Store& store, const RunRow& run) {
  std::vector<std::string> names;
  std::map<int64_t, std::map<std::string, double>> steps;
  for (const MetricRow& row : store.metrics(run.id)) {
    if (!wanted(o, row.name)) continue;
    if (std::find(names.begin(), names.end(), row.name) == names.end()) names.push_back(row.name);
    steps[row.step][row.name] = row.value;
  }
  Rows rows{{"step"}, {}};
  rows.header.insert(rows.header.end(), names.begin(), names.end());
  size_t skip = o.top > 0 && steps.size() > static_cast<size_t>(o.top)
                    ? steps.size() - static_cast<size_t>(o.top)
                    : 0;
  for (const auto& [step, values] : steps) {
    if (skip > 0) {
      --skip;
      continue;
    }
    std::vector<Json> row = {step};
    for (const std::string& name : names) {
      const auto value = values.find(name);
      row.push_back(value == values.end() ? Json(nullptr) : json_number(value->second));
    }
    rows.rows.push_back(std::move(row));
  }
  print_rows(rows,
             chosen_format(o.common, o.format),
             document_head("nas-results-history/1", store, run),
             "steps");
  return kExitOk;
}

int answer(const Options& o) {
  const Store store(o.common.db, Store::Mode::kExisting);
  const std::optional<RunRow> run = store.run(o.run);
  if (!run)
    throw ConfigError("no run \"" + o.run + "\" in " + store.path(), "nas runs lists them.");
  if (!o.document.empty()) {
    const auto text = store.document(run->id, o.document);
    if (!text) throw ConfigError("run " + run->id + " has no document \"" + o.document + "\"");
    return print(*text), kExitOk;
  }
  if (o.all) return print_all(o, store, *run);
  Results table = collect(o, store.evaluations(run->id));
  const bool none = table.entries.empty() && table.failed == 0;
  if (o.history || (none && !store.metrics(run->id).empty() && o.where.empty() && o.front.empty()))
    return print_history(o, store, *run);
  if (none && chosen_format(o.common, o.format) == Format::kTable) {
    note(o.common, "run " + run->id + " has no results yet");
    return kExitOk;
  }
  return print_architectures(o, store, *run, std::move(table));
}

}  // namespace

int run_results(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Evaluations, Pareto fronts and training curves of a run", "nas results");
  app.footer(
      "nas results\n"
      "nas results s-20261124-1a2b3c --where 'macs <= 20M' --top 5\n"
      "nas results --front accuracy --front macs --format csv > front.csv\n"
      "nas results digits --history --metric loss");
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
                 "maximize:METRIC or minimize:METRIC (costs are minimised by themselves)")
      ->type_name("METRIC")
      ->allow_extra_args(false);
  app.add_option("--sort", o.sort, "Best first by this metric (default: the first)")
      ->type_name("NAME");
  app.add_flag("--reverse", o.reverse, "Worst first");
  app.add_option("--top", o.top, "At most N rows (of --history: the last N)")
      ->check(positive_number())
      ->type_name("N");
  app.add_option("--source", o.source, "Only values from here: supernet, table, plan, external ...")
      ->type_name("NAME");
  app.add_flag("--all", o.all, "Every single evaluation with source, fidelity and status");
  app.add_flag("--history", o.history, "Metrics over training steps instead of architectures");
  app.add_option("--document", o.document, "A stored document as JSON, e.g. front or ranking")
      ->type_name("KIND");
  add_format(app, o.format);
  add_common(app, o.common);
  if (!parse(app, args)) return kExitOk;
  return answer(o);
}

}  // namespace nas::cli
