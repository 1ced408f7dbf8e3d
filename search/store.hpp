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
  std::string id;  ///< Short unique text, e.g. `t-20261124-1a2b3c` (letter = first of command).
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
  std::string directory;       ///< Folder of checkpoints and exports.
  std::string error;
};
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
  std::string status = "ok";  ///< ok | failed (then value is meaningless)
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

class Store {
 public:
  /// Opens or creates; applies the schema to a new file. An older schema is refused with the advice
  /// `nas db upgrade`, a newer one with what to install; a file that is not ours is a DataError and
  /// stays untouched.
  explicit Store(const std::string& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  const std::string& path() const;

  void add_run(const RunRow& run);
  void finish_run(const std::string& id, const std::string& status, const std::string& error = "");
  void set_run_status(const std::string& id, const std::string& status);
  std::optional<RunRow> run(const std::string& id_or_name_or_prefix_or_last,
                            const std::string& command = "") const;
  std::vector<RunRow> runs() const;

  void add_metrics(const std::string& run, const std::vector<MetricRow>& rows);
  /// Replaces metrics with step >= `step`; used on resume so that replayed epochs appear once.
  void truncate_metrics(const std::string& run, int64_t step);
  std::vector<MetricRow> metrics(const std::string& run, const std::string& name = "") const;
  void add_evaluations(
      const std::vector<EvaluationRow>& rows);  ///< One transaction; equal rows (run, architecture,
                                                ///< metric, source, fidelity) replace.
  std::vector<EvaluationRow> evaluations(const std::string& run) const;
  void add_checkpoint(const CheckpointRow& row);
  std::vector<CheckpointRow> checkpoints(const std::string& run) const;
  void add_export(const ExportRow& row);
  std::vector<ExportRow> exports(const std::string& run) const;
  void add_latency_table(const LatencyTableRow& row);
  std::optional<LatencyTableRow> latency_table(const std::string& id_or_last,
                                               const std::string& space = "") const;
  std::vector<LatencyTableRow> latency_tables() const;
  void add_splits(const std::vector<SplitRow>& rows);
  std::vector<SplitRow> splits(const std::string& run) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string new_run_id(const std::string& command);
std::string utc_now();

}  // namespace nas
