// Runs: begin, end, take over, find.
#include "search/store/store.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <fstream>
#include <random>
#include <sstream>

#include "search/store/store_file.hpp"
#include "search/store/store_paths.hpp"

namespace nas {

using namespace store_detail;

namespace {

constexpr int kForeignHostSilenceSeconds = 15 * 60;
constexpr const char* kIdAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kIdDigits = 13;
constexpr int kMostListed = 20;  ///< Runs that a prefix fits, in a message.
constexpr const char* kRunColumns =
    "id, command, name, status, space, space_yaml, fingerprint, config_yaml, seed, versions_json, "
    "parent, started, ended, directory, error, host, pid, pid_start, heartbeat";

std::string this_host() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

// Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); 0 when unknown.
int64_t process_start(int64_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(in, line)) return 0;
  const size_t end = line.rfind(')');  // the program's name may hold spaces
  if (end == std::string::npos) return 0;
  std::istringstream fields(line.substr(end + 1));
  std::string word;
  for (int field = 3; field <= 22; ++field)
    if (!(fields >> word)) return 0;
  return std::strtoll(word.c_str(), nullptr, 10);
}

// Seconds between an ISO 8601 UTC text and now; 0 when it cannot be read.
double seconds_since(const std::string& utc) {
  std::tm tm{};
  if (strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &tm) == nullptr) return 0;
  return std::difftime(std::time(nullptr), timegm(&tm));
}

RunRow read_run(SQLite::Statement& row) {
  RunRow run;
  int i = 0;
  const auto text = [&] { return row.getColumn(i++).getString(); };
  run.id = text();
  run.command = text();
  run.name = text();
  run.status = text();
  run.space = text();
  run.space_yaml = text();
  run.fingerprint = text();
  run.config_yaml = text();
  run.seed = std::strtoull(text().c_str(), nullptr, 10);
  run.versions_json = text();
  run.parent = text();
  run.started = text();
  run.ended = text();
  run.directory = text();
  run.error = text();
  run.host = text();
  run.pid = row.getColumn(i++).getInt64();
  run.pid_start = row.getColumn(i++).getInt64();
  run.heartbeat = text();
  return run;
}

std::vector<RunRow> query_runs(SQLite::Database& db,
                               const std::string& where,
                               const std::vector<std::string>& values) {
  SQLite::Statement row(db, std::string("SELECT ") + kRunColumns + " FROM runs " + where);
  for (size_t i = 0; i < values.size(); ++i) row.bind(static_cast<int>(i) + 1, values[i]);
  std::vector<RunRow> runs;
  while (row.executeStep()) runs.push_back(read_run(row));
  return runs;
}

/// With the folders where they are now.
std::vector<RunRow> located(const std::string& store, std::vector<RunRow> runs) {
  for (RunRow& run : runs) run.directory = found_folder(store, run.id, run.directory);
  return runs;
}

void require_change(SQLite::Database& db, const std::string& id) {
  if (db.getChanges() == 0) throw ConfigError("there is no run '" + id + "' in the store");
}

}  // namespace

void Store::add_run(const RunRow& run) {
  impl_->write([&](SQLite::Database& db) {
    if (!query_runs(db, "WHERE id = ?", {run.id}).empty())
      throw ConfigError("run '" + run.id + "' is already in the store");
    SQLite::Statement insert(db,
                             std::string("INSERT INTO runs(") + kRunColumns +
                                 ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    const std::string now = utc_now();
    int i = 1;
    for (const std::string* text : {&run.id,
                                    &run.command,
                                    &run.name,
                                    &run.status,
                                    &run.space,
                                    &run.space_yaml,
                                    &run.fingerprint,
                                    &run.config_yaml})
      insert.bind(i++, *text);
    insert.bind(i++, std::to_string(run.seed));  // as text: SQLite's integers are signed
    insert.bind(i++, run.versions_json);
    insert.bind(i++, run.parent);
    insert.bind(i++, run.started.empty() ? now : run.started);
    insert.bind(i++, run.ended);
    insert.bind(i++, kept_path(impl_->path, run.directory));
    insert.bind(i++, run.error);
    insert.bind(i++, run.host.empty() ? this_host() : run.host);
    insert.bind(i++, run.pid != 0 ? run.pid : int64_t{getpid()});
    insert.bind(i++, run.pid != 0 ? run.pid_start : process_start(getpid()));
    insert.bind(i++, run.heartbeat.empty() ? now : run.heartbeat);
    insert.exec();
  });
}

void Store::finish_run(const std::string& id, const std::string& status, const std::string& error) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE runs SET status=?, error=?, ended=? WHERE id=?");
    update.bind(1, status);
    update.bind(2, error);
    update.bind(3, utc_now());
    update.bind(4, id);
    update.exec();
    require_change(db, id);
  });
}

void Store::set_run_status(const std::string& id, const std::string& status) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE runs SET status=? WHERE id=?");
    update.bind(1, status);
    update.bind(2, id);
    update.exec();
    require_change(db, id);
  });
}

void Store::set_run_versions(const std::string& id, const std::string& versions_json) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE runs SET versions_json=? WHERE id=?");
    update.bind(1, versions_json);
    update.bind(2, id);
    update.exec();
    require_change(db, id);
  });
}

void Store::claim_run(const std::string& id, bool folder_is_ours) {
  impl_->write([&](SQLite::Database& db) {
    const std::vector<RunRow> found = query_runs(db, "WHERE id = ?", {id});
    if (found.empty()) throw ConfigError("there is no run '" + id + "' in the store");
    const RunRow& run = found.front();
    if (run.status == "finished")
      throw ConfigError("run '" + id + "' is finished and is never overwritten",
                        "Start a new run to go further.");
    const bool ours = run.host == this_host() && run.pid == getpid();
    const bool elsewhere = folder_is_ours && run.host == this_host();
    if (run.status == "running" && !ours && !elsewhere && !run_is_dead(run))
      throw ConfigError("run '" + id + "' is being worked on by process " +
                            std::to_string(run.pid) + " on " + run.host,
                        "Stop that process first.");
    SQLite::Statement update(db,
                             "UPDATE runs SET status='running', ended='', error='', host=?, pid=?, "
                             "pid_start=?, heartbeat=? WHERE id=?");
    update.bind(1, this_host());
    update.bind(2, int64_t{getpid()});
    update.bind(3, process_start(getpid()));
    update.bind(4, utc_now());
    update.bind(5, id);
    update.exec();
  });
}

void Store::give_back_run(const RunRow& before) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement update(db,
                             "UPDATE runs SET status=?, ended=?, error=?, host=?, pid=?, "
                             "pid_start=?, heartbeat=? WHERE id=?");
    update.bind(1, before.status);
    update.bind(2, before.ended);
    update.bind(3, before.error);
    update.bind(4, before.host);
    update.bind(5, before.pid);
    update.bind(6, before.pid_start);
    update.bind(7, before.heartbeat);
    update.bind(8, before.id);
    update.exec();
    require_change(db, before.id);
  });
}

void Store::heartbeat(const std::string& id) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE runs SET heartbeat=? WHERE id=?");
    update.bind(1, utc_now());
    update.bind(2, id);
    update.exec();
    require_change(db, id);
  });
}

std::optional<RunRow> Store::run(const std::string& which, const std::string& command) const {
  std::optional<RunRow> found = impl_->read([&](SQLite::Database& db) -> std::optional<RunRow> {
    const std::string filter = "(?2 = '' OR command = ?2)";
    const auto latest = [&](const std::string& where) {
      return query_runs(db,
                        "WHERE " + where + " AND " + filter + " ORDER BY seq DESC LIMIT " +
                            std::to_string(kMostListed),
                        {which, command});
    };
    const auto first = [&](const std::string& where) -> std::optional<RunRow> {
      const auto runs = query_runs(
          db, "WHERE " + where + " AND " + filter + " ORDER BY seq DESC LIMIT 1", {which, command});
      return runs.empty() ? std::nullopt : std::optional(runs.front());
    };
    if (which == "last") return first("?1 = 'last'");
    for (const char* where : {"id = ?1", "name <> '' AND name = ?1"})
      if (auto run = first(where)) return run;
    if (which.empty()) return std::nullopt;
    const auto runs = latest("substr(id, 1, length(?1)) = ?1");
    if (runs.size() > 1) {
      std::string ids;
      for (const RunRow& run : runs) ids += (ids.empty() ? "" : ", ") + run.id;
      throw ConfigError("'" + which + "' fits several runs: " + ids, "Give more of the id.");
    }
    return runs.empty() ? std::nullopt : std::optional(runs.front());
  });
  if (found) found->directory = found_folder(path(), found->id, found->directory);
  return found;
}

std::vector<RunRow> Store::runs() const {
  return located(path(), impl_->read([&](SQLite::Database& db) {
    return query_runs(db, "ORDER BY seq", {});
  }));
}

std::vector<RunRow> Store::runs_named(const std::string& name) const {
  return located(path(), impl_->read([&](SQLite::Database& db) {
    return query_runs(db, "WHERE name <> '' AND name = ? ORDER BY seq", {name});
  }));
}

std::vector<RunRow> Store::runs_of(const std::string& parent) const {
  return located(path(), impl_->read([&](SQLite::Database& db) {
    return query_runs(db, "WHERE parent = ? ORDER BY seq", {parent});
  }));
}

std::vector<RunRow> Store::runs_in(const std::string& status) const {
  return impl_->read([&](SQLite::Database& db) {
    return query_runs(db, "WHERE status = ? ORDER BY seq", {status});
  });
}

void Store::rename_run(const std::string& id, const std::string& name) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE runs SET name=? WHERE id=?");
    update.bind(1, name);
    update.bind(2, id);
    update.exec();
    require_change(db, id);
  });
}

void Store::remove_run(const std::string& id) {
  impl_->write([&](SQLite::Database& db) {
    const auto found = query_runs(db, "WHERE id = ?", {id});
    if (found.empty()) throw ConfigError("there is no run '" + id + "' in the store");
    const RunRow& run = found.front();
    if (run.status == "running" && !run_is_dead(run))
      throw ConfigError("run '" + id + "' is being worked on by process " +
                            std::to_string(run.pid) + " on " + run.host,
                        "Stop that process first.");
    SQLite::Statement erase(db, "DELETE FROM runs WHERE id=?");
    erase.bind(1, id);
    erase.exec();
    // What belongs to a run goes with it (ON DELETE CASCADE); architectures are shared.
    db.exec("DELETE FROM architectures WHERE id NOT IN (SELECT architecture FROM evaluations)");
  });
}

bool run_is_dead(const RunRow& run) {
  if (run.status != "running" || run.pid == 0) return false;
  if (run.host != this_host()) return seconds_since(run.heartbeat) > kForeignHostSilenceSeconds;
  if (kill(static_cast<pid_t>(run.pid), 0) != 0 && errno == ESRCH) return true;
  const int64_t start = process_start(run.pid);
  return run.pid_start != 0 && start != 0 && start != run.pid_start;
}

std::string shown_status(const RunRow& run) {
  return run_is_dead(run) ? "killed" : run.status;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm tm{};
  gmtime_r(&now, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text;
}

std::string new_run_id(const std::string& command) {
  // Shards of several machines are merged, so that even millions of runs must not meet: 64 bits, as
  // 13 digits of base 32 (without letters that look like digits).
  std::random_device device;
  uint64_t bits =
      (uint64_t{device()} << 32 | device()) ^ (static_cast<uint64_t>(getpid()) << 20) ^
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::string digits;
  for (int i = 0; i < kIdDigits; ++i, bits >>= 5) digits += kIdAlphabet[bits & 31];
  const std::string now = utc_now();
  const std::string day = now.substr(0, 4) + now.substr(5, 2) + now.substr(8, 2);
  return (command.empty() ? std::string("r") : command.substr(0, 1)) + "-" + day + "-" + digits;
}

bool looks_like_run_id(const std::string& text) {
  // LETTER-YYYYMMDD-DIGITS; 6 hexadecimal digits in stores of version 0.1.0.
  constexpr size_t kHead = 11, kOldDigits = 6;
  if (text.size() != kHead + kIdDigits && text.size() != kHead + kOldDigits) return false;
  if (text[0] < 'a' || text[0] > 'z' || text[1] != '-' || text[10] != '-') return false;
  return text.find_first_not_of("0123456789", 2) == 10 &&
         text.find_first_not_of(kIdAlphabet, kHead) == std::string::npos;
}

}  // namespace nas
