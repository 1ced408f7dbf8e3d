#pragma once
// What the parts of a strategy know of a run. No torch header here.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "spaces/domain.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

/// What they keep in a checkpoint: strategy_state.hpp.
struct StrategyState;

/// What a strategy may know of a run.
struct StrategyContext {
  const Space& space;
  uint64_t seed;
  int64_t epochs;      ///< That this strategy trains: of the run, or of one leaf.
  int64_t train_size;  ///< Images in the training split; positions 0..train_size-1.
  int64_t batch_size;
  /// The rest of the `train:` section, for what a method asks of it.
  TrainOptions train = {};
  /// Put before the names of random streams where a run has several strategies (leaves of a tree).
  std::string scope = {};

  std::string stream(const std::string& purpose) const { return scope + purpose; }
  /// The part of the space that this strategy trains.
  Restriction within = {};
  Domain domain() const { return {space, within}; }
};

using Telemetry = std::vector<std::pair<std::string, double>>;

}  // namespace nas
