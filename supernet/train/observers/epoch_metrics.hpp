#pragma once
// The metrics of a finished epoch.
#include <chrono>

#include "supernet/train/run_state.hpp"

namespace nas {

/// What training itself tells: loss, accuracy, compute, then what strategy, store and curriculum
/// have to say. `rate`: learning rate at the epoch's start.
Telemetry epoch_metrics(const RunState& state,
                        const TrainSetup& setup,
                        const Strategy& strategy,
                        const Curriculum& curriculum,
                        double rate);

/// How long the epoch took; an epoch that is gone on with counts from there.
class EpochClock {
 public:
  /// `wait`: seconds waited for data since the start of the run, here and below.
  void begin(double wait);
  void end(double wait, int64_t images);
  /// Appends `time.` metrics and starts anew.
  void report(Telemetry& metrics);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begun_ = Clock::now();
  double wait_before_ = 0;
  double seconds_ = 0, wait_ = 0;
  int64_t images_ = 0;
};

}  // namespace nas
