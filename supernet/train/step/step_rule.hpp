#pragma once
// StepRule: what a training step does with its paths and their gradients. No torch header here.
#include <memory>
#include <string>
#include <vector>

#include "supernet/samplers/path_sampler.hpp"
#include "supernet/train/step/path.hpp"

namespace at {
class Tensor;
}

namespace nas {

struct TrainedSet;

/// What the trainer lends a rule for one step.
class StepServices {
 public:
  virtual ~StepServices() = default;
  virtual const TrainBatch& batch() const = 0;
  /// The next batch of the validation split: shuffled passes without their incomplete last batch.
  /// ConfigError when the split is smaller than a batch.
  virtual const TrainBatch& validation() = 0;
  /// What this batch counts in its update: 1, or less where several batches make one.
  virtual double share() const = 0;
  /// Forward and backward pass of a path, its loss multiplied by `share`. Gradients add up. The
  /// samplers are told of it. Returns the loss, detached.
  virtual at::Tensor backward(size_t path, double share) = 0;
  /// The same for paths `first` to the last, which must not learn from one another; they may run
  /// side by side.
  virtual void backward_each(size_t first, double share) = 0;
  /// The same with the set `with`, without telling anybody; marks in `used` whose gradients they
  /// are.
  virtual at::Tensor backward(size_t path, TrainedSet& with, std::vector<bool>& used) = 0;
  /// Tells the samplers of a path, whose gradients lie in the weights now.
  virtual void tell(size_t path) = 0;
  /// The set that a path trains.
  virtual TrainedSet& set_of(size_t path) = 0;
  /// Clips and applies the gradients of the sets that paths of this update used, unless more
  /// batches belong to it.
  virtual void update() = 0;
};

class StepRule {
 public:
  virtual ~StepRule() = default;
  /// The paths of the coming step.
  virtual Step draw(PathSampler& paths, int64_t epoch) = 0;
  /// By default all paths forward and backward, then one update.
  virtual void run(StepServices& services, const Step& step);
  virtual Telemetry telemetry() const { return {}; }
  virtual std::vector<std::string> advice() const { return {}; }
  virtual std::vector<std::string> health() const { return {}; }
  virtual void save(StrategyState&) {}
  virtual void load(const StrategyState&) {}
};

enum class Combine {
  kSum,   ///< Gradients of the paths add up.
  kMean,  ///< The same divided by the number of paths.
};

/// `paths` drawn paths per step (0: the sampler's set), their gradients combined into one update.
std::unique_ptr<StepRule> make_paths_rule(size_t paths, Combine combine = Combine::kSum);

/// The sandwich rule (search.md 2.7): the largest subnet learns from the labels, the smallest and
/// `random` drawn ones from its detached logits.
struct SandwichOptions {
  int random = 2;
  bool distill = true;
  double label_share = 0;  ///< Of the label loss for the distilled subnets.
  Combine combine = Combine::kSum;
};
std::unique_ptr<StepRule> make_sandwich_rule(const StrategyContext& context,
                                             const SandwichOptions& options);

/// SUMNAS (panda.md 3.5): inner SGD steps per path from the same start; the outer step goes along
/// the mean displacement.
struct ReptileOptions {
  int steps = 2;
  double lr = 0.05, momentum = 0.9, weight_decay = 0, clip_norm = 5;
  bool persist = false;  ///< One momentum buffer across paths and steps (as released).
};
std::unique_ptr<StepRule> make_reptile_rule(const ReptileOptions& options);

}  // namespace nas
