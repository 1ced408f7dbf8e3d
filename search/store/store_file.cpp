// Every way in which a SQLite file can be wrong has a sentence and a remedy. WAL, because readers
// must not wait for a training that writes.
#include "search/store/store_file.hpp"
#include "spaces/base/shell_word.hpp"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace nas::store_detail {
namespace {

namespace fs = std::filesystem;

// Version 1: everything but searching. Text keys of runs are stable ids; `seq` keeps the order in
// which runs were begun. Values that are not finite are NULL with a status beside them.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE runs(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  command TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL CHECK(status IN ('running','finished','interrupted','failed')),
  space TEXT NOT NULL, space_yaml TEXT NOT NULL, fingerprint TEXT NOT NULL,
  config_yaml TEXT NOT NULL,
  seed TEXT NOT NULL,
  versions_json TEXT NOT NULL,
  parent TEXT NOT NULL DEFAULT '',
  started TEXT NOT NULL, ended TEXT NOT NULL DEFAULT '',
  directory TEXT NOT NULL, error TEXT NOT NULL DEFAULT '');
CREATE TABLE metrics(
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  step INTEGER NOT NULL, name TEXT NOT NULL,
  value REAL, status TEXT NOT NULL DEFAULT 'ok',
  PRIMARY KEY(run, name, step)) WITHOUT ROWID;
CREATE TABLE architectures(
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL, text TEXT NOT NULL,
  UNIQUE(fingerprint, text));
CREATE TABLE evaluations(
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  architecture INTEGER NOT NULL REFERENCES architectures(id),
  metric TEXT NOT NULL, source TEXT NOT NULL, fidelity_json TEXT NOT NULL,
  value REAL, status TEXT NOT NULL CHECK(status IN ('ok','failed')),
  error TEXT NOT NULL DEFAULT '',
  UNIQUE(run, architecture, metric, source, fidelity_json));
CREATE TABLE checkpoints(
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  path TEXT NOT NULL, sha256 TEXT NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL,
  created TEXT NOT NULL,
  PRIMARY KEY(run, path));
CREATE TABLE exports(
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  architecture TEXT NOT NULL, format TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
  check_json TEXT NOT NULL, created TEXT NOT NULL,
  PRIMARY KEY(run, path));
CREATE TABLE latency_tables(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  space TEXT NOT NULL, device TEXT NOT NULL, conditions_json TEXT NOT NULL,
  table_json TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE splits(
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  name TEXT NOT NULL, hash TEXT NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY(run, name));
)sql";

// Version 2: who works on a run (dead ones are recognised), the state of searches, documents.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE runs ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN pid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN pid_start INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN heartbeat TEXT NOT NULL DEFAULT '';
CREATE TABLE search_state(
  run TEXT PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
  generation INTEGER NOT NULL, state_json TEXT NOT NULL);
CREATE TABLE documents(
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  kind TEXT NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY(run, kind));
CREATE INDEX runs_by_name ON runs(name);
)sql";

uint32_t big_endian(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

// What is wrong with the file by its header (file format: sqlite.org/fileformat.html), or "".
std::string header_problem(const std::string& path) {
  std::array<unsigned char, 100> header{};
  std::ifstream in(path, std::ios::binary);
  if (!in) return "cannot be read (permissions?)";
  in.read(reinterpret_cast<char*>(header.data()), header.size());
  const auto got = static_cast<size_t>(in.gcount());
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const std::string_view start(reinterpret_cast<const char*>(header.data()), 16);
  if (got < 16 || start != kMagic) return "is not a results store (not an SQLite file)";
  if (got < header.size()) return "is truncated";
  if (big_endian(&header[68]) != static_cast<uint32_t>(kApplicationId))
    return "is an SQLite file of another program, not a results store";
  std::error_code ec;
  const uint64_t size = fs::file_size(path, ec);
  const uint32_t raw = uint32_t{header[16]} << 8 | header[17];
  const uint64_t page = raw == 1 ? 65536 : raw;
  const uint64_t wal = fs::file_size(path + "-wal", ec);
  const bool has_wal = !ec && wal > 0;
  // With a write-ahead log the pages may still be there; without it all must be in the file.
  if (!has_wal && page > 0 && size < uint64_t{big_endian(&header[28])} * page)
    return "is truncated (" + std::to_string(size) + " bytes of " +
           std::to_string(uint64_t{big_endian(&header[28])} * page) + ")";
  return "";
}

void set_pragmas(SQLite::Database& db) {
  db.setBusyTimeout(kBusyMilliseconds);
  db.exec("PRAGMA foreign_keys = ON");
}

// Changing the journal mode needs the file alone and does not wait, so another process that opens
// at the same moment makes it fail for an instant.
std::string enable_wal(SQLite::Database& db) {
  for (int attempt = 0;; ++attempt) {
    try {
      return db.execAndGet("PRAGMA journal_mode = WAL").getString();
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_BUSY || attempt > 500) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

}  // namespace

const std::vector<std::string>& migrations() {
  static const std::vector<std::string> list = {kVersion1, kVersion2};
  return list;
}

bool inspect(const std::string& path) {
  if (path.empty()) throw ConfigError("--db is empty", "Name the file of a store, e.g. nas.db.");
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (fs::is_directory(status))
    throw ConfigError(path + ": is a directory",
                      "Give the path of a store file, e.g. --db " + path + "/nas.db.");
  if (!fs::exists(status)) {
    const fs::path folder = fs::absolute(path).parent_path();
    if (!fs::is_directory(folder, ec))
      throw ConfigError(path + ": its folder does not exist", "Make it first.");
    return false;
  }
  if (!fs::is_regular_file(status))
    throw ConfigError(path + ": is not a regular file", "Name the file of a store with --db.");
  if (fs::file_size(path, ec) == 0) return false;
  // Another process may just be writing the first page.
  std::string problem;
  for (int attempt = 0; attempt < 5; ++attempt) {
    problem = header_problem(path);
    if (problem.empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  // A wrong name is wrong usage; a store that was cut is a damaged file.
  if (problem.starts_with("is not") || problem.starts_with("is an"))
    throw ConfigError(path + ": " + problem + "; it was left as it is",
                      "Name another file with --db.");
  throw DataError(path + ": " + problem + "; it was left as it is. Name another file with --db");
}

SQLite::Database open(const std::string& path) {
  SQLite::Database db(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  set_pragmas(db);
  if (sqlite3_db_readonly(db.getHandle(), "main") == 1)
    throw DataError(path + ": is read-only; make it writable or copy it");
  return db;
}

bool can_write(const std::string& path) {
  std::error_code ec;
  const std::string folder = fs::absolute(path, ec).parent_path().string();
  return access(path.c_str(), W_OK) == 0 && access(folder.c_str(), W_OK) == 0;
}

// A store in WAL mode needs a file beside it even to be read, unless SQLite may take the file for
// one that nobody changes. It may where no log waits to be merged.
SQLite::Database open_read_only(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    uri += c == '%' || c == '?' || c == '#' ? std::string(code) : std::string(1, c);
  }
  std::error_code ec;
  const uint64_t wal = fs::file_size(path + "-wal", ec);
  const bool merged = ec || wal == 0;
  try {
    SQLite::Database db(uri + (merged ? "?immutable=1" : "?mode=ro"),
                        SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    db.setBusyTimeout(kBusyMilliseconds);
    if (!merged) db.execAndGet("SELECT count(*) FROM sqlite_master");
    return db;
  } catch (const SQLite::Exception& e) {
    if (merged) throw;
    throw DataError(path + ": " + e.what() + "; it is read-only, and its write-ahead log " + path +
                    "-wal holds changes that were not merged. Copy both files (and " + path +
                    "-shm) to a folder that can be written, and read the copy");
  }
}

int user_version(SQLite::Database& db) {
  return db.execAndGet("PRAGMA user_version").getInt();
}

void migrate(SQLite::Database& db, int from, int to) {
  for (int version = from; version < to; ++version)
    db.exec(migrations()[static_cast<size_t>(version)]);
  db.exec("PRAGMA user_version = " + std::to_string(to));
}

void rethrow(const std::string& path, const SQLite::Exception& e) {
  const std::string what = path + ": " + e.what();
  switch (e.getErrorCode() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw DataError(what + " (another process has held the store for " +
                      std::to_string(kBusyMilliseconds / 1000) + " s)");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw DataError(what + "; the store is damaged. `nas db check --db " + shell_word(path) +
                      "` says where; restore a backup");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      throw DataError(what + "; the store cannot be written (permissions of file and folder?)");
    case SQLITE_FULL:
      // SQLite's own words are `database or disk is full`.
      throw DataError(path +
                      ": the disk is full; make room there, or name another place with --db");
    case SQLITE_IOERR:
      throw DataError(what + write_trouble(path));
    default:
      throw DataError(what);
  }
}

}  // namespace nas::store_detail

namespace nas {

using namespace store_detail;

int store_version() {
  return static_cast<int>(migrations().size());
}

namespace {

void refuse_newer(const std::string& path, int found) {
  if (found > store_version())
    throw DataError(path + ": has store schema " + std::to_string(found) +
                    ", this nas knows up to " + std::to_string(store_version()) +
                    "; install a newer nas to use it");
}

// Schema and application id are committed with the rollback journal, before WAL is switched on: the
// header in the file itself tells from then on that it is ours.
void create_schema(SQLite::Database& db) {
  WriteTransaction transaction(db);
  if (user_version(db) == 0) {  // else another process was faster
    db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    migrate(db, 0, store_version());
  }
  transaction.commit();
}

SQLite::Database checked_reading(const std::string& path) {
  SQLite::Database db = open_read_only(path);
  const int version = user_version(db);
  refuse_newer(path, version);
  if (version < store_version())
    throw DataError(path + ": has the older store schema " + std::to_string(version) +
                    " (this nas reads " + std::to_string(store_version()) +
                    ") and is read-only; copy it and run `nas db upgrade` on the copy");
  return db;
}

/// Takes a new file of 0 bytes away where it never became a store (a full disk, a quota).
class EmptyFileGuard {
 public:
  explicit EmptyFileGuard(std::string path)
      : path_(std::move(path)), fresh_(!fs::exists(fs::symlink_status(path_))) {}
  EmptyFileGuard(const EmptyFileGuard&) = delete;
  EmptyFileGuard& operator=(const EmptyFileGuard&) = delete;
  ~EmptyFileGuard() {
    std::error_code error;
    if (!fresh_ || fs::file_size(path_, error) != 0 || error) return;
    for (const char* end : {"", "-journal", "-wal", "-shm"}) fs::remove(path_ + end, error);
  }

 private:
  std::string path_;
  bool fresh_;
};

SQLite::Database open_checked(const std::string& path, Store::Mode mode) {
  const bool exists = inspect(path);
  const EmptyFileGuard guard(path);  // Looks when the file is closed again.
  if (!exists && mode != Store::Mode::kCreate)
    throw ConfigError(path + ": there is no results store",
                      "`nas train` or `nas search` makes one, or name another with --db.");
  return guarded(path, [&] {
    if (exists && mode == Store::Mode::kRead && !can_write(path)) return checked_reading(path);
    SQLite::Database db = store_detail::open(path);
    if (!exists) create_schema(db);
    const int version = user_version(db);
    refuse_newer(path, version);
    if (version < store_version())
      throw DataError(path + ": has the older store schema " + std::to_string(version) +
                      " (this nas writes " + std::to_string(store_version()) +
                      "); run `nas db upgrade --db " + shell_word(path) +
                      "` (it makes a backup first)");
    const std::string journal = enable_wal(db);
    if (journal != "wal")
      throw DataError(path + ": SQLite cannot use write-ahead logging here (journal mode is '" +
                      journal + "'); put the store on a local file system with --db");
    return db;
  });
}

std::string backup_name(const std::string& path, int version) {
  const std::string base = path + ".v" + std::to_string(version) + ".bak";
  std::string name = base;
  for (int i = 2; std::filesystem::exists(name); ++i) name = base + std::to_string(i);
  return name;
}

}  // namespace

Store::Store(const std::string& path, Mode mode)
    : impl_(new Impl{path,
                     open_checked(path, mode),
                     {},
                     mode == Mode::kRead && !store_detail::can_write(path)}) {}
Store::~Store() = default;

const std::string& Store::path() const {
  return impl_->path;
}
bool Store::read_only() const {
  return impl_->read_only;
}

namespace {

// A busy source answers without an error and without having copied all.
void copy_whole(SQLite::Backup& backup, const std::string& target) {
  constexpr auto kPause = std::chrono::milliseconds(20);
  for (int waited = 0; backup.executeStep(-1) != SQLITE_DONE; waited += 20) {
    if (waited > kBusyMilliseconds) {
      std::error_code ec;
      std::filesystem::remove(target, ec);
      throw DataError(
          "no backup could be made: another process keeps the store busy; nothing was "
          "changed");
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

StoreUpgrade upgrade_store(const std::string& path) {
  if (!inspect(path)) throw ConfigError(path + ": there is no results store");
  return guarded(path, [&] {
    SQLite::Database db = store_detail::open(path);
    StoreUpgrade result{user_version(db), store_version(), ""};
    refuse_newer(path, result.from);
    if (result.from == result.to) return result;
    result.backup = backup_name(path, result.from);
    const std::string part = result.backup + ".tmp" + std::to_string(getpid());
    try {
      {
        SQLite::Database copy(part, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        SQLite::Backup backup(copy, db);
        copy_whole(backup, result.backup);
      }
      fs::rename(part, result.backup);
    } catch (...) {
      // No half backup under a name that promises a whole one.
      std::error_code ignored;
      for (const char* end : {"", "-journal"}) fs::remove(part + end, ignored);
      throw;
    }
    WriteTransaction transaction(db);
    result.from = user_version(db);
    migrate(db, result.from, result.to);
    transaction.commit();
    return result;
  });
}

}  // namespace nas
