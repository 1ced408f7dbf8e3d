// All stores are looked through before the first is written to, and everything is one transaction:
// what is killed half-way leaves the journal's promise, the store as it was.
#include "search/store/store_merge.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "search/store/store_file.hpp"
#include "search/store/store_merger.hpp"
#include "search/store/store_paths.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/whole_file.hpp"

namespace fs = std::filesystem;

namespace nas {

using namespace store_detail;

namespace {

void require_sound(const std::string& path) {
  const std::vector<std::string> damage = check_store(path);
  if (damage.empty()) return;
  throw DataError(
      path + ": is damaged (" + damage.front() +
      (damage.size() > 1 ? ", and " + std::to_string(damage.size() - 1) + " more" : "") +
      "), so nothing was merged; `nas db check --db " + shell_word(path) + "` tells all");
}

/// Each once; none of them the one they go into.
std::vector<std::string> sources_of(const std::string& into, const std::vector<std::string>& from) {
  std::vector<std::string> sources;
  std::set<std::string> seen;
  const auto real = [](const std::string& path) {
    std::error_code error;
    const fs::path found = fs::weakly_canonical(path, error);
    return error ? path : found.string();
  };
  for (const std::string& path : from) {
    std::error_code error;
    if (real(path) == real(into) || fs::equivalent(path, into, error))
      throw ConfigError(path + " is the store that the others are to go into",
                        "name it once, first: nas db merge INTO FROM...");
    if (seen.insert(real(path)).second) sources.push_back(path);
  }
  return sources;
}

/// A folder appears whole or not at all under its name.
bool copy_folder(const std::string& from, const std::string& to) {
  std::error_code error;
  if (!fs::is_directory(from, error) || fs::equivalent(from, to, error)) return false;
  const std::string part = to + ".merge.tmp";
  try {
    fs::remove_all(part);
    make_folders(fs::path(to).parent_path().string());
    fs::copy(from, part, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    fs::remove_all(to);
    fs::rename(part, to);
  } catch (const fs::filesystem_error& e) {
    fs::remove_all(part, error);
    throw DataError("cannot copy " + from + " to " + to + ": " + e.code().message());
  }
  return true;
}

/// Folders of the runs that will be new here or have gone on there.
int64_t copy_folders(const Store& into, const std::string& path) {
  const Store from(path, Store::Mode::kRead);
  int64_t copied = 0;
  for (const RunRow& run : from.runs()) {
    throw_if_stopped("copying files; the store was not changed");
    if (run.status == "running" && !run_is_dead(run))
      throw DataError("run " + run.id + " of " + path +
                      " is being worked on; its files cannot be "
                      "copied now. Wait, or leave out --copy-files");
    const auto ours = into.run(run.id);
    const auto sign = [](const RunRow& r) { return std::max({r.started, r.ended, r.heartbeat}); };
    const bool here = ours && ours->id == run.id && into.owns(*ours);
    if (here && (ours->status == "finished" || sign(*ours) >= sign(run))) continue;
    if (copy_folder(run.directory, into.folder_of(run.id))) ++copied;
  }
  return copied;
}

SQLite::Database open_source(const std::string& path) {
  return can_write(path) ? store_detail::open(path) : open_read_only(path);
}

}  // namespace

bool MergedStore::nothing() const {
  return runs + further + metrics + evaluations + documents + checkpoints + exports +
             latency_tables ==
         0;
}

std::vector<MergedStore> merge_stores(const std::string& into,
                                      const std::vector<std::string>& from,
                                      const MergeOptions& options) {
  const std::vector<std::string> sources = sources_of(into, from);
  for (const std::string& path : sources) {
    require_sound(path);
    const Store readable(path, Store::Mode::kRead);  // Refuses other versions.
  }
  if (inspect(into)) require_sound(into);
  const Store store(into, Store::Mode::kCreate);
  std::vector<int64_t> folders(sources.size(), 0);
  if (options.copy_files)
    for (size_t i = 0; i < sources.size(); ++i) folders[i] = copy_folders(store, sources[i]);
  return guarded(into, [&] {
    SQLite::Database db = store_detail::open(into);
    WriteTransaction transaction(db);
    StoreMerger merger(db, into, options);
    std::vector<MergedStore> merged;
    int64_t fresh = 0;
    for (size_t i = 0; i < sources.size(); ++i) {
      SQLite::Database source = guarded(sources[i], [&] { return open_source(sources[i]); });
      SQLite::Transaction snapshot(source);  // A search may go on in it meanwhile.
      merged.push_back(merger.take(source, sources[i]));
      merged.back().folders = folders[i];
      fresh += merged.back().runs;
    }
    if (fresh > 0) merger.order_runs();
    transaction.commit();
    return merged;
  });
}

int64_t networks_judged(const std::string& path) {
  const Store readable(path, Store::Mode::kRead);  // Refuses other versions.
  return guarded(path, [&] {
    SQLite::Database db = open_source(path);
    return db
        .execAndGet("SELECT count(*) FROM (SELECT DISTINCT run, architecture FROM evaluations)")
        .getInt64();
  });
}

Vacuumed vacuum_store(const std::string& path) {
  require_sound(path);
  const Store readable(path, Store::Mode::kExisting);
  const auto bytes = [&path] {
    int64_t sum = 0;
    for (const char* end : {"", "-wal"}) {
      std::error_code error;
      const auto size = fs::file_size(path + end, error);
      if (!error) sum += static_cast<int64_t>(size);
    }
    return sum;
  };
  return guarded(path, [&] {
    Vacuumed done;
    done.before = bytes();
    SQLite::Database db = store_detail::open(path);
    {
      WriteTransaction transaction(db);
      done.architectures = db.exec(
          "DELETE FROM architectures WHERE id NOT IN (SELECT architecture FROM evaluations)");
      transaction.commit();
    }
    db.exec("VACUUM");
    db.execAndGet("PRAGMA wal_checkpoint(TRUNCATE)");
    done.after = bytes();
    return done;
  });
}

}  // namespace nas
