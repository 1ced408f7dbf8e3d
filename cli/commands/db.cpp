#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/report/document.hpp"
#include "search/store/store.hpp"
#include "search/store/store_merge.hpp"
#include "spaces/base/shell_word.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

int upgrade(const Common& common) {
  const StoreUpgrade done = upgrade_store(common.db);
  if (common.json) {
    print(Json{{"schema", "nas-db-upgrade/1"},
               {"db", common.db},
               {"from", done.from},
               {"to", done.to},
               {"backup", done.backup}}
              .dump(2, ' ', false, Json::error_handler_t::replace));
    return kExitOk;
  }
  if (done.from == done.to) {
    print_prose(common.db + " is up to date (schema " + std::to_string(done.to) + ")");
  } else {
    print_prose(common.db + ": schema " + std::to_string(done.from) + " -> " +
                std::to_string(done.to) + "; the file before: " + done.backup);
  }
  return kExitOk;
}

int info(const Common& common) {
  const Store store(common.db, Store::Mode::kRead);
  const Store::Counts counts = store.counts();
  const std::vector<RunRow> running = store.runs_in("running");
  const auto dead = std::count_if(running.begin(), running.end(), run_is_dead);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(common.db, error);
  const Json json{{"schema", "nas-db-info/1"},
                  {"db", common.db},
                  {"version", store_version()},
                  {"bytes", error ? 0 : bytes},
                  {"runs", counts.runs},
                  {"killed_runs", dead},
                  {"evaluations", counts.evaluations},
                  {"latency_tables", counts.latency_tables},
                  {"read_only", store.read_only()}};
  if (common.json) return print(json_text(json)), kExitOk;
  std::string text;
  for (const auto& [name, value] : json.items()) {
    if (name == "schema") continue;
    text += (text.empty() ? "" : "\n") + name + std::string(16 - name.size(), ' ') +
            (value.is_string() ? value.get<std::string>() : value.dump());
  }
  print(text);
  return kExitOk;
}

int check(const Common& common) {
  const std::vector<std::string> mistakes = check_store(common.db);
  if (common.json) {
    print(Json{{"schema", "nas-db-check/1"}, {"db", common.db}, {"mistakes", mistakes}}.dump(
        2, ' ', false, Json::error_handler_t::replace));
  } else if (mistakes.empty()) {
    print_prose(common.db + ": no damage found");
  } else {
    for (const std::string& mistake : mistakes) print_prose(mistake);
    note(common,
         "restore a backup, or save what can still be read: sqlite3 " + shell_word(common.db) +
             " .recover | sqlite3 saved.db");
  }
  return mistakes.empty() ? kExitOk : kExitFailed;
}

Json merged_json(const MergedStore& m) {
  return {{"store", m.path},
          {"runs", m.runs},
          {"runs_gone_on", m.further},
          {"runs_known", m.known},
          {"metrics", m.metrics},
          {"evaluations", m.evaluations},
          {"documents", m.documents},
          {"checkpoints", m.checkpoints},
          {"exports", m.exports},
          {"latency_tables", m.latency_tables},
          {"folders_copied", m.folders},
          {"notes", m.notes}};
}

int merge(const Common& common,
          const std::string& into,
          const std::vector<std::string>& from,
          const MergeOptions& options) {
  const std::vector<MergedStore> merged = merge_stores(into, from, options);
  if (common.json) {
    Json json{{"schema", "nas-db-merge/1"}, {"into", into}, {"stores", Json::array()}};
    for (const MergedStore& m : merged) json["stores"].push_back(merged_json(m));
    return print(json_text(json)), kExitOk;
  }
  Table table({"store", "new runs", "gone on", "known", "metrics", "evaluations", "tables"});
  for (const MergedStore& m : merged)
    table.row({m.path,
               std::to_string(m.runs),
               std::to_string(m.further),
               std::to_string(m.known),
               std::to_string(m.metrics),
               std::to_string(m.evaluations),
               std::to_string(m.latency_tables)});
  print(table.text());
  for (const MergedStore& m : merged)
    for (const std::string& line : m.notes) print_prose(line);
  if (std::all_of(merged.begin(), merged.end(), [](const auto& m) { return m.nothing(); }))
    note(common, into + " had all of it: nothing was changed");
  return kExitOk;
}

int vacuum(const Common& common) {
  const Vacuumed done = vacuum_store(common.db);
  if (common.json)
    return print(json_text({{"schema", "nas-db-vacuum/1"},
                            {"db", common.db},
                            {"bytes_before", done.before},
                            {"bytes_after", done.after},
                            {"architectures_forgotten", done.architectures}})),
           kExitOk;
  print_prose(common.db + ": " + format_count(static_cast<double>(done.before)) + " bytes -> " +
              format_count(static_cast<double>(done.after)) +
              (done.architectures > 0 ? ", " + std::to_string(done.architectures) +
                                            " architectures without values forgotten"
                                      : ""));
  return kExitOk;
}

}  // namespace

int run_db(const std::vector<std::string>& args) {
  Common common;
  CLI::App app("Inspect, check, merge and upgrade results stores", "nas db");
  app.footer(
      "nas db info\n"
      "nas db check\n"
      "nas db merge all.db first.db second.db\n"
      "nas db merge nas.db nas.shard-*.db\n"
      "nas db upgrade --db old.db");
  std::string into;
  std::vector<std::string> from;
  MergeOptions options;
  app.require_subcommand(1);
  CLI::App* info_app = app.add_subcommand("info", "Size and content in numbers");
  CLI::App* check_app = app.add_subcommand("check", "Look for damage; exit code 1 when found");
  CLI::App* upgrade_app =
      app.add_subcommand("upgrade", "Bring the store to this version's schema, after a backup");
  CLI::App* vacuum_app = app.add_subcommand("vacuum", "Give unused room of the file back");
  for (CLI::App* sub : {info_app, check_app, upgrade_app, vacuum_app}) add_common(*sub, common);
  CLI::App* merge_app = app.add_subcommand(
      "merge", "Bring stores together: everything of the others into the first, nothing twice");
  merge_app->add_option("into", into, "Store to write, made where it is missing")->required();
  merge_app->add_option("from", from, "Stores to read; they stay as they are")->required();
  merge_app->add_flag("--rename",
                      options.rename,
                      "Give a run whose name is taken another name (NAME-2) instead of telling it");
  merge_app->add_flag("--copy-files",
                      options.copy_files,
                      "Copy checkpoints and exports beside the store (default: refer to where they "
                      "are)");
  add_common(*merge_app, common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  if (merge_app->parsed()) return merge(common, into, from, options);
  if (vacuum_app->parsed()) return vacuum(common);
  if (upgrade_app->parsed()) return upgrade(common);
  return check_app->parsed() ? check(common) : info(common);
}

}  // namespace nas::cli
