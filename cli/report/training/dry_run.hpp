#pragma once
// What `nas train --dry-run` says.
#include <cstdint>
#include <string>

namespace nas::cli {

struct DryRun {
  std::string space, architectures, data, strategy, device, database, folder;
  std::string weights;     ///< What the weight store says of the run; may be empty.
  int64_t sets = 1;        ///< Weight sets.
  int64_t parameters = 0;  ///< Of all sets.
  double state_bytes = 0;  ///< Weights and moments of all sets, as in memory and in checkpoints.
  size_t train_images = 0, validation_images = 0, test_images = 0;
  int threads = 1;
  int shards = 0;           ///< train.shards.
  std::string device_text;  ///< Device, threads and parts.
  int64_t steps_timed = 0, steps_per_epoch = 0, epochs = 0;
  double seconds_per_step = 0, macs_per_step = 0;
  std::string layout, other_layout;          ///< train.memory_format, and the one beside it.
  double other_layout_seconds_per_step = 0;  ///< The same steps in it; 0: not timed.
  double budget = 0;                         ///< Multiply-adds that end the run; 0: none.
  double peak_bytes = 0;                     ///< Memory of the process so far.
  double seconds() const {
    return seconds_per_step * static_cast<double>(steps_per_epoch) * static_cast<double>(epochs);
  }
};
std::string dry_run_text(const DryRun& d);
/// Schema nas-train-dry-run/1.
std::string dry_run_json(const DryRun& d);

}  // namespace nas::cli
