// Rows are copied through prepared statements of two connections, not by ATTACH, which takes ten
// files at most and none inside a transaction. Ids of runs are random (64 bits), so that runs are
// one exactly when their ids are; numbers of rows (architectures, evaluations) are the store's own
// and are made anew.
#include "search/store/store_merger.hpp"

#include <algorithm>
#include <filesystem>

#include "search/store/store_paths.hpp"
#include "spaces/base/stop.hpp"

namespace fs = std::filesystem;

namespace nas::store_detail {

/// A table whose rows belong to a run.
struct RunTable {
  const char* name;
  std::vector<std::string> key, values;
  int64_t MergedStore::*count;
};

namespace {

using Columns = std::vector<std::string>;

const std::vector<RunTable>& run_tables() {
  static const std::vector<RunTable> tables = {
      {"metrics", {"run", "name", "step"}, {"value", "status"}, &MergedStore::metrics},
      {"search_state", {"run"}, {"generation", "state_json"}, nullptr},
      {"checkpoints",
       {"run", "path"},
       {"sha256", "epoch", "step", "created"},
       &MergedStore::checkpoints},
      {"documents", {"run", "kind"}, {"json"}, &MergedStore::documents},
      {"exports",
       {"run", "path"},
       {"architecture", "format", "sha256", "check_json", "created"},
       &MergedStore::exports},
      {"splits", {"run", "name"}, {"hash", "size"}, nullptr}};
  return tables;
}
/// What training or searching itself wrote: of two states of one run only one can be right.
constexpr const char* kProgress[] = {"metrics", "search_state", "checkpoints"};

const Columns kRunColumns = {"id",
                             "command",
                             "name",
                             "status",
                             "space",
                             "space_yaml",
                             "fingerprint",
                             "config_yaml",
                             "seed",
                             "versions_json",
                             "parent",
                             "started",
                             "ended",
                             "directory",
                             "error",
                             "host",
                             "pid",
                             "pid_start",
                             "heartbeat"};

std::string joined(const Columns& columns,
                   const std::string& between,
                   const std::string& after = "") {
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : between) + column + after;
  return text;
}

std::string marks(size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += i == 0 ? "?" : ",?";
  return text;
}

Columns both(Columns a, const Columns& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Column `c` of a row as parameter `p`, with its type.
void bind(SQLite::Statement& to, int p, const SQLite::Column& value) {
  if (value.isNull())
    to.bind(p);
  else if (value.isInteger())
    to.bind(p, value.getInt64());
  else if (value.isFloat())
    to.bind(p, value.getDouble());
  else
    to.bind(p, value.getString());
}

bool same(const SQLite::Column& a, const SQLite::Column& b) {
  if (a.isNull() || b.isNull()) return a.isNull() && b.isNull();
  return a.getString() == b.getString();
}

std::optional<MergedRun> run_of(SQLite::Database& db, const std::string& id) {
  SQLite::Statement row(db, "SELECT " + joined(kRunColumns, ",") + " FROM runs WHERE id=?");
  row.bind(1, id);
  if (!row.executeStep()) return std::nullopt;
  MergedRun run;
  for (size_t c = 0; c < kRunColumns.size(); ++c)
    run.text[kRunColumns[c]] = row.getColumn(static_cast<int>(c)).getString();
  run.pid = row.getColumn("pid").getInt64();
  run.pid_start = row.getColumn("pid_start").getInt64();
  return run;
}

bool further(const MergedRun& theirs, const MergedRun& ours) {
  if (theirs.finished() != ours.finished()) return theirs.finished();
  return theirs.last_sign() > ours.last_sign();
}

}  // namespace

std::string MergedRun::last_sign() const {
  return std::max({text.at("started"), text.at("ended"), text.at("heartbeat")});
}

bool MergedRun::finished() const {
  return text.at("status") == "finished";
}

MergedStore StoreMerger::take(SQLite::Database& from, const std::string& path) {
  MergedStore merged;
  merged.path = path;
  from_ = &from;
  from_path_ = path;
  SQLite::Statement ids(from, "SELECT id FROM runs ORDER BY started, seq");
  while (ids.executeStep()) {
    throw_if_stopped("merging; nothing was changed");
    const std::string id = ids.getColumn(0).getString();
    const std::vector<std::string>& only = options_.runs;
    if (only.empty() || std::find(only.begin(), only.end(), id) != only.end()) take_run(id, merged);
  }
  take_latency_tables(merged);
  return merged;
}

void StoreMerger::order_runs() {
  std::vector<std::string> ids;
  {
    SQLite::Statement row(into_, "SELECT id FROM runs ORDER BY started, seq");
    while (row.executeStep()) ids.push_back(row.getColumn(0).getString());
  }
  // Through numbers that nobody has: they must differ at every moment.
  into_.exec("UPDATE runs SET seq = -seq");
  SQLite::Statement update(into_, "UPDATE runs SET seq=? WHERE id=?");
  for (size_t i = 0; i < ids.size(); ++i) {
    update.bind(1, static_cast<int64_t>(i) + 1);
    update.bind(2, ids[i]);
    update.exec();
    update.reset();
  }
}

void StoreMerger::take_run(const std::string& id, MergedStore& merged) {
  const MergedRun theirs = *run_of(*from_, id);
  const std::optional<MergedRun> ours = run_of(into_, id);
  const Which which = !ours ? Which::kNew : further(theirs, *ours) ? Which::kTheirs : Which::kOurs;
  if (ours && ours->finished() && theirs.finished() && theirs.last_sign() != ours->last_sign())
    merged.notes.push_back("run " + id + " went on differently in " + from_path_ +
                           "; the one that ended later is kept");
  if (which == Which::kNew) {
    insert_run(theirs, merged);
    ++merged.runs;
  } else if (which == Which::kTheirs) {
    update_run(theirs);
    ++merged.further;
  }
  if (which == Which::kTheirs)
    for (const char* table : kProgress) {
      SQLite::Statement erase(into_, std::string("DELETE FROM ") + table + " WHERE run=?");
      erase.bind(1, id);
      erase.exec();
    }
  int64_t rows = 0, contradictions = 0;
  for (const RunTable& table : run_tables()) {
    const bool progress =
        std::find(std::begin(kProgress), std::end(kProgress), std::string(table.name)) !=
        std::end(kProgress);
    if (which == Which::kOurs && progress) continue;
    const int64_t n = copy_rows(table, id, which, contradictions);
    if (table.count != nullptr) merged.*table.count += n;
    rows += n;
  }
  const int64_t evaluations = copy_evaluations(id, which, contradictions);
  merged.evaluations += evaluations;
  if (which == Which::kOurs && rows + evaluations == 0) ++merged.known;
  if (contradictions > 0)
    merged.notes.push_back("run " + id + ": " + std::to_string(contradictions) +
                           " values contradict those of " + from_path_ + "; " +
                           (which == Which::kTheirs ? "theirs" : "those that were here") +
                           " are kept");
}

void StoreMerger::bind_run(SQLite::Statement& to,
                           const Columns& columns,
                           const MergedRun& run,
                           const std::string& name) const {
  int p = 1;
  for (const std::string& column : columns) {
    if (column == "pid")
      to.bind(p++, run.pid);
    else if (column == "pid_start")
      to.bind(p++, run.pid_start);
    else if (column == "directory")
      to.bind(p++, anchored(run.text.at("id"), run.text.at(column), /*folder=*/true));
    else
      to.bind(p++, column == "name" ? name : run.text.at(column));
  }
}

void StoreMerger::insert_run(const MergedRun& run, MergedStore& merged) {
  std::string name = run.text.at("name");
  if (!name.empty() && taken(name)) {
    std::string other = name;
    for (int n = 2; options_.rename && taken(other); ++n) other = name + "-" + std::to_string(n);
    merged.notes.push_back(options_.rename
                               ? "run " + run.text.at("id") + ": its name " + name +
                                     " was taken; it is " + other + " here"
                               : "the name " + name +
                                     " is of several runs now; it means the "
                                     "newest of them (--rename gives them names of their own)");
    name = other;
  }
  SQLite::Statement insert(into_,
                           "INSERT INTO runs(" + joined(kRunColumns, ",") + ") VALUES(" +
                               marks(kRunColumns.size()) + ")");
  bind_run(insert, kRunColumns, run, name);
  insert.exec();
}

bool StoreMerger::taken(const std::string& name) {
  SQLite::Statement row(into_, "SELECT 1 FROM runs WHERE name=?");
  row.bind(1, name);
  return row.executeStep();
}

/// All but id and name, which may be another one here.
void StoreMerger::update_run(const MergedRun& run) {
  Columns columns;
  for (const std::string& column : kRunColumns)
    if (column != "id" && column != "name") columns.push_back(column);
  SQLite::Statement update(into_, "UPDATE runs SET " + joined(columns, ",", "=?") + " WHERE id=?");
  bind_run(update, columns, run, "");
  update.bind(static_cast<int>(columns.size()) + 1, run.text.at("id"));
  update.exec();
}

/// A path that their store keeps, as ours keeps it.
std::string StoreMerger::anchored(const std::string& run,
                                  const std::string& kept,
                                  bool folder) const {
  if (kept.empty()) return kept;
  const fs::path there =
      folder ? found_folder(from_path_, run, kept) : found_file(from_path_, run, kept);
  const fs::path own = fs::path(folder_of_store(from_path_)) / "nas-runs" / run;
  const fs::path ours = fs::path(folder_of_store(into_path_)) / "nas-runs" / run;
  const fs::path inside = there.lexically_relative(own);
  if (options_.copy_files && !inside.empty() && *inside.begin() != "..")
    return kept_path(into_path_, (inside == "." ? ours : ours / inside).string());
  return kept_path(into_path_, there.string());
}

/// Copies rows of a run; how many were new or replaced.
int64_t StoreMerger::copy_rows(const RunTable& table,
                               const std::string& run,
                               Which which,
                               int64_t& contradictions) {
  const Columns all = both(table.key, table.values);
  const std::string name = table.name;
  // In the order in which they were written.
  SQLite::Statement row(*from_,
                        "SELECT " + joined(all, ",") + " FROM " + name + " WHERE run=?" +
                            (name == "metrics" ? " ORDER BY step, name" : " ORDER BY rowid"));
  row.bind(1, run);
  SQLite::Statement find(into_,
                         "SELECT " + joined(table.values, ",") + " FROM " + name + " WHERE " +
                             joined(table.key, " AND ", "=?"));
  SQLite::Statement write(into_,
                          "INSERT OR REPLACE INTO " + name + "(" + joined(all, ",") + ") VALUES(" +
                              marks(all.size()) + ")");
  int64_t n = 0;
  while (row.executeStep()) {
    find.reset();
    write.reset();
    for (size_t c = 0; c < all.size(); ++c) {
      const int p = static_cast<int>(c) + 1;
      const SQLite::Column value = row.getColumn(static_cast<int>(c));
      const bool path = all[c] == "path";
      const std::string here = path ? anchored(run, value.getString(), /*folder=*/false) : "";
      if (path)
        write.bind(p, here);
      else
        bind(write, p, value);
      if (c >= table.key.size()) continue;
      if (path)
        find.bind(p, here);
      else
        bind(find, p, value);
    }
    if (find.executeStep()) {
      bool equal = true;
      for (size_t v = 0; v < table.values.size(); ++v)
        equal = equal && same(find.getColumn(static_cast<int>(v)),
                              row.getColumn(static_cast<int>(table.key.size() + v)));
      if (equal) continue;
      ++contradictions;
      if (which == Which::kOurs) continue;
    }
    find.reset();
    write.exec();
    ++n;
  }
  return n;
}

int64_t StoreMerger::copy_evaluations(const std::string& run,
                                      Which which,
                                      int64_t& contradictions) {
  SQLite::Statement row(*from_,
                        "SELECT a.fingerprint, a.text, e.metric, e.source, e.fidelity_json, "
                        "e.value, e.status, e.error FROM evaluations e JOIN architectures a ON "
                        "a.id=e.architecture WHERE e.run=? ORDER BY e.id");
  row.bind(1, run);
  SQLite::Statement find(into_,
                         "SELECT value, status, error FROM evaluations WHERE run=? AND "
                         "architecture=? AND metric=? AND source=? AND fidelity_json=?");
  SQLite::Statement write(
      into_,
      "INSERT INTO evaluations(run, architecture, metric, source, fidelity_json, value, status, "
      "error) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value, "
      "status=excluded.status, error=excluded.error");
  int64_t n = 0;
  while (row.executeStep()) {
    const int64_t architecture =
        architecture_of(row.getColumn(0).getString(), row.getColumn(1).getString());
    find.reset();
    write.reset();
    for (SQLite::Statement* statement : {&find, &write}) {
      statement->bind(1, run);
      statement->bind(2, architecture);
      for (int c = 2; c < 5; ++c) bind(*statement, c + 1, row.getColumn(c));
    }
    if (find.executeStep()) {
      bool equal = true;
      for (int v = 0; v < 3; ++v) equal = equal && same(find.getColumn(v), row.getColumn(v + 5));
      if (equal) continue;
      ++contradictions;
      if (which == Which::kOurs) continue;
    }
    find.reset();
    for (int c = 5; c < 8; ++c) bind(write, c + 1, row.getColumn(c));
    write.exec();
    ++n;
  }
  return n;
}

int64_t StoreMerger::architecture_of(const std::string& fingerprint, const std::string& text) {
  SQLite::Statement insert(into_,
                           "INSERT OR IGNORE INTO architectures(fingerprint, text) VALUES(?,?)");
  SQLite::Statement find(into_, "SELECT id FROM architectures WHERE fingerprint=? AND text=?");
  for (SQLite::Statement* statement : {&insert, &find}) {
    statement->bind(1, fingerprint);
    statement->bind(2, text);
  }
  insert.exec();
  find.executeStep();
  return find.getColumn(0).getInt64();
}

void StoreMerger::take_latency_tables(MergedStore& merged) {
  const Columns columns = {"id", "space", "device", "conditions_json", "table_json", "created"};
  SQLite::Statement row(*from_,
                        "SELECT " + joined(columns, ",") + " FROM latency_tables ORDER BY seq");
  SQLite::Statement find(into_,
                         "SELECT " + joined(columns, ",") + " FROM latency_tables WHERE id=?");
  SQLite::Statement write(into_,
                          "INSERT INTO latency_tables(" + joined(columns, ",") + ") VALUES(" +
                              marks(columns.size()) + ")");
  while (row.executeStep()) {
    const std::string wanted = row.getColumn(0).getString();
    std::string id = wanted;
    bool known = false;
    for (int n = 2;; ++n) {
      find.reset();
      find.bind(1, id);
      if (!find.executeStep()) break;
      known = true;
      for (int c = 1; c < static_cast<int>(columns.size()); ++c)
        known = known && same(find.getColumn(c), row.getColumn(c));
      if (known) break;
      id = wanted + "-" + std::to_string(n);
    }
    if (known) continue;
    if (id != wanted)
      merged.notes.push_back("latency table " + wanted + " is another one in " + from_path_ +
                             "; it is " + id + " here");
    write.reset();
    write.bind(1, id);
    for (int c = 1; c < static_cast<int>(columns.size()); ++c) bind(write, c + 1, row.getColumn(c));
    write.exec();
    ++merged.latency_tables;
  }
}

}  // namespace nas::store_detail
