#pragma once
// Scores the choices of a supernet by the gradients that their options send into shared weights
// (gradient_matching.md 3.2 to 3.4, the sampled-path forms). No torch header here.
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "spaces/domain.hpp"
#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/data/run_data.hpp"
#include "supernet/device.hpp"
#include "supernet/train/split/kept_scores.hpp"
#include "supernet/train/split/shared_weights.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/math/split_tree.hpp"

namespace nas {

/// `weights.split.score` and the options of `nas split`.
struct ScoreOptions {
  int64_t batches = 100;  ///< R: gradients are compared on so many, matrices are averaged.
  GradientMetric metric = GradientMetric::kCos;
  SharedWeights params = SharedWeights::kOthers;
  /// Where kernel sizes are compared: the paths drawn have all depths and expansions at their
  /// largest (3.2, once-for-all kernel stage).
  bool hold_largest = true;
  PartitionOptions partition{.min_group = 0};
};
void describe(Binder& b, ScoreOptions& o);

struct ScoringSetup {
  const Space& space;
  RunData data;
  const TrainOptions& train;
  Device device = {};
  uint64_t seed = 0;
  std::string stream = "split";     ///< Names the random streams.
  std::function<bool()> stop = {};  ///< Asked between batches; true ends in Interrupted.
  /// Batches done, those of kept scores included, of how many.
  std::function<void(int64_t done, int64_t all)> on_batch = {};
  KeepScores keep = {};
};

struct Scoring {
  std::vector<ChoiceScore> choices;
  /// Of each of them, names of the weights whose gradients were compared in any batch.
  std::vector<std::set<std::string>> compared;
  int64_t passes = 0;  ///< Forward and backward passes.
  double macs = 0;     ///< Their multiply-adds, forward.
  std::string key;     ///< Under which scores are kept, for remove_kept_scores().
};

/// Scores `choices` of a set within a domain. Weights and statistics stay as they are. A choice
/// whose options share no weights is told by ConfigError when it is the only one, else `usable` is
/// false. Interrupted when told to stop; scores that were kept (ScoringSetup::keep) need no batches
/// then, and come to the same bits. They stay until remove_kept_scores().
Scoring score_choices(const ScoringSetup& setup,
                      WeightSet& weights,
                      const Domain& within,
                      const std::vector<size_t>& choices,
                      const ScoreOptions& options);

}  // namespace nas
