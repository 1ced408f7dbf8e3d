#pragma once
// One store into another, run by run. Only store_merge.cpp includes this.
#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/store/store_merge.hpp"

namespace nas::store_detail {

/// A row of `runs`: columns as text, and two numbers.
struct MergedRun {
  std::map<std::string, std::string> text;
  int64_t pid = 0, pid_start = 0;
  std::string last_sign() const;  ///< UTC.
  bool finished() const;
};
/// A table whose rows belong to a run.
struct RunTable;

/// Works inside the caller's transaction of `into`.
class StoreMerger {
 public:
  StoreMerger(SQLite::Database& into, std::string into_path, const MergeOptions& options)
      : into_(into), into_path_(std::move(into_path)), options_(options) {}
  /// Everything of the store that is open as `from`.
  MergedStore take(SQLite::Database& from, const std::string& path);
  /// Numbers runs in the order in which they began: `last` and lists go by that.
  void order_runs();

 private:
  enum class Which { kOurs, kTheirs, kNew };
  void take_run(const std::string& id, MergedStore& merged);
  void bind_run(SQLite::Statement& to,
                const std::vector<std::string>& columns,
                const MergedRun& run,
                const std::string& name) const;
  void insert_run(const MergedRun& run, MergedStore& merged);
  bool taken(const std::string& name);
  void update_run(const MergedRun& run);
  std::string anchored(const std::string& run, const std::string& kept, bool folder) const;
  int64_t copy_rows(const RunTable& table,
                    const std::string& run,
                    Which which,
                    int64_t& contradictions);
  int64_t copy_evaluations(const std::string& run, Which which, int64_t& contradictions);
  int64_t architecture_of(const std::string& fingerprint, const std::string& text);
  void take_latency_tables(MergedStore& merged);

  SQLite::Database& into_;
  std::string into_path_;
  const MergeOptions& options_;
  SQLite::Database* from_ = nullptr;
  std::string from_path_;
};

}  // namespace nas::store_detail
