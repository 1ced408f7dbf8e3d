#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/report/document.hpp"
#include "search/store/store.hpp"
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

}  // namespace

int run_db(const std::vector<std::string>& args) {
  Common common;
  CLI::App app("Inspect and upgrade the results store", "nas db");
  app.footer("nas db info\nnas db check\nnas db upgrade --db old.db");
  app.require_subcommand(1);
  CLI::App* info_app = app.add_subcommand("info", "Size and content in numbers");
  CLI::App* check_app = app.add_subcommand("check", "Look for damage; exit code 1 when found");
  CLI::App* upgrade_app =
      app.add_subcommand("upgrade", "Bring the store to this version's schema, after a backup");
  for (CLI::App* sub : {info_app, check_app, upgrade_app}) add_common(*sub, common);
  if (!parse(app, args)) return kExitOk;
  if (upgrade_app->parsed()) return upgrade(common);
  return check_app->parsed() ? check(common) : info(common);
}

}  // namespace nas::cli
