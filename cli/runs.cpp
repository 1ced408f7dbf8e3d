#include <CLI/CLI.hpp>

#include <filesystem>

#include "cli/document.hpp"
#include "cli/stored_config.hpp"
#include "cli/validators.hpp"
#include "search/store.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string format = "table";
  std::string run, command, status;
  int top = 0;
  bool config = false;
};

int list_runs(const Options& o) {
  const Store store(o.common.db, Store::Mode::kExisting);
  Rows rows{{"run", "name", "command", "status", "space", "started", "ended"}, {}};
  const std::vector<RunRow> runs = store.runs();
  for (auto row = runs.rbegin(); row != runs.rend(); ++row) {
    if (!o.command.empty() && row->command != o.command) continue;
    if (!o.status.empty() && shown_status(*row) != o.status) continue;
    if (o.top > 0 && rows.rows.size() == static_cast<size_t>(o.top)) break;
    rows.rows.push_back({row->id,
                         row->name,
                         row->command,
                         shown_status(*row),
                         row->space,
                         row->started,
                         row->ended});
  }
  const Format format = chosen_format(o.common, o.format);
  if (rows.rows.empty() && format == Format::kTable) {
    note(o.common, "no runs" + std::string(runs.empty() ? "" : " fit") + " in " + store.path());
    return kExitOk;
  }
  print_rows(rows, format, {{"schema", "nas-runs/1"}, {"db", store.path()}}, "runs");
  return kExitOk;
}

Json checkpoints_json(const Store& store, const std::string& run) {
  Json list = Json::array();
  for (const CheckpointRow& row : store.checkpoints(run))
    list.push_back({{"path", row.path},
                    {"sha256", row.sha256},
                    {"epoch", row.epoch},
                    {"step", row.step},
                    {"created", row.created},
                    {"kept", std::filesystem::exists(row.path)}});
  return list;
}

Json exports_json(const Store& store, const std::string& run) {
  Json list = Json::array();
  for (const ExportRow& row : store.exports(run))
    list.push_back({{"architecture", row.architecture},
                    {"format", row.format},
                    {"path", row.path},
                    {"sha256", row.sha256},
                    {"check", parsed_or_text(row.check_json)},
                    {"created", row.created}});
  return list;
}

// The last value of every metric.
Json last_metrics(const Store& store, const std::string& run) {
  Json json = Json::object();
  for (const MetricRow& row : store.metrics(run))
    json[row.name] = {{"step", row.step}, {"value", json_number(row.value)}};
  return json;
}

Json run_json(const Store& store, const RunRow& run) {
  Json json{{"schema", "nas-runs-show/1"},
            {"run", run.id},
            {"name", run.name},
            {"command", run.command},
            {"status", shown_status(run)},
            {"error", run.error},
            {"space", run.space},
            {"fingerprint", run.fingerprint},
            {"seed", run.seed},
            {"parent", run.parent},
            {"started", run.started},
            {"ended", run.ended},
            {"directory", run.directory},
            {"versions", parsed_or_text(run.versions_json)},
            {"config", stored_config_text(run)}};
  Json splits = Json::array();
  for (const SplitRow& row : store.splits(run.id))
    splits.push_back({{"name", row.name}, {"size", row.size}, {"hash", row.hash}});
  json["splits"] = std::move(splits);
  json["metrics"] = last_metrics(store, run.id);
  if (const auto document = store.document(run.id, "train"))
    if (const Json parsed = Json::parse(*document, nullptr, false); parsed.is_object())
      json["health"] = parsed.value("health", Json::array());
  json["evaluations"] = store.evaluations(run.id).size();
  json["checkpoints"] = checkpoints_json(store, run.id);
  json["exports"] = exports_json(store, run.id);
  return json;
}

std::string cell_text(const Json& cell) {
  if (cell.is_null()) return "-";
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_number_float()) return format_number(cell.get<double>(), 5);
  return cell.dump();
}

// A named block of `show`: the entries of a list or object, one line each.
std::string block(const std::string& title,
                  const Json& list,
                  const std::vector<std::string>& keys) {
  if (list.empty()) return "";
  Table table(keys);
  for (const auto& [name, entry] : list.items()) {
    std::vector<std::string> cells;
    for (const std::string& key : keys)
      cells.push_back(entry.contains(key) ? cell_text(entry[key]) : name);
    table.row(std::move(cells));
  }
  std::string text = "\n\n" + title + "\n  ";
  for (const char c : table.text()) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return text;
}

std::string run_text(const Json& run) {
  std::string text;
  for (const char* key : {"run",
                          "name",
                          "command",
                          "status",
                          "error",
                          "space",
                          "seed",
                          "parent",
                          "started",
                          "ended",
                          "directory",
                          "evaluations"}) {
    const std::string value = cell_text(run[key]);
    if (value.empty()) continue;
    text += (text.empty() ? "" : "\n") + std::string(key) +
            std::string(13 - std::string(key).size(), ' ') + value;
  }
  for (const auto& [name, value] : run["versions"].items())
    text +=
        "\n" + name + std::string(name.size() < 13 ? 13 - name.size() : 1, ' ') + cell_text(value);
  text += block("Splits", run["splits"], {"name", "size", "hash"});
  text += block("Last metrics", run["metrics"], {"metric", "step", "value"});
  if (run.contains("health") && !run["health"].empty()) {
    text += "\n\nHealth";
    for (const Json& line : run["health"]) text += "\n  " + cell_text(line);
  }
  // Training keeps the newest few.
  Json kept = Json::array();
  for (const Json& row : run["checkpoints"])
    if (row["kept"].get<bool>()) kept.push_back(row);
  text += block("Checkpoints", kept, {"epoch", "step", "path"});
  text += block("Exports", run["exports"], {"format", "architecture", "path"});
  return text;
}

int show_run(const Options& o) {
  const Store store(o.common.db, Store::Mode::kExisting);
  const std::optional<RunRow> run = store.run(o.run);
  if (!run) {
    std::vector<std::string> names;
    for (const RunRow& row : store.runs()) {
      names.push_back(row.id);
      if (!row.name.empty()) names.push_back(row.name);
    }
    const std::string near = nearest(o.run, names);
    throw ConfigError("no run \"" + o.run + "\" in " + store.path(),
                      near.empty() ? "nas runs lists them." : "Did you mean " + near + "?");
  }
  if (o.config) return print(stored_config_text(*run)), kExitOk;
  const Json json = run_json(store, *run);
  print(o.common.json ? json.dump(2, ' ', false, Json::error_handler_t::replace) : run_text(json));
  return kExitOk;
}

}  // namespace

int run_runs(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("List runs, show one", "nas runs");
  app.footer(
      "nas runs\n"
      "nas runs ls --command train --status finished\n"
      "nas runs show last\n"
      "nas runs show t-20261124-1a2b3c --config-only > config.yaml");
  app.require_subcommand(0, 1);
  const auto list_options = [&o](CLI::App& to) {
    to.add_option("--command", o.command, "Only runs of this command (train, search ...)")
        ->type_name("NAME");
    to.add_option(
          "--status", o.status, "Only running, finished, interrupted, failed or killed runs")
        ->check(CLI::IsMember({"running", "finished", "interrupted", "failed", "killed"}))
        ->type_name("STATUS");
    to.add_option("--top", o.top, "At most N runs, newest first")
        ->check(positive_number())
        ->type_name("N");
    add_format(to, o.format);
    add_common(to, o.common);
  };
  list_options(app);
  CLI::App* list = app.add_subcommand("ls", "List runs, newest first");
  list_options(*list);
  CLI::App* show = app.add_subcommand("show", "Everything about one run");
  show->add_option("run", o.run, "Id, unique start of an id, name, or last")->required();
  show->add_flag("--config-only", o.config, "Print only its resolved configuration (YAML)");
  add_common(*show, o.common);
  if (!parse(app, args)) return kExitOk;
  return show->parsed() ? show_run(o) : list_runs(o);
}

}  // namespace nas::cli
