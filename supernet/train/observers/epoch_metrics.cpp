// Counts are kept as tensors or integers through the epoch and turned into numbers here, once: a
// question to a GPU after every step would make it wait.
#include "supernet/train/observers/epoch_metrics.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace nas {

Telemetry epoch_metrics(const RunState& state,
                        const TrainSetup& setup,
                        const Strategy& strategy,
                        const Curriculum& curriculum,
                        double rate) {
  const StepRunner& runner = state.runner;
  const PathTotals& t = runner.totals;
  Telemetry m;
  m.emplace_back("train.loss", runner.mean_loss());
  m.emplace_back("train.accuracy", t.correct.item<double>() / static_cast<double>(t.path_images));
  m.emplace_back("train.lr", rate);
  m.emplace_back("train.paths", static_cast<double>(t.paths));
  m.emplace_back("train.distinct_paths", static_cast<double>(runner.distinct()));
  m.emplace_back("train.macs", state.spent());
  if (runner.validation_macs > 0) m.emplace_back("train.validation_macs", runner.validation_macs);
  if (setup.options.optimizer.clip_norm > 0)
    m.emplace_back("train.clipped_share",
                   static_cast<double>(runner.clipped) /
                       static_cast<double>(std::max<int64_t>(runner.updates, 1)));
  for (auto& entry : strategy.telemetry()) m.push_back(std::move(entry));
  for (auto& entry : setup.store.telemetry()) m.push_back(std::move(entry));
  for (auto& entry : curriculum.telemetry()) m.push_back(std::move(entry));
  return m;
}

void EpochClock::begin(double wait) {
  begun_ = Clock::now();
  wait_before_ = wait;
}

void EpochClock::end(double wait, int64_t images) {
  seconds_ += std::chrono::duration<double>(Clock::now() - begun_).count();
  wait_ += wait - wait_before_;
  images_ += images;
}

void EpochClock::report(Telemetry& metrics) {
  const double seconds = std::max(seconds_, 1e-9);
  metrics.emplace_back("time.seconds", seconds_);
  metrics.emplace_back("time.images_per_second", static_cast<double>(images_) / seconds);
  metrics.emplace_back("time.data_wait_share", wait_ / seconds);
  *this = {};
}

}  // namespace nas
