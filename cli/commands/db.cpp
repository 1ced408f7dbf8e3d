#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/report/document.hpp"
#include "cli/results/store_results.hpp"
#include "spaces/base/shell_word.hpp"

namespace nas::cli {
namespace {

/// A document with --json, else a sentence or some lines.
int tell(const Common& common, const nlohmann::ordered_json& json, const std::string& text) {
  if (common.json)
    print(json_text(json));
  else
    print_prose(text);
  return kExitOk;
}

int upgrade(const Common& common) {
  const StoreUpgrade done = upgrade_store(common.db);
  return tell(common, store_upgrade_json(common.db, done), store_upgrade_text(common.db, done));
}

StoreInfo info_of(const std::string& path) {
  const Store store(path, Store::Mode::kRead);
  StoreInfo info;
  info.path = path;
  info.version = store_version();
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  info.bytes = error ? 0 : bytes;
  info.counts = store.counts();
  const std::vector<RunRow> running = store.runs_in("running");
  info.killed_runs = std::count_if(running.begin(), running.end(), run_is_dead);
  info.read_only = store.read_only();
  info.networks = networks_judged(path);
  return info;
}

int info(const Common& common) {
  const StoreInfo found = info_of(common.db);
  print(common.json ? json_text(store_info_json(found)) : store_info_text(found));
  return kExitOk;
}

int check(const Common& common) {
  const std::vector<std::string> mistakes = check_store(common.db);
  if (common.json) {
    print(json_text(store_check_json(common.db, mistakes)));
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

int merge(const Common& common,
          const std::string& into,
          const std::vector<std::string>& from,
          const MergeOptions& options) {
  const std::vector<MergedStore> merged = merge_stores(into, from, options);
  if (common.json) return print(json_text(store_merge_json(into, merged))), kExitOk;
  print_store_merge(merged);
  if (std::all_of(merged.begin(), merged.end(), [](const auto& m) { return m.nothing(); }))
    note(common, into + " had all of it: nothing was changed");
  return kExitOk;
}

int vacuum(const Common& common) {
  const Vacuumed done = vacuum_store(common.db);
  return tell(common, store_vacuum_json(common.db, done), store_vacuum_text(common.db, done));
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
