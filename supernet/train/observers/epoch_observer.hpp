#pragma once
// EpochObserver: what is measured between epochs, for the log only: weights and streams stay as
// they are.
#include <memory>

#include "supernet/data/run_data.hpp"
#include "supernet/train/strategy.hpp"

namespace nas {

struct EpochView {
  int64_t epoch = 0;  ///< Epochs finished.
  bool last = false;  ///< Of the run.
  Strategy& strategy;
};

class EpochObserver {
 public:
  virtual ~EpochObserver() = default;
  virtual void after(const EpochView& view, Telemetry& metrics) = 0;
};

/// References must outlive the observers. Nothing is decoded before the first measurement.
struct ObserverContext {
  const Space& space;
  WeightStore& store;
  RunData data;
  const TrainOptions& options;
  const EvaluateOptions& evaluate;
  uint64_t seed;
  Device device;
};
/// `train.validation`: a few subnets judged. None where it is off or there are no images.
std::unique_ptr<EpochObserver> validation_observer(const ObserverContext& context);
/// `train.gradient_variance`.
std::unique_ptr<EpochObserver> variance_observer(const ObserverContext& context);

}  // namespace nas
