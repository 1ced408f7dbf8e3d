#pragma once
// Inside of the store: opening, checking and migrating the file. Only store*.cpp include this.
#include <SQLiteCpp/SQLiteCpp.h>

#include <mutex>
#include <string>
#include <utility>

#include "search/store/store.hpp"
#include "spaces/error.hpp"

namespace nas::store_detail {

constexpr int kApplicationId = 0x4e415344;  ///< "NASD", in the file's header.
constexpr int kBusyMilliseconds = 30000;

/// Refuses directories, files that are not ours and truncated ones by reading the header only, so
/// that SQLite never touches them. True: the file is there and not empty.
bool inspect(const std::string& path);
/// Opens for reading and writing with our settings; checks that WAL is really on.
SQLite::Database open(const std::string& path);
/// True where file and folder (of the write-ahead log) can be written.
bool can_write(const std::string& path);
/// Opens a store that cannot be written. DataError where its write-ahead log holds changes that
/// cannot be read without writing.
SQLite::Database open_read_only(const std::string& path);
/// Applies migrations from+1..to inside the caller's transaction.
void migrate(SQLite::Database& db, int from, int to);
int user_version(SQLite::Database& db);
/// The numbered migrations: element i leads from version i to i + 1.
const std::vector<std::string>& migrations();

/// Turns an SQLite failure into a DataError that names the file and what to do.
[[noreturn]] void rethrow(const std::string& path, const SQLite::Exception& e);

template <typename F>
decltype(auto) guarded(const std::string& path, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const SQLite::Exception& e) {
    rethrow(path, e);
  }
}

/// DataError when the file under the path is no longer the one that was opened.
void require_in_place(SQLite::Database& db, const std::string& path);

/// Why writing beside the store may have failed ("; the disk is full" ...), or "".
std::string write_trouble(const std::string& path);

/// BEGIN IMMEDIATE: takes the write lock at once, so that it never has to be upgraded (which fails
/// without waiting when another process writes).
class WriteTransaction {
 public:
  explicit WriteTransaction(SQLite::Database& db)
      : transaction_(db, SQLite::TransactionBehavior::IMMEDIATE) {}
  void commit() { transaction_.commit(); }

 private:
  SQLite::Transaction transaction_;
};

}  // namespace nas::store_detail

namespace nas {

struct Store::Impl {
  std::string path;
  mutable SQLite::Database db;
  mutable std::mutex mutex;  ///< One Store may be used from several threads.
  bool read_only = false;

  /// Runs `f(db)` alone and inside one write transaction.
  template <typename F>
  void write(F&& f) {
    const std::lock_guard lock(mutex);
    if (read_only)
      throw DataError(path + ": is read-only; make it and its folder writable, or copy it");
    store_detail::guarded(path, [&] {
      store_detail::require_in_place(db, path);
      store_detail::WriteTransaction transaction(db);
      f(db);
      transaction.commit();
    });
  }
  template <typename F>
  auto read(F&& f) const {
    const std::lock_guard lock(mutex);
    return store_detail::guarded(path, [&] { return f(db); });
  }
};

}  // namespace nas
