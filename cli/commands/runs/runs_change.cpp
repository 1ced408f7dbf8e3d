// nas runs rm, nas runs rename.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/commands/runs/runs.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string title(const RunRow& run) {
  return run.id + (run.name.empty() ? "" : " (" + printable(run.name) + ")");
}

// Only a folder of the run beside this very store is ever deleted: a store that was copied may name
// the folder of the original.
fs::path folder_of(const Store& store, const RunRow& run) {
  std::error_code error;
  const fs::path folder = fs::absolute(store.path(), error).parent_path() / "nas-runs" / run.id;
  if (run.id.empty() || !fs::is_directory(folder, error)) return {};
  // Nor one behind a link, or one that another store works in.
  if (fs::is_symlink(folder, error) || fs::is_symlink(folder.parent_path(), error)) return {};
  return other_owner(store, run).empty() ? folder : fs::path();
}

uintmax_t bytes_in(const fs::path& folder) {
  uintmax_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  return bytes;
}

// A name that several runs have does not say which one is to go.
RunRow one_run(const Store& store, const std::string& which) {
  const RunRow run = find_run(store, which);
  const std::vector<RunRow> same = store.runs_named(which);
  if (run.id == which || same.size() < 2) return run;
  std::string ids;
  for (const RunRow& row : same) ids += (ids.empty() ? "" : ", ") + row.id;
  throw ConfigError("several runs are called " + printable(which) + ": " + ids,
                    "Name them by their ids.");
}

bool confirmed(const std::vector<RunRow>& runs, const std::vector<fs::path>& folders) {
  std::string question = "Remove for good:\n";
  for (size_t i = 0; i < runs.size(); ++i)
    question += "  " + title(runs[i]) + ", " + runs[i].command + " of " + runs[i].started +
                (folders[i].empty() ? "" : ", with " + folders[i].string()) + "\n";
  if (isatty(STDIN_FILENO) == 0)
    throw ConfigError("nas runs rm asks before it removes, and there is no terminal to ask",
                      "Add --yes.");
  std::cerr << question << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void print_removed(const Store& store, const Json& removed) {
  print(json_text({{"schema", "nas-runs-rm/1"}, {"db", store.path()}, {"removed", removed}}));
}

}  // namespace

int remove_runs(const Common& common, const std::vector<std::string>& names, bool yes) {
  Store store(common.db, Store::Mode::kExisting);
  std::vector<RunRow> runs;
  for (const std::string& name : names) {
    RunRow run = one_run(store, name);
    if (shown_status(run) == "running")
      throw ConfigError("run " + title(run) + " is being worked on by process " +
                            std::to_string(run.pid) + " on " + run.host,
                        "Stop that process first.");
    const bool twice = std::any_of(
        runs.begin(), runs.end(), [&](const RunRow& other) { return other.id == run.id; });
    if (!twice) runs.push_back(std::move(run));
  }
  std::vector<fs::path> folders;
  for (const RunRow& run : runs) folders.push_back(folder_of(store, run));
  if (!yes && !confirmed(runs, folders)) {
    note(common, "nothing was removed");
    if (common.json) print_removed(store, Json::array());
    return kExitOk;
  }
  Json removed = Json::array();
  bool left = false;
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunRow& run = runs[i];
    for (const RunRow& child : store.runs_of(run.id))
      if (child.command == "search" &&
          std::none_of(runs.begin(), runs.end(), [&](const RunRow& r) { return r.id == child.id; }))
        warning("search " + title(child) +
                " was made in it: its results stay, but nothing can be exported from them");
    // The store first: a run without files is worse than files without a run.
    store.remove_run(run.id);
    const uintmax_t bytes = folders[i].empty() ? 0 : bytes_in(folders[i]);
    std::error_code error;
    if (!folders[i].empty()) fs::remove_all(folders[i], error);
    if (error) {
      left = true;
      warning(folders[i].string() + " could not be deleted: " + error.message());
    }
    std::error_code ignored;
    const bool elsewhere = folders[i].empty() && fs::is_directory(run.directory, ignored);
    if (elsewhere)
      note(common, "files in " + run.directory + " were left: they do not lie beside this store");
    removed.push_back(
        {{"run", run.id},
         {"name", run.name},
         {"folder", folders[i].empty() || error ? Json(nullptr) : Json(folders[i].string())},
         {"bytes", bytes}});
    if (!common.json)
      print_prose(
          "removed " + title(run) +
          (folders[i].empty() ? "" : " and " + format_count(static_cast<double>(bytes)) + "B"));
  }
  if (common.json) print_removed(store, removed);
  return left ? kExitFailed : kExitOk;
}

int rename_run(const Common& common, const std::string& which, const std::string& name) {
  const std::string wanted = checked_name(name, "NAME");
  if (wanted.empty()) throw ConfigError("NAME is empty", "Write a name.");
  Store store(common.db, Store::Mode::kExisting);
  const RunRow run = one_run(store, which);
  for (const RunRow& other : store.runs_named(wanted))
    if (other.id != run.id)
      throw ConfigError("run " + other.id + " is called " + printable(wanted) + " already",
                        "Choose another name.");
  store.rename_run(run.id, wanted);
  if (common.json)
    print(Json{{"schema", "nas-runs-rename/1"},
               {"db", store.path()},
               {"run", run.id},
               {"before", run.name},
               {"name", wanted}}
              .dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print_prose(title(run) + " is called " + wanted + " now");
  return kExitOk;
}

}  // namespace nas::cli
