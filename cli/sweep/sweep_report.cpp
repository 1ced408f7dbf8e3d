#include "cli/sweep/sweep_report.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "cli/report/document.hpp"
#include "cli/terminal/suggest.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Shown to people where there are more; JSON has all.
bool is_main(const std::string& name) {
  static const std::vector<std::string> names = {"validation.accuracy",
                                                 "validation.accuracy.mean",
                                                 "rank.tau_b",
                                                 "rank.spearman",
                                                 "hypervolume",
                                                 "best.accuracy",
                                                 "best.macs",
                                                 "best.latency_ms",
                                                 "export.params"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Accuracies are shares in the store; people read percent.
std::string shown(const std::string& name, double value) {
  if (name.find("accuracy") != std::string::npos && value >= 0 && value <= 1)
    return format_number(100 * value) + " %";
  if (name.ends_with("macs") || name.ends_with("params")) return format_count(value);
  return format_number(value);
}

std::string outcome_text(const StageResult& result) {
  switch (result.outcome) {
    case Outcome::kDone:
      return result.before ? "was done" : "done";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kBlocked:
      return "left out";
    case Outcome::kWaiting:
      return "not begun";
  }
  return "";
}

Json cell_json(const SweepPlan& plan,
               const SweepCell& cell,
               const std::vector<StageResult>& results) {
  Json values = Json::object();
  for (size_t k = 0; k < plan.columns.size(); ++k)
    if (cell.values[k] != "-") values[plan.columns[k]] = cell.values[k];
  Json json{{"label", cell.label()}, {"values", values}, {"combination", cell.combination}};
  json["seed"] = cell.seed ? Json(*cell.seed) : Json(nullptr);
  json["status"] = "done";
  json["stages"] = Json::array();
  Json metrics = Json::object();
  for (const int s : cell.stages) {
    const Stage& stage = plan.stages[static_cast<size_t>(s)];
    const StageResult& result = results[static_cast<size_t>(s)];
    Json one{{"stage", to_string(stage.kind)},
             {"name", stage.name},
             {"hash", stage.hash},
             {"outcome", outcome_text(result)},
             {"run", result.state.run},
             {"seconds", result.state.seconds},
             {"log", result.log}};
    if (result.outcome != Outcome::kDone && json["status"] == "done") {
      json["status"] = result.outcome == Outcome::kFailed ? "failed" : outcome_text(result);
      json["failed_stage"] = to_string(stage.kind);
      json["error"] = result.error;
      json["log"] = result.log;
    }
    if (result.outcome == Outcome::kDone)
      for (const auto& [name, value] : stage_metrics(stage, result.state))
        metrics[name] = json_number(value);
    json["stages"].push_back(std::move(one));
  }
  json["metrics"] = metrics;
  return json;
}

/// Mean and sample standard deviation of what the cells of one combination say of a metric.
Json spread(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  Json json{{"mean", json_number(mean)}, {"n", values.size()}};
  json["deviation"] =
      values.size() < 2 ? Json(nullptr)
                        : json_number(std::sqrt(squares / static_cast<double>(values.size() - 1)));
  return json;
}

Json table_of(const Json& cells) {
  std::vector<size_t> order;
  std::map<size_t, std::vector<const Json*>> groups;
  for (const Json& cell : cells) {
    const auto at = cell["combination"].get<size_t>();
    if (groups[at].empty()) order.push_back(at);
    groups[at].push_back(&cell);
  }
  Json table = Json::array();
  for (const size_t at : order) {
    const std::vector<const Json*>& group = groups[at];
    std::vector<std::string> names;
    std::map<std::string, std::vector<double>> values;
    size_t done = 0;
    for (const Json* cell : group) {
      done += (*cell)["status"] == "done" ? 1 : 0;
      for (const auto& [name, value] : (*cell)["metrics"].items()) {
        if (!value.is_number()) continue;
        if (values[name].empty()) names.push_back(name);
        values[name].push_back(value.get<double>());
      }
    }
    Json row{{"values", (*group[0])["values"]}, {"cells", group.size()}, {"done", done}};
    row["metrics"] = Json::object();
    for (const std::string& name : names) row["metrics"][name] = spread(values[name]);
    table.push_back(std::move(row));
  }
  return table;
}

std::string spread_text(const std::string& name, const Json& s) {
  if (!s["mean"].is_number()) return "-";
  std::string text = shown(name, s["mean"].get<double>());
  if (s["deviation"].is_number()) text += " ± " + shown(name, s["deviation"].get<double>());
  return text;
}

void print_failures(const Json& document) {
  for (const Json& cell : document["cells"]) {
    if (cell["status"] == "done") continue;
    std::string text = cell["status"].get<std::string>() + ": " + cell["label"].get<std::string>();
    if (cell.contains("error"))
      text +=
          ": " + cell["failed_stage"].get<std::string>() + ": " + cell["error"].get<std::string>();
    if (const auto log = cell.value("log", std::string()); !log.empty()) text += "\n  log: " + log;
    print_prose(text);
  }
}

}  // namespace

std::string counted(size_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

Json sweep_document(const SweepPlan& plan,
                    const std::vector<StageResult>& results,
                    const SweepPlace& place) {
  Json json{{"schema", "nas-sweep/1"},
            {"name", plan.name},
            {"store", place.store},
            {"folder", place.folder},
            {"columns", plan.columns},
            {"repeated_cells", plan.repeated},
            {"cells", Json::array()}};
  size_t failed = 0;
  for (const SweepCell& cell : plan.cells) {
    json["cells"].push_back(cell_json(plan, cell, results));
    failed += json["cells"].back()["status"] == "done" ? 0 : 1;
  }
  json["failed"] = failed;
  json["table"] = table_of(json["cells"]);
  return json;
}

void print_sweep(const Json& document) {
  std::vector<std::string> metrics, every;
  for (const Json& row : document["table"])
    for (const auto& [name, value] : row["metrics"].items()) {
      std::vector<std::string>& list = is_main(name) ? metrics : every;
      if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
    }
  if (metrics.empty()) metrics = every;
  std::vector<std::string> header;
  for (const Json& column : document["columns"]) header.push_back(column.get<std::string>());
  header.emplace_back("cells");
  header.insert(header.end(), metrics.begin(), metrics.end());
  Table table(header);
  for (const Json& row : document["table"]) {
    std::vector<std::string> cells;
    for (const Json& column : document["columns"])
      cells.push_back(row["values"].value(column.get<std::string>(), std::string("-")));
    const std::string count = row["cells"].dump();
    cells.push_back(row["done"] == row["cells"] ? count : row["done"].dump() + " of " + count);
    for (const std::string& name : metrics)
      cells.push_back(row["metrics"].contains(name) ? spread_text(name, row["metrics"][name])
                                                    : "-");
    table.row(cells);
  }
  print(table.text());
  const std::string deviation = "mean ± standard deviation over seeds";
  if (document["cells"].size() > document["table"].size()) print_prose(deviation);
  if (const auto repeated = document["repeated_cells"].get<size_t>(); repeated > 0)
    print_prose(counted(repeated, "cell") +
                (repeated == 1 ? " is left out: it resolves" : " are left out: they resolve") +
                " to the same as another");
  print_failures(document);
}

Rows sweep_rows(const Json& document) {
  std::vector<std::string> metrics;
  bool errors = false;
  for (const Json& cell : document["cells"]) {
    errors = errors || cell.contains("error");
    for (const auto& [name, value] : cell["metrics"].items())
      if (std::find(metrics.begin(), metrics.end(), name) == metrics.end()) metrics.push_back(name);
  }
  Rows rows;
  for (const Json& column : document["columns"]) rows.header.push_back(column.get<std::string>());
  const size_t values = rows.header.size();
  rows.header.insert(rows.header.end(), {"seed", "status"});
  rows.header.insert(rows.header.end(), metrics.begin(), metrics.end());
  if (errors) rows.header.emplace_back("error");
  for (const Json& cell : document["cells"]) {
    std::vector<Json> row;
    for (size_t k = 0; k < values; ++k)
      row.push_back(cell["values"].value(rows.header[k], Json(nullptr)));
    row.push_back(cell["seed"]);
    row.push_back(cell["status"]);
    for (const std::string& name : metrics)
      row.push_back(cell["metrics"].value(name, Json(nullptr)));
    if (errors) row.push_back(cell.value("error", Json(nullptr)));
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

Rows dry_run_rows(const Json& document) {
  Rows rows{{"stage", "name", "what", "cells", "seconds", "run"}, {}};
  for (const Json& stage : document["stages"])
    rows.rows.push_back({stage["stage"],
                         stage["name"],
                         stage["what"],
                         stage["cells"].size(),
                         stage["seconds"],
                         stage["run"]});
  return rows;
}

Json dry_run_document(const SweepPlan& plan,
                      const std::vector<StageState>& states,
                      const std::vector<double>& seconds,
                      const SweepPlace& place) {
  const std::vector<bool> wanted = stages_to_run(plan, states);
  Json json{{"schema", "nas-sweep-dry-run/1"},
            {"name", plan.name},
            {"store", place.store},
            {"folder", place.folder},
            {"cells", plan.cells.size()},
            {"repeated_cells", plan.repeated},
            {"jobs", place.jobs},
            {"threads", place.threads},
            {"stages", Json::array()}};
  std::vector<std::vector<std::string>> users(plan.stages.size());
  for (const SweepCell& cell : plan.cells)
    for (const int s : cell.stages) users[static_cast<size_t>(s)].push_back(cell.label());
  double total = 0;
  size_t unknown = 0, left = 0;
  for (size_t s = 0; s < plan.stages.size(); ++s) {
    if (users[s].empty()) continue;
    const StageState& state = states[s];
    const Stage& stage = plan.stages[s];
    const bool resumes = !state.run.empty() && !state.anew &&
                         (stage.kind == StageKind::kTrain || stage.kind == StageKind::kSearch);
    const char* what = !wanted[s]        ? "done"
                       : state.worked_on ? "running"
                       : resumes         ? "goes on"
                                         : "runs";
    json["stages"].push_back({{"stage", to_string(stage.kind)},
                              {"name", stage.name},
                              {"hash", stage.hash},
                              {"what", what},
                              {"run", state.run},
                              {"cells", users[s]},
                              {"seconds", json_number(wanted[s] ? seconds[s] : 0)}});
    if (!wanted[s]) continue;
    ++left;
    if (std::isnan(seconds[s]))
      ++unknown;
    else
      total += seconds[s];
  }
  json["stages_left"] = left;
  json["stages_of_unknown_length"] = unknown;
  json["hours_of_work"] = total / 3600;
  json["hours"] = total / 3600 / std::max(1, std::min<int>(place.jobs, static_cast<int>(left)));
  return json;
}

void print_dry_run(const Json& d) {
  Table table({"stage", "what", "cells", "time", "name"});
  for (const Json& stage : d["stages"]) {
    const bool done = stage["what"] == "done";
    table.row({stage["stage"],
               stage["what"],
               std::to_string(stage["cells"].size()),
               done                           ? ""
               : stage["seconds"].is_number() ? format_seconds(stage["seconds"].get<double>())
                                              : "?",
               stage["name"]});
  }
  print(table.text());
  const auto left = d["stages_left"].get<size_t>(),
             unknown = d["stages_of_unknown_length"].get<size_t>();
  std::string text = counted(d["cells"].get<size_t>(), "cell") + ", " + std::to_string(left) +
                     " of " + counted(d["stages"].size(), "stage") + " left";
  if (left > unknown)
    text += "; " + std::string(unknown > 0 ? "at least " : "about ") +
            format_seconds(3600 * d["hours"].get<double>()) + " with " + d["jobs"].dump() +
            (d["jobs"] == 1 ? " job" : " jobs") + " (" +
            format_number(d["hours_of_work"].get<double>(), 3) + " hours of work)";
  if (unknown > 0)
    text += "; not estimated: " + counted(unknown, "stage") +
            " (trainings that were not timed, and others of whose kind none has run)";
  print_prose(text);
}

}  // namespace nas::cli
