#pragma once
// Curriculum: what each epoch of a run trains: which weight sets, in which part of the space, where
// on the learning-rate schedule; and what happens in between. No torch header here.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spaces/restriction.hpp"
#include "supernet/device.hpp"
#include "supernet/train/split/kept_scores.hpp"
#include "supernet/train/strategy_context.hpp"

namespace nas {

/// One epoch of a run.
struct Stage {
  /// Names the strategy that draws: its samplers are its own ("" is the run's, "leaf3/" one of
  /// several).
  std::string scope = {};
  std::vector<int> sets = {0};  ///< That the epoch may train.
  int64_t epoch = 0;            ///< Of this strategy, 0-based.
  int64_t epochs = 1;           ///< That this strategy trains in all.
  double schedule_epoch = 0;    ///< Position on the learning-rate schedule ...
  double schedule_epochs = 1;   ///< ... and its length.
  Restriction within = {};      ///< The part of the space that is open.
};

class TrainedSets;
struct RunData;

/// What a trainer lends between epochs.
struct StageServices {
  const Space& space;
  const RunData& data;
  const TrainOptions& options;
  Device device;
  uint64_t seed;
  TrainedSets& sets;
  std::function<bool()> stop;
  std::function<void(int64_t done, int64_t all)> on_progress;
  KeepScores keep;  ///< What takes long and can be interrupted keeps there what is done.
};

class Curriculum {
 public:
  virtual ~Curriculum() = default;
  /// Whether before() has work to do that takes time: a checkpoint is written first.
  virtual bool works_before(int64_t /*epoch*/) const { return false; }
  /// Before an epoch, never in the middle of one: what must happen to sets and store (a split).
  /// True: something did, which is worth a checkpoint. It must come to the same whenever it is done
  /// again after an interruption (Interrupted).
  virtual bool before(int64_t /*epoch*/, StageServices&) { return false; }
  /// Of the whole run.
  virtual int64_t epochs() const = 0;
  virtual Stage stage(int64_t epoch) const = 0;
  virtual Telemetry telemetry() const { return {}; }
  virtual std::vector<std::string> health() const { return {}; }
  virtual void save(StrategyState&) const {}
  virtual void load(const StrategyState&) {}
};

/// All sets, one strategy, one schedule.
std::unique_ptr<Curriculum> plain_curriculum(int64_t epochs, int sets);

}  // namespace nas
