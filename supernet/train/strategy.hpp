#pragma once
// Strategy: which paths, on which data, with which loss weights, and how their gradients combine.
// The trainer owns loop, optimizer, schedule, checkpoints and telemetry.
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spaces/space.hpp"
#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// One forward/backward pass of a step.
struct Path {
  Architecture architecture;
  double weight = 1.0;  ///< Multiplies the loss (importance weight).
  int distill_from =
      -1;  ///< Index of an earlier path of the step whose detached logits teach this one.
  double hard_loss = 1.0;  ///< Share of the label loss (0: soft targets only).
  bool regularise = true;  ///< Dropout/drop-path on for this path.
  /// Share of the cross-entropy with the step's teacher, added to the loss above.
  double teacher_loss = 0;
};

class Teacher;

struct Step {
  std::vector<Path> paths;
  /// Who teaches paths with a `teacher_loss`; borrowed, runs `teacher_architecture`.
  Teacher* teacher = nullptr;
  Architecture teacher_architecture = {};
  enum class Combine {
    kSum,      ///< Gradients of the paths add up, one optimizer step.
    kMean,     ///< The same divided by the number of paths.
    kReptile,  ///< Inner SGD steps per path from the same start, outer step on the mean difference
               ///< (SUMNAS).
  };
  Combine combine = Combine::kSum;
  /// kReptile only: the inner SGD of each path (panda.md 3.5).
  struct Inner {
    int steps = 2;
    double lr = 0.05, momentum = 0.9, weight_decay = 0, clip_norm = 5;
    bool persist = false;  ///< One momentum buffer across paths and steps (as released).
  };
  Inner inner;
};

/// What the trainer tells after the backward pass of one path, before the optimizer step. For
/// kSum/kMean with several paths gradients are those accumulated so far; for kReptile it is told
/// once per path, after the first inner backward pass.
struct PathOutcome {
  const Architecture& architecture;
  const Plan& plan;
  const at::Tensor& logits;               ///< [N, K], detached.
  const at::Tensor& labels;               ///< [N].
  const std::vector<int64_t>& positions;  ///< Training positions (0..train_size-1) of the batch.
  const at::Tensor* features;             ///< [N, F] input of the classifier, if wants_features().
  WeightSet& weights;
};

/// State of a strategy for checkpoints: tensors, and text for the rest.
struct StrategyState {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> text;
  // Reading: DataError names what is missing or malformed (a checkpoint of another version).
  const std::string& string_at(const std::string& key) const;
  int64_t integer_at(const std::string& key) const;
  std::vector<std::string> lines_at(const std::string& key) const;  ///< Each ended by a line feed.
  const at::Tensor& tensor_at(const std::string& key) const;
  std::vector<double> doubles_at(const std::string& key, size_t size) const;
};

/// What a strategy may know of a run.
struct StrategyContext {
  const Space& space;
  uint64_t seed;
  int64_t epochs;
  int64_t train_size;  ///< Images in the training split; positions 0..train_size-1.
  int64_t batch_size;
  /// The rest of the `train:` section, for what a method asks of it.
  TrainOptions train = {};
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string name() const = 0;
  /// Order of training positions (0..train_size-1, repeats allowed) for this epoch. Default in the
  /// base class: a permutation from the "data" stream of (seed, epoch).
  virtual std::vector<int64_t> data_order(int64_t epoch);
  /// Loss weight of each image of a batch (positions), or empty for all 1.
  virtual std::vector<double> data_weights(const std::vector<int64_t>& positions);
  virtual void begin_epoch(int64_t epoch);
  /// Before an epoch, never in the middle of one: a strategy with phases prepares the weights of
  /// the next one here. True: the optimizer forgets its moments.
  virtual bool prepare_weights(int64_t epoch, WeightStore& store);
  /// Learning rate at `epoch` (0-based, with the fraction done of the epoch in progress); nullopt:
  /// as `train.schedule` says.
  virtual std::optional<double> learning_rate(double epoch) const;
  virtual Step next_step(int64_t epoch, int64_t step) = 0;
  /// After backward of each path and before clipping and the optimizer step.
  virtual void after_backward(const PathOutcome& outcome);
  /// After clipping, before the optimizer step: gradients as they will be applied. `path_outcomes`
  /// of single-path steps only. `scale` is the factor clipping applied (1: none).
  virtual void after_clip(const PathOutcome& outcome, double scale);
  /// The one architecture that is trained, where it is one: it alone is worth validating.
  virtual std::optional<Architecture> only() const { return std::nullopt; }
  virtual bool wants_features() const { return false; }
  virtual void end_epoch(int64_t epoch);
  /// Scalars for the metrics table, e.g. `data.distinct_share`, `path.p.nor_conv_3x3`.
  virtual std::vector<std::pair<std::string, double>> telemetry() const { return {}; }
  /// Probability of each training position in the coming draw; empty: uniform.
  virtual std::vector<double> image_probabilities() const { return {}; }
  /// Sentences about settings of the run that do not suit the method; told before training.
  virtual std::vector<std::string> advice() const { return {}; }
  /// Short sentences for the end of the run (which choice starved, which collapsed).
  virtual std::vector<std::string> health() const { return {}; }
  virtual StrategyState save() const = 0;
  virtual void load(const StrategyState& state) = 0;

 protected:
  explicit Strategy(StrategyContext context) : context_(context) {}
  StrategyContext context_;
};

struct StrategyEntry {
  std::string name;
  std::vector<std::string> aliases;
  std::string summary;
  std::unique_ptr<Strategy> (*make)(const StrategyContext& context, const YamlSource& options);
  std::string (*schema)();
};
/// uniform (spos), fair (fairnas), sandwich, fixed, panda, sumnas ...: one table.
const std::vector<StrategyEntry>& strategies();
/// `options` is the `strategy:` section; its key `name` is known and ignored. ConfigError on an
/// unknown name (with the nearest) or wrong options.
std::unique_ptr<Strategy> make_strategy(const std::string& name,
                                        const StrategyContext& context,
                                        const YamlSource& options);

}  // namespace nas
