// Paths are kept relative to the store where they lie below it: a folder that is moved or copied
// whole still opens.
#include "search/store/store_paths.hpp"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>

#include "search/store/store_file.hpp"

namespace fs = std::filesystem;

namespace nas {
namespace store_detail {
namespace {

constexpr const char* kRuns = "nas-runs";

fs::path canonical(const fs::path& path) {
  std::error_code error;
  fs::path real = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path : real;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace

std::string folder_of_store(const std::string& store) {
  return canonical(store).parent_path().string();
}

std::string kept_path(const std::string& store, const std::string& path) {
  if (path.empty() || !fs::path(path).is_absolute()) return path;
  const fs::path relative = canonical(path).lexically_relative(folder_of_store(store));
  return relative.empty() || *relative.begin() == ".." ? path : relative.string();
}

std::string found_file(const std::string& store, const std::string& run, const std::string& kept) {
  const fs::path base = folder_of_store(store), path = kept;
  if (kept.empty() || !path.is_absolute()) return kept.empty() ? kept : (base / path).string();
  const auto own = std::find(path.begin(), path.end(), fs::path(run));
  if (own == path.end()) return kept;  // Where the user wanted it.
  fs::path beside = base / kRuns;
  for (auto part = own; part != path.end(); ++part) beside /= *part;
  return is_there(beside) || !is_there(path) ? beside.string() : kept;
}

std::string found_folder(const std::string& store,
                         const std::string& run,
                         const std::string& kept) {
  const fs::path base = folder_of_store(store), path = kept;
  if (kept.empty() || !path.is_absolute()) return kept.empty() ? kept : (base / path).string();
  const fs::path beside = base / kRuns / run;
  return is_there(beside) || !is_there(path) ? beside.string() : kept;
}

void require_in_place(SQLite::Database& db, const std::string& path) {
  int moved = 0;
  if (sqlite3_file_control(db.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
      moved == 0)
    return;
  throw DataError(path +
                  ": the store was deleted, moved or replaced while this process was using it; "
                  "nothing more can be recorded. Put it back, then go on with --resume; files that "
                  "were written (checkpoints) are kept");
}

// SQLite's code says only that reading or writing failed; opening a store writes too (its shared
// memory file).
std::string write_trouble(const std::string& path) {
  struct statvfs disk {};
  constexpr uint64_t kLittle = 64 << 10;
  if (statvfs(folder_of_store(path).c_str(), &disk) == 0 &&
      static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize < kLittle)
    return "; the disk is full (even reading a store needs 64 KiB beside it)";
  struct rlimit limit {};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    return "; files may not grow beyond " + std::to_string(limit.rlim_cur) +
           " bytes here (ulimit -f)";
  return "";
}

}  // namespace store_detail

std::string Store::folder_of(const std::string& run) const {
  return (fs::path(store_detail::folder_of_store(path())) / "nas-runs" / run).string();
}

bool Store::owns(const RunRow& run) const {
  return run.directory.empty() ||
         !fs::path(store_detail::kept_path(path(), run.directory)).is_absolute();
}

}  // namespace nas
