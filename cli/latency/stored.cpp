// nas latency list: tables of the store. nas latency remove: takes some out, unless searches name
// them: their numbers could not be explained or made again.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/config/stored_config.hpp"
#include "cli/latency/results/stored.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/store/store.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct StoredArguments {
  Common common;
  std::string format = "table";
  std::vector<std::string> ids;
  bool yes = false, force = false;
};

// ---- list

/// A damaged table is listed, too: it can then be removed.
StoredTable stored(const LatencyTableRow& row) {
  StoredTable table;
  table.id = row.id;
  table.device = row.device;
  table.space = row.space;
  table.created = row.created;
  const Json conditions = Json::parse(row.conditions_json, nullptr, false);
  const auto condition = [&conditions](const char* key) {
    const bool said = conditions.is_object() && conditions.contains(key);
    return said && conditions[key].is_string() ? conditions[key].get<std::string>() : std::string();
  };
  table.batch = condition("batch");
  table.dtype = condition("dtype");
  table.threads = condition("threads");
  table.unstable = !condition("unstable").empty();
  const Json text = Json::parse(row.table_json, nullptr, false);
  if (!text.is_object() || !text.contains("ops") || !text["ops"].is_object()) return table;
  table.ops = text["ops"].size();
  table.calibrated = text.contains("calibration");
  table.grouping = "ops";
  if (text.contains("grouping") && text["grouping"].is_string())
    table.grouping = text["grouping"].get<std::string>();
  return table;
}

int list(const StoredArguments& o) {
  const Store store(o.common.db, Store::Mode::kRead);
  StoredTables found{store.path(), {}};
  for (const LatencyTableRow& row : store.latency_tables()) found.tables.push_back(stored(row));
  std::reverse(found.tables.begin(), found.tables.end());
  print_stored_tables(found, chosen_format(o.common, o.format), o.common);
  return kExitOk;
}

// ---- remove

bool names_table(const Store& store, const RunRow& run, const std::string& id) {
  try {
    if (yaml_scalar(stored_config(run), "evaluator.latency_table").value_or("") == id) return true;
  } catch (const ConfigError&) {
    // Not written by this program.
  }
  // `last`, or a file that was of this table.
  const std::vector<Input> inputs = provenance_of(store, run).inputs;
  return std::any_of(inputs.begin(), inputs.end(), [&id](const Input& input) {
    return input.what == "latency table" && input.which == id;
  });
}

void refuse_named(const Store& store, const std::vector<std::string>& ids) {
  const std::vector<RunRow> runs = store.runs();
  for (const std::string& id : ids) {
    std::string named;
    for (const RunRow& run : runs)
      if (run.command == "search" && names_table(store, run, id))
        named += (named.empty() ? "" : ", ") + run.id +
                 (run.name.empty() ? "" : " (" + printable(run.name) + ")");
    if (!named.empty())
      throw ConfigError("latency table " + printable(id) + " is named by searches: " + named,
                        "Without it they cannot go on or be made again. Keep a copy (nas latency "
                        "export), or add --force.");
  }
}

bool confirmed(const std::vector<std::string>& ids) {
  if (isatty(STDIN_FILENO) == 0)
    throw ConfigError("nas latency remove asks before it removes, and there is no terminal to ask",
                      "Add --yes.");
  std::cerr << "Remove for good:\n";
  for (const std::string& id : ids) std::cerr << "  latency table " << printable(id) << "\n";
  std::cerr << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int remove(const StoredArguments& o) {
  Store store(o.common.db, Store::Mode::kExisting);
  std::vector<std::string> ids;
  for (const std::string& name : o.ids) {
    const auto row = store.latency_table(name);
    if (!row)
      throw ConfigError("there is no latency table '" + printable(name) + "' in " + store.path(),
                        "See which there are: " + suggested({"latency", "list"}, o.common));
    if (std::find(ids.begin(), ids.end(), row->id) == ids.end()) ids.push_back(row->id);
  }
  if (!o.force) refuse_named(store, ids);
  RemovedTables removed{store.path(), {}};
  if (o.yes || confirmed(ids))
    for (const std::string& id : ids) {
      store.remove_latency_table(id);
      removed.ids.push_back(id);
    }
  print_removed_tables(removed, o.common);
  return kExitOk;
}

}  // namespace

std::function<int()> add_latency_list(CLI::App& command) {
  CLI::App& app = *command.add_subcommand("list", "List the latency tables of the store");
  auto o = std::make_shared<StoredArguments>();
  add_format(app, o->format);
  add_common(app, o->common);
  return [o] { return list(*o); };
}

std::function<int()> add_latency_remove(CLI::App& command) {
  CLI::App& app = *command.add_subcommand("remove", "Remove latency tables from the store");
  auto o = std::make_shared<StoredArguments>();
  app.add_option("table", o->ids, "Ids of tables, or last")->required();
  app.add_flag("--force", o->force, "Remove also those that searches name");
  app.add_flag("-y,--yes", o->yes, "Do not ask");
  add_common(app, o->common);
  return [o] { return remove(*o); };
}

}  // namespace nas::cli
