#pragma once
// Where a training stands, as a checkpoint keeps it.
#include <cstdint>
#include <string>

namespace nas {

struct TrainPosition {
  int64_t epoch = 0;        ///< In progress, 0-based.
  int64_t step = 0;         ///< Batches done in this epoch.
  int64_t global_step = 0;  ///< Batches done since the start.
  int64_t clipped = 0;      ///< Optimizer steps of this epoch that clipping scaled.
  int64_t updates = 0;      ///< Optimizer steps of this epoch.
  double macs_before = 0;   ///< Spent in earlier epochs.
  int64_t paths = 0, path_images = 0;
  double macs = 0;  ///< Spent in this epoch.
};
std::string to_text(const TrainPosition& position);
/// DataError when it is not what to_text wrote.
TrainPosition position_of(const std::string& text);

struct Checkpoint;
/// Epochs that a checkpoint has behind it; 0 where it was made without training.
int64_t epochs_behind(const Checkpoint& checkpoint);

}  // namespace nas
