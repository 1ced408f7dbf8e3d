#pragma once
// PathSampler: which architectures train next.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/train/step/path.hpp"
#include "supernet/train/strategy_context.hpp"

namespace nas {

class PathSampler {
 public:
  virtual ~PathSampler() = default;
  virtual void begin_epoch(int64_t) {}
  /// Before the draws of a step.
  virtual void begin_step(int64_t /*epoch*/) {}
  /// Draws one path: its architecture and the weight of its loss.
  virtual void draw(Path& path) = 0;
  /// Paths that belong together in one step, where the rule takes as many as the sampler wants
  /// (strict fairness: one for each option).
  virtual size_t set_size() const { return 1; }
  /// The one architecture that is trained, where it is one.
  virtual std::optional<Architecture> only() const { return std::nullopt; }
  /// Whether observe() wants to be told; costs a copy of the gradients in steps of several paths.
  virtual bool observes() const { return false; }
  /// Once for every path of a step, in order.
  virtual void observe(const PathOutcome&) {}
  /// After the last path of a step was observed: what clipping did to each path's gradient since.
  virtual void end_step(const std::vector<double>& /*clip*/) {}
  virtual void end_epoch(int64_t) {}
  /// Scalars of the epoch last finished.
  virtual Telemetry telemetry() const { return {}; }
  /// Sentences about settings that do not suit the sampler; told before training.
  virtual std::vector<std::string> advice() const { return {}; }
  /// Sentences for the end of the run (which choice starved, which collapsed).
  virtual std::vector<std::string> health() const { return {}; }
  virtual void save(StrategyState& state) = 0;
  virtual void load(const StrategyState& state) = 0;
};

struct PathSamplerEntry {
  std::string name;
  std::string summary;
  /// `options`: the `path_sampler:` section, whose key `name` is known.
  std::unique_ptr<PathSampler> (*make)(const StrategyContext& context, const YamlSource& options);
  void (*describe)(Binder& b);
};
/// uniform, fair, fixed, importance, weighted: one table.
const std::vector<PathSamplerEntry>& path_samplers();
/// ConfigError on an unknown name or wrong options. A bare name stands for `{name: NAME}`.
std::unique_ptr<PathSampler> make_path_sampler(const StrategyContext& context,
                                               const Binder::Raw& section);

// One factory per sampler; the table is in path_sampler.cpp.
PathSamplerEntry uniform_paths();
PathSamplerEntry fair_paths();
PathSamplerEntry importance_paths();
PathSamplerEntry weighted_paths();

/// When strictly fair permutations are drawn anew. `epoch` is what a released program does by a
/// defect: all steps of an epoch then train the same few paths.
enum class FairRedraw { kStep, kEpoch };
void describe_redraw(Binder& b, FairRedraw& redraw);
/// ConfigError when no strictly fair set is valid in this space.
std::unique_ptr<PathSampler> make_fair_paths(const StrategyContext& context, FairRedraw redraw);

/// choices: every active choice uniform among its options; architectures: uniform over valid
/// architectures. They differ where conditions make options lead to unequal numbers.
enum class UniformOver { kChoices, kArchitectures };
void describe_over(Binder& b, UniformOver& over);
std::unique_ptr<PathSampler> make_uniform_paths(const StrategyContext& context, UniformOver over);

/// The same architecture always; `text` empty: the largest.
std::unique_ptr<PathSampler> make_fixed_path(const StrategyContext& context,
                                             const std::string& text);

}  // namespace nas
