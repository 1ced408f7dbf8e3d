#pragma once
// A run's metrics over steps as an event file for TensorBoard: a view of the store, always whole.
#include <string>
#include <vector>

#include "search/store/store.hpp"

namespace nas::cli {

/// Metric of a training: when its epoch ended, Unix seconds.
inline constexpr const char* kEpochEnded = "time.ended";
/// The clock now, Unix seconds.
double unix_seconds();

class RunEvents {
 public:
  /// Writes all that the store holds of the run below `folder`, into a folder named after the run
  /// (NAME-ID, or the one that ends in its id already); an older file of the run is replaced, so
  /// that no point is there twice. DataError where that cannot be written.
  RunEvents(const Store& store, const RunRow& run, std::string folder);
  /// Appends one step that was stored just now. What cannot be written is told once; the store has
  /// it all.
  void add(int64_t step, const std::vector<MetricRow>& rows);
  const std::string& path() const { return path_; }
  size_t steps() const { return steps_; }
  size_t values() const { return values_; }

 private:
  void write_all();
  const Store& store_;
  RunRow run_;
  std::string folder_, path_;
  size_t steps_ = 0, values_ = 0;
  bool broken_ = false;
};

/// False where nothing of that run lies in `folder`.
bool has_events(const std::string& folder, const std::string& run);

}  // namespace nas::cli
