// What belongs to a run: metrics, evaluations, checkpoints, exports, tables, splits.
#include <cmath>
#include <limits>

#include "search/store/store_file.hpp"
#include "search/store/store_paths.hpp"

namespace nas {

using namespace store_detail;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string run_fingerprint(SQLite::Database& db, const std::string& run) {
  SQLite::Statement row(db, "SELECT fingerprint FROM runs WHERE id=?");
  row.bind(1, run);
  if (!row.executeStep()) throw ConfigError("there is no run '" + run + "' in the store");
  return row.getColumn(0).getString();
}

void require_run(SQLite::Database& db, const std::string& run) {
  run_fingerprint(db, run);
}

void insert_metrics(SQLite::Database& db,
                    const std::string& run,
                    const std::vector<MetricRow>& rows) {
  SQLite::Statement insert(
      db,
      "INSERT INTO metrics(run, step, name, value, status) VALUES(?,?,?,?,?) "
      "ON CONFLICT DO UPDATE SET value=excluded.value, status=excluded.status");
  for (const MetricRow& row : rows) {
    insert.bind(1, run);
    insert.bind(2, row.step);
    insert.bind(3, row.name);
    if (std::isfinite(row.value)) {
      insert.bind(4, row.value);
      insert.bind(5, "ok");
    } else {
      insert.bind(4);
      insert.bind(5, std::isnan(row.value) ? "nan" : row.value > 0 ? "inf" : "-inf");
    }
    insert.exec();
    insert.reset();
  }
}

double metric_value(SQLite::Statement& row, int value, int status) {
  if (!row.isColumnNull(value)) return row.getColumn(value).getDouble();
  const std::string text = row.getColumn(status).getString();
  return text == "inf" ? kInfinity : text == "-inf" ? -kInfinity : kNan;
}

/// Ids of architectures by text, with statements that are prepared once.
class ArchitectureIds {
 public:
  explicit ArchitectureIds(SQLite::Database& db)
      : insert_(db, "INSERT OR IGNORE INTO architectures(fingerprint, text) VALUES(?,?)"),
        find_(db, "SELECT id FROM architectures WHERE fingerprint=? AND text=?") {}
  int64_t of(const std::string& fingerprint, const std::string& text) {
    for (SQLite::Statement* statement : {&insert_, &find_}) {
      statement->reset();
      statement->bind(1, fingerprint);
      statement->bind(2, text);
    }
    insert_.exec();
    find_.executeStep();
    const int64_t id = find_.getColumn(0).getInt64();
    find_.reset();
    return id;
  }

 private:
  SQLite::Statement insert_, find_;
};

void insert_evaluations(SQLite::Database& db, const std::vector<EvaluationRow>& rows) {
  SQLite::Statement insert(
      db,
      "INSERT INTO evaluations(run, architecture, metric, source, fidelity_json, value, status, "
      "error) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value, "
      "status=excluded.status, error=excluded.error");
  ArchitectureIds architectures(db);
  std::string run, fingerprint;
  for (const EvaluationRow& row : rows) {
    if (row.run != run || fingerprint.empty()) {
      fingerprint = run_fingerprint(db, row.run);
      run = row.run;
    }
    const bool ok = row.status == "ok" && std::isfinite(row.value);
    insert.bind(1, row.run);
    insert.bind(2, architectures.of(fingerprint, row.architecture));
    insert.bind(3, row.metric);
    insert.bind(4, row.source);
    insert.bind(5, row.fidelity_json);
    if (ok)
      insert.bind(6, row.value);
    else
      insert.bind(6);
    insert.bind(7, ok ? "ok" : "failed");
    insert.bind(8, !ok && row.error.empty() ? "value is not finite" : row.error);
    insert.exec();
    insert.reset();
  }
}

std::vector<std::string> first_column(SQLite::Statement& row) {
  std::vector<std::string> values;
  while (row.executeStep()) values.push_back(row.getColumn(0).getString());
  return values;
}

}  // namespace

void Store::add_metrics(const std::string& run, const std::vector<MetricRow>& rows) {
  impl_->write([&](SQLite::Database& db) {
    require_run(db, run);
    insert_metrics(db, run, rows);
  });
}

void Store::truncate_metrics(const std::string& run, int64_t step) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement erase(db, "DELETE FROM metrics WHERE run=? AND step>=?");
    erase.bind(1, run);
    erase.bind(2, step);
    erase.exec();
  });
}

std::vector<MetricRow> Store::metrics(const std::string& run, const std::string& name) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db,
                          "SELECT step, name, value, status FROM metrics WHERE run=?1 AND "
                          "(?2='' OR name=?2) ORDER BY step, name");
    row.bind(1, run);
    row.bind(2, name);
    std::vector<MetricRow> rows;
    while (row.executeStep())
      rows.push_back(
          {row.getColumn(0).getInt64(), row.getColumn(1).getString(), metric_value(row, 2, 3)});
    return rows;
  });
}

std::vector<std::string> Store::metric_names(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db, "SELECT DISTINCT name FROM metrics WHERE run=? ORDER BY name");
    row.bind(1, run);
    return first_column(row);
  });
}

std::optional<MetricRow> Store::last_metric(const std::string& run, const std::string& name) const {
  return impl_->read([&](SQLite::Database& db) -> std::optional<MetricRow> {
    SQLite::Statement row(db,
                          "SELECT step, name, value, status FROM metrics WHERE run=? AND name=? "
                          "ORDER BY step DESC LIMIT 1");
    row.bind(1, run);
    row.bind(2, name);
    if (!row.executeStep()) return std::nullopt;
    return MetricRow{
        row.getColumn(0).getInt64(), row.getColumn(1).getString(), metric_value(row, 2, 3)};
  });
}

int64_t Store::evaluation_count(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db, "SELECT count(*) FROM evaluations WHERE run=?");
    row.bind(1, run);
    row.executeStep();
    return row.getColumn(0).getInt64();
  });
}

Store::Counts Store::counts() const {
  return impl_->read([&](SQLite::Database& db) {
    const auto count = [&](const std::string& table) {
      return db.execAndGet("SELECT count(*) FROM " + table).getInt64();
    };
    return Counts{count("runs"), count("evaluations"), count("latency_tables")};
  });
}

std::vector<std::string> Store::documents(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db, "SELECT kind FROM documents WHERE run=? ORDER BY kind");
    row.bind(1, run);
    return first_column(row);
  });
}

void Store::add_evaluations(const std::vector<EvaluationRow>& rows) {
  impl_->write([&](SQLite::Database& db) { insert_evaluations(db, rows); });
}

std::vector<EvaluationRow> Store::evaluations(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db,
                          "SELECT a.text, e.metric, e.value, e.source, e.fidelity_json, e.status, "
                          "e.error FROM evaluations e JOIN architectures a ON a.id=e.architecture "
                          "WHERE e.run=? ORDER BY e.id");
    row.bind(1, run);
    std::vector<EvaluationRow> rows;
    while (row.executeStep())
      rows.push_back({run,
                      row.getColumn(0).getString(),
                      row.getColumn(1).getString(),
                      row.isColumnNull(2) ? kNan : row.getColumn(2).getDouble(),
                      row.getColumn(3).getString(),
                      row.getColumn(4).getString(),
                      row.getColumn(5).getString(),
                      row.getColumn(6).getString()});
    return rows;
  });
}

void Store::add_generation(const std::string& run,
                           const SearchStateRow& state,
                           const std::vector<EvaluationRow>& evaluations,
                           const std::vector<MetricRow>& metrics) {
  impl_->write([&](SQLite::Database& db) {
    require_run(db, run);
    insert_evaluations(db, evaluations);
    insert_metrics(db, run, metrics);
    SQLite::Statement insert(
        db,
        "INSERT INTO search_state(run, generation, state_json) VALUES(?,?,?) ON "
        "CONFLICT DO UPDATE SET generation=excluded.generation, "
        "state_json=excluded.state_json");
    insert.bind(1, run);
    insert.bind(2, state.generation);
    insert.bind(3, state.state_json);
    insert.exec();
    SQLite::Statement beat(db, "UPDATE runs SET heartbeat=? WHERE id=?");
    beat.bind(1, utc_now());
    beat.bind(2, run);
    beat.exec();
  });
}

std::optional<SearchStateRow> Store::search_state(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) -> std::optional<SearchStateRow> {
    SQLite::Statement row(db, "SELECT generation, state_json FROM search_state WHERE run=?");
    row.bind(1, run);
    if (!row.executeStep()) return std::nullopt;
    return SearchStateRow{row.getColumn(0).getInt64(), row.getColumn(1).getString()};
  });
}

void Store::set_document(const std::string& run, const std::string& kind, const std::string& json) {
  impl_->write([&](SQLite::Database& db) {
    require_run(db, run);
    SQLite::Statement insert(db, "INSERT OR REPLACE INTO documents(run, kind, json) VALUES(?,?,?)");
    insert.bind(1, run);
    insert.bind(2, kind);
    insert.bind(3, json);
    insert.exec();
  });
}

std::optional<std::string> Store::document(const std::string& run, const std::string& kind) const {
  return impl_->read([&](SQLite::Database& db) -> std::optional<std::string> {
    SQLite::Statement row(db, "SELECT json FROM documents WHERE run=? AND kind=?");
    row.bind(1, run);
    row.bind(2, kind);
    if (!row.executeStep()) return std::nullopt;
    return row.getColumn(0).getString();
  });
}

void Store::add_checkpoint(const CheckpointRow& row) {
  impl_->write([&](SQLite::Database& db) {
    require_run(db, row.run);
    const std::string kept = kept_path(impl_->path, row.path);
    // A row of an earlier version names the same file by another path.
    SQLite::Statement older(db, "DELETE FROM checkpoints WHERE run=? AND step=? AND path<>?");
    older.bind(1, row.run);
    older.bind(2, row.step);
    older.bind(3, kept);
    older.exec();
    SQLite::Statement insert(db,
                             "INSERT OR REPLACE INTO checkpoints(run, path, sha256, epoch, step, "
                             "created) VALUES(?,?,?,?,?,?)");
    insert.bind(1, row.run);
    insert.bind(2, kept);
    insert.bind(3, row.sha256);
    insert.bind(4, row.epoch);
    insert.bind(5, row.step);
    insert.bind(6, row.created.empty() ? utc_now() : row.created);
    insert.exec();
  });
}

std::vector<CheckpointRow> Store::checkpoints(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db,
                          "SELECT path, sha256, epoch, step, created FROM checkpoints WHERE run=? "
                          "ORDER BY rowid");
    row.bind(1, run);
    std::vector<CheckpointRow> rows;
    while (row.executeStep())
      rows.push_back({run,
                      found_file(path(), run, row.getColumn(0).getString()),
                      row.getColumn(1).getString(),
                      row.getColumn(2).getInt64(),
                      row.getColumn(3).getInt64(),
                      row.getColumn(4).getString()});
    return rows;
  });
}

void Store::forget_checkpoints_after(const std::string& run, int64_t step) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement remove(db, "DELETE FROM checkpoints WHERE run=? AND step>?");
    remove.bind(1, run);
    remove.bind(2, step);
    remove.exec();
  });
}

void Store::add_export(const ExportRow& row) {
  impl_->write([&](SQLite::Database& db) {
    require_run(db, row.run);
    SQLite::Statement insert(
        db,
        "INSERT OR REPLACE INTO exports(run, architecture, format, path, sha256, "
        "check_json, created) VALUES(?,?,?,?,?,?,?)");
    const std::string kept = kept_path(impl_->path, row.path);
    int i = 1;
    for (const std::string* text :
         {&row.run, &row.architecture, &row.format, &kept, &row.sha256, &row.check_json})
      insert.bind(i++, *text);
    insert.bind(i, row.created.empty() ? utc_now() : row.created);
    insert.exec();
  });
}

std::vector<ExportRow> Store::exports(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db,
                          "SELECT architecture, format, path, sha256, check_json, created FROM "
                          "exports WHERE run=? ORDER BY rowid");
    row.bind(1, run);
    std::vector<ExportRow> rows;
    while (row.executeStep())
      rows.push_back({run,
                      row.getColumn(0).getString(),
                      row.getColumn(1).getString(),
                      found_file(path(), run, row.getColumn(2).getString()),
                      row.getColumn(3).getString(),
                      row.getColumn(4).getString(),
                      row.getColumn(5).getString()});
    return rows;
  });
}

// The same measurement may be stored again with more about it (a check that came afterwards);
// another table of that id never takes its place.
void Store::add_latency_table(const LatencyTableRow& row) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement insert(
        db,
        "INSERT INTO latency_tables(id, space, device, conditions_json, table_json, created) "
        "VALUES(?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET table_json=excluded.table_json "
        "WHERE space=excluded.space AND device=excluded.device AND created=excluded.created AND "
        "conditions_json=excluded.conditions_json");
    int i = 1;
    for (const std::string* text :
         {&row.id, &row.space, &row.device, &row.conditions_json, &row.table_json})
      insert.bind(i++, *text);
    insert.bind(i, row.created.empty() ? utc_now() : row.created);
    if (insert.exec() == 0)
      throw ConfigError("there is a latency table '" + row.id + "' already", "choose another name");
  });
}

namespace {

std::vector<LatencyTableRow> read_latency_tables(SQLite::Statement& row) {
  std::vector<LatencyTableRow> rows;
  while (row.executeStep())
    rows.push_back({row.getColumn(0).getString(),
                    row.getColumn(1).getString(),
                    row.getColumn(2).getString(),
                    row.getColumn(3).getString(),
                    row.getColumn(4).getString(),
                    row.getColumn(5).getString()});
  return rows;
}

constexpr const char* kLatencyColumns =
    "SELECT id, space, device, conditions_json, table_json, created FROM latency_tables ";

}  // namespace

std::optional<LatencyTableRow> Store::latency_table(const std::string& id_or_last,
                                                    const std::string& space) const {
  return impl_->read([&](SQLite::Database& db) -> std::optional<LatencyTableRow> {
    SQLite::Statement row(db,
                          std::string(kLatencyColumns) +
                              "WHERE (?1='last' OR id=?1) AND (?2='' OR space=?2) "
                              "ORDER BY seq DESC LIMIT 1");
    row.bind(1, id_or_last);
    row.bind(2, space);
    const auto rows = read_latency_tables(row);
    return rows.empty() ? std::nullopt : std::optional(rows.front());
  });
}

std::vector<LatencyTableRow> Store::latency_tables() const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db, std::string(kLatencyColumns) + "ORDER BY seq");
    return read_latency_tables(row);
  });
}

void Store::remove_latency_table(const std::string& id) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement erase(db, "DELETE FROM latency_tables WHERE id=?");
    erase.bind(1, id);
    if (erase.exec() == 0) throw ConfigError("there is no latency table '" + id + "' in the store");
  });
}

void Store::add_splits(const std::vector<SplitRow>& rows) {
  impl_->write([&](SQLite::Database& db) {
    SQLite::Statement insert(
        db, "INSERT OR REPLACE INTO splits(run, name, hash, size) VALUES(?,?,?,?)");
    for (const SplitRow& row : rows) {
      require_run(db, row.run);
      insert.bind(1, row.run);
      insert.bind(2, row.name);
      insert.bind(3, row.hash);
      insert.bind(4, row.size);
      insert.exec();
      insert.reset();
    }
  });
}

std::vector<SplitRow> Store::splits(const std::string& run) const {
  return impl_->read([&](SQLite::Database& db) {
    SQLite::Statement row(db, "SELECT name, hash, size FROM splits WHERE run=? ORDER BY rowid");
    row.bind(1, run);
    std::vector<SplitRow> rows;
    while (row.executeStep())
      rows.push_back({run,
                      row.getColumn(0).getString(),
                      row.getColumn(1).getString(),
                      row.getColumn(2).getInt64()});
    return rows;
  });
}

}  // namespace nas
