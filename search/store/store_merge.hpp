#pragma once
// Bringing stores together: those of the shards of a sweep, or of several machines.
#include <string>
#include <vector>

namespace nas {

struct MergeOptions {
  /// A run whose name another run has gets `NAME-2`, -3 ...; otherwise both keep it, and it is
  /// told.
  bool rename = false;
  /// Folders of runs (checkpoints, exports) are copied to the store they come into; otherwise it
  /// refers to where they are.
  bool copy_files = false;
  /// Ids of the runs that are brought; empty: all. Latency tables all come.
  std::vector<std::string> runs = {};
};
/// What came from one store.
struct MergedStore {
  std::string path;
  int64_t runs = 0;     ///< New ones.
  int64_t further = 0;  ///< Runs that were there and had gone on in this store.
  int64_t known = 0;    ///< Runs that were there as they are.
  int64_t metrics = 0, evaluations = 0, documents = 0, checkpoints = 0, exports = 0;  ///< Rows.
  int64_t latency_tables = 0;
  int64_t folders = 0;             ///< Copied.
  std::vector<std::string> notes;  ///< What a reader must know: names, contradictions.
  bool nothing() const;            ///< Nothing changed.
};

/// All of `from` into `into` (made where it is missing), in one transaction: killed at any moment,
/// `into` is as before or has all. Runs are one by their ids. Of a run that both have, the one that
/// is finished, else the one with the later sign of life, gives status, metrics, state and
/// checkpoints; evaluations, documents, exports are put together, and where two values contradict
/// each other that run's are kept and it is told. Paths lead to where the files are. Runs stand in
/// the order in which they began.
///
/// Before anything is written: ConfigError where a store is named as both, DataError for one that
/// is damaged, newer or older (`nas db upgrade`).
std::vector<MergedStore> merge_stores(const std::string& into,
                                      const std::vector<std::string>& from,
                                      const MergeOptions& options);

/// Networks that the runs of a store have judged, in whatever metrics: each counts once a run.
int64_t networks_judged(const std::string& path);

struct Vacuumed {
  int64_t before = 0, after = 0;  ///< Bytes, with the write-ahead log.
  int64_t architectures = 0;      ///< Forgotten: no evaluation refers to them.
};
/// Gives unused room back. DataError for a damaged store, or one that is held.
Vacuumed vacuum_store(const std::string& path);

}  // namespace nas
