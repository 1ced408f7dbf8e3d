#pragma once
// Strategy: one row of a table names three parts that know nothing of one another: which paths
// train next (PathSampler), on which images (DataSampler), and what a step does with them
// (StepRule); a fourth, Phases, where the weights change in between. Sections `path_sampler` and
// `data_sampler` put other parts into a strategy. The trainer owns loop, optimizers, schedule,
// checkpoints and telemetry. No torch header here.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supernet/samplers/data_sampler.hpp"
#include "supernet/samplers/path_sampler.hpp"
#include "supernet/train/step/step_rule.hpp"
#include "supernet/train/strategy_context.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// What happens to weights and learning rate in the course of a strategy (progressive shrinking).
class Phases {
 public:
  virtual ~Phases() = default;
  /// Before an epoch, never in the middle of one: prepares the weights of `sets` for it. True: the
  /// optimizers forget their moments.
  virtual bool prepare_weights(int64_t epoch, WeightStore& store, const std::vector<int>& sets) = 0;
  /// Learning rate at `epoch` (0-based, with the fraction done of the epoch in progress).
  virtual double learning_rate(double epoch) const = 0;
  virtual Telemetry telemetry() const { return {}; }
  virtual std::vector<std::string> advice() const { return {}; }
  virtual std::vector<std::string> health() const { return {}; }
  virtual void save(StrategyState& state) = 0;
  virtual void load(const StrategyState& state) = 0;
};

struct StrategyParts {
  std::unique_ptr<PathSampler> paths;
  std::unique_ptr<DataSampler> data;
  std::unique_ptr<StepRule> rule;
  std::unique_ptr<Phases> phases;  ///< May be null.
  std::vector<std::string> advice = {};
};

class Strategy {
 public:
  Strategy(std::string name, StrategyParts parts)
      : name_(std::move(name)), parts_(std::move(parts)) {}
  const std::string& name() const { return name_; }

  // ---- Of an epoch.
  void begin_epoch(int64_t epoch) { parts_.paths->begin_epoch(epoch); }
  std::vector<int64_t> data_order(int64_t epoch) { return parts_.data->order(epoch); }
  /// As Phases::prepare_weights; by default for set 0.
  bool prepare_weights(int64_t epoch, WeightStore& store, const std::vector<int>& sets = {0}) {
    return parts_.phases && parts_.phases->prepare_weights(epoch, store, sets);
  }
  /// nullopt: as `train.schedule` says.
  std::optional<double> learning_rate(double epoch) const;
  void end_epoch(int64_t epoch);

  // ---- Of a step.
  std::vector<double> data_weights(const std::vector<int64_t>& positions) {
    return parts_.data->weights(positions);
  }
  Step next_step(int64_t epoch) { return parts_.rule->draw(*parts_.paths, epoch); }
  StepRule& rule() { return *parts_.rule; }
  bool observes() const { return parts_.paths->observes() || parts_.data->observes(); }
  bool observes_gradients() const { return parts_.paths->observes(); }
  bool wants_features() const { return parts_.data->wants_features(); }
  void observe(const PathOutcome& outcome);
  void end_step(const std::vector<double>& clip) { parts_.paths->end_step(clip); }

  /// The one architecture that is trained, where it is one: it alone is worth validating.
  std::optional<Architecture> only() const { return parts_.paths->only(); }
  std::vector<double> image_probabilities() const { return parts_.data->probabilities(); }
  /// Scalars of the epoch last finished, each name once.
  Telemetry telemetry() const;
  /// Sentences about settings of the run that do not suit the method; told before training.
  std::vector<std::string> advice() const;
  /// Short sentences for the end of the run.
  std::vector<std::string> health() const;

  StrategyState save();
  /// DataError when the state is another strategy's or version's.
  void load(const StrategyState& state);

 private:
  std::string name_;
  StrategyParts parts_;
};

struct StrategyEntry {
  std::string name;
  std::vector<std::string> aliases;
  std::string summary;
  StrategyParts (*make)(const StrategyContext& context, const YamlSource& options);
  void (*describe)(Binder& b);
};
/// uniform (spos), fair (fairnas), sandwich, fixed, panda, sumnas ...: one table.
const std::vector<StrategyEntry>& strategies();
/// `options` is the `strategy:` section; its key `name` is known and ignored. ConfigError on an
/// unknown name (with the nearest) or wrong options.
std::unique_ptr<Strategy> make_strategy(const std::string& name,
                                        const StrategyContext& context,
                                        const YamlSource& options);

}  // namespace nas
