#pragma once
// Batches of the validation split for steps that ask for one: shuffled passes, without augmentation
// and without their incomplete last batch.
#include <cstdint>
#include <memory>
#include <string>

#include "supernet/data/run_data.hpp"
#include "supernet/train/step/outcome.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

class ValidationStream {
 public:
  /// References must outlive it. The images of a pass depend on (seed, pass) only.
  ValidationStream(const RunData& data,
                   int64_t batch,
                   uint64_t seed,
                   c10::Device device,
                   Layout layout,
                   at::ScalarType type);
  /// The next call of next() begins a fresh pass.
  void restart();
  /// Valid until the next call. ConfigError when the split is smaller than a batch.
  const TrainBatch& next();

  std::string save() const;
  /// DataError when it is not what save() wrote.
  void load(const std::string& state);

 private:
  void start();
  RunData data_;
  int64_t batch_;
  uint64_t seed_;
  c10::Device device_;
  Layout layout_;
  at::ScalarType type_;
  int64_t pass_ = 0, position_ = 0;  ///< Of the next batch.
  bool open_ = false;
  Loader loader_;
  TrainBatch current_;
};

/// ConfigError when the validation split is smaller than a batch.
void require_validation_batch(const Splits& splits, int64_t batch);

/// Images and labels of a loader's batch on the device; the loader's buffer is borrowed until its
/// next batch.
TrainBatch batch_on_device(const Batch& batch,
                           c10::Device device,
                           Layout layout,
                           at::ScalarType type);

}  // namespace nas
