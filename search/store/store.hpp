#pragma once
// The results store: one SQLite file (WAL, foreign keys, busy timeout, user_version migrations).
// Several processes may write at once. Everything a command printed is in it.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nas {

struct RunRow {
  /// Short unique text: first letter of the command, day, 64 random bits; older ones have 24.
  std::string id;
  std::string command;      ///< train | search | ...
  std::string name;         ///< User's label, may be empty.
  std::string status;       ///< running | finished | interrupted | failed
  std::string space;        ///< Name of the space.
  std::string space_yaml;   ///< Resolved `space:` section, enough to make it again.
  std::string fingerprint;  ///< Of the space.
  std::string config_yaml;  ///< Whole resolved configuration.
  uint64_t seed = 0;
  std::string versions_json;   ///< nas, compiler, LibTorch, device, threads ...
  std::string parent;          ///< Run this one builds on (search -> train), may be empty.
  std::string started, ended;  ///< UTC, ISO 8601; ended empty while running.
  std::string directory;       ///< Folder of checkpoints and exports; kept relative to the store.
  std::string error;
  // Who works on it: filled by add_run and claim_run, kept fresh by heartbeat.
  std::string host;       ///< Machine of the process.
  int64_t pid = 0;        ///< Its process id there.
  int64_t pid_start = 0;  ///< Its start time (kernel ticks), so that a reused pid is told apart.
  std::string heartbeat;  ///< UTC of its last sign of life.
};
/// `value` not finite (a diverged loss) is kept with a status, never as a stand-in number.
struct MetricRow {
  int64_t step = 0;
  std::string name;
  double value = 0;
};
/// One measured value of one architecture.
struct EvaluationRow {
  std::string run;
  std::string architecture;  ///< Text form.
  std::string metric;        ///< accuracy | macs | params | latency_ms | ...
  double value = 0;
  std::string source;         ///< supernet | table | plan | external | predictor
  std::string fidelity_json;  ///< Split, images, recalibration size, seed ...
  std::string status = "ok";  ///< ok | failed (then value is NaN and means nothing)
  std::string error = {};     ///< Why it failed.
};
struct CheckpointRow {
  std::string run, path, sha256;
  int64_t epoch = 0, step = 0;
  std::string created;
};
struct ExportRow {
  std::string run, architecture, format, path, sha256, check_json, created;
};
struct LatencyTableRow {
  std::string id, space, device, conditions_json, table_json, created;
};
struct SplitRow {
  std::string run, name, hash;
  int64_t size = 0;
};

/// What a search needs to go on: the whole state after `generation` generations.
struct SearchStateRow {
  int64_t generation = 0;
  std::string state_json;
};

class Store {
 public:
  enum class Mode {
    kCreate,    ///< Made when absent.
    kExisting,  ///< DataError when absent.
    /// As kExisting, but a store that cannot be written here (permissions, a read-only medium) is
    /// opened for reading; every write is then a DataError. For commands that only read results.
    kRead,
  };
  /// Opens or creates; applies the schema to a new file. An older schema is refused with the advice
  /// `nas db upgrade`, a newer one with what to install; a file that is not ours is a DataError and
  /// stays untouched.
  explicit Store(const std::string& path, Mode mode = Mode::kCreate);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  const std::string& path() const;
  bool read_only() const;  ///< Opened with kRead where it cannot be written.

  /// Folder that a run's files belong in: nas-runs/<id> beside the store.
  std::string folder_of(const std::string& run) const;
  /// False when the run's files lie elsewhere: where the store was before it was moved or copied.
  /// They may be read, but belong to the original.
  bool owns(const RunRow& run) const;

  /// `started`, host, pid and heartbeat are filled in when empty. An id that is taken: ConfigError.
  void add_run(const RunRow& run);
  /// Sets the end time. ConfigError when there is no such run (as for all writers of a run).
  void finish_run(const std::string& id, const std::string& status, const std::string& error = "");
  void set_run_status(const std::string& id, const std::string& status);
  /// Takes an unfinished run over for this process (resume): status running, ours pid. ConfigError
  /// when it is finished (a finished run is never overwritten) or a live process works on it.
  /// `folder_is_ours`: this process holds the lock of the run's folder, so that a process of this
  /// machine that is said to work on it works in another copy.
  void claim_run(const std::string& id, bool folder_is_ours = false);
  /// Undoes claim_run where nothing came of it: status, error, times and process of `before`.
  void give_back_run(const RunRow& before);
  /// Machine, build and threads of the process that works on it now.
  void set_run_versions(const std::string& id, const std::string& versions_json);
  void heartbeat(const std::string& id);
  void rename_run(const std::string& id, const std::string& name);
  /// Forgets a run with all that belongs to it in the store (its files are the caller's).
  /// ConfigError while a live process works on it.
  void remove_run(const std::string& id);
  /// By id, else the latest of that name, else a unique prefix of an id; `last`: the latest of
  /// `command` (any when empty). ConfigError when a prefix fits several.
  std::optional<RunRow> run(const std::string& id_or_name_or_prefix_or_last,
                            const std::string& command = "") const;
  std::vector<RunRow> runs() const;                               ///< Oldest first.
  std::vector<RunRow> runs_named(const std::string& name) const;  ///< Oldest first.
  std::vector<RunRow> runs_of(const std::string& parent) const;   ///< Built on that run.
  std::vector<RunRow> runs_in(const std::string& status) const;   ///< As stored.
  struct Counts {
    int64_t runs = 0, evaluations = 0, latency_tables = 0;
  };
  Counts counts() const;

  void add_metrics(const std::string& run, const std::vector<MetricRow>& rows);
  /// Replaces metrics with step >= `step`; used on resume so that replayed epochs appear once.
  void truncate_metrics(const std::string& run, int64_t step);
  std::vector<MetricRow> metrics(const std::string& run, const std::string& name = "") const;
  std::vector<std::string> metric_names(const std::string& run) const;
  std::optional<MetricRow> last_metric(const std::string& run, const std::string& name) const;
  void add_evaluations(
      const std::vector<EvaluationRow>& rows);  ///< One transaction; equal rows (run, architecture,
                                                ///< metric, source, fidelity) replace.
  std::vector<EvaluationRow> evaluations(const std::string& run) const;
  int64_t evaluation_count(const std::string& run) const;
  /// Everything of one generation in one transaction: a killed search loses it whole or not at all.
  void add_generation(const std::string& run,
                      const SearchStateRow& state,
                      const std::vector<EvaluationRow>& evaluations,
                      const std::vector<MetricRow>& metrics);
  std::optional<SearchStateRow> search_state(const std::string& run) const;
  /// A document a command printed (front, hypervolume, ranking ...) by kind; replaces.
  void set_document(const std::string& run, const std::string& kind, const std::string& json);
  std::optional<std::string> document(const std::string& run, const std::string& kind) const;
  std::vector<std::string> documents(const std::string& run) const;  ///< Their kinds.
  void add_checkpoint(const CheckpointRow& row);
  /// With where each file is now.
  std::vector<CheckpointRow> checkpoints(const std::string& run) const;
  /// Forgets those of later steps: a resumed run will write them again.
  void forget_checkpoints_after(const std::string& run, int64_t step);
  void add_export(const ExportRow& row);
  std::vector<ExportRow> exports(const std::string& run) const;
  void add_latency_table(const LatencyTableRow& row);
  std::optional<LatencyTableRow> latency_table(const std::string& id_or_last,
                                               const std::string& space = "") const;
  std::vector<LatencyTableRow> latency_tables() const;  ///< Oldest first.
  /// ConfigError where there is none of that id.
  void remove_latency_table(const std::string& id);
  void add_splits(const std::vector<SplitRow>& rows);
  std::vector<SplitRow> splits(const std::string& run) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True when status is `running` but its process is gone: on this host the pid is dead (or is
/// another process by now); on another host no heartbeat for 15 minutes.
bool run_is_dead(const RunRow& run);
/// Status for people: the stored one, or `killed` for a dead running run.
std::string shown_status(const RunRow& run);

/// Schema version this program writes.
int store_version();
struct StoreUpgrade {
  int from = 0, to = 0;
  std::string backup;  ///< Copy made before, empty when nothing was to do.
};
/// `nas db upgrade`: copies the file (`<path>.v<from>.bak`, never over another file), then runs the
/// numbered migrations in one transaction. DataError as for opening; newer schemas are refused.
StoreUpgrade upgrade_store(const std::string& path);
/// SQLite's integrity and foreign key checks and a reading of every table; empty when all is well,
/// else what is damaged, with the tables concerned. Never fails because of the damage.
std::vector<std::string> check_store(const std::string& path);

std::string new_run_id(const std::string& command);
/// True for texts that are built as ids of runs are.
bool looks_like_run_id(const std::string& text);
std::string utc_now();

}  // namespace nas
