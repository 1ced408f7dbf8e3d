#pragma once
// What a training configuration file says, without torch, so that `nas config check` reads it at
// once. Sections: space, data, strategy, train, evaluate, and the keys device, threads, seed.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spaces/restriction.hpp"
#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/device.hpp"

namespace nas {

enum class OptimizerKind { kSgd, kAdam, kAdamW };
/// A parameter that no path of the step used: `skip` leaves it as it is; `decay` treats its
/// gradient as zero, so that momentum and weight decay still act (a parameter never used yet is
/// skipped either way; panda.md 6.3).
enum class Untouched { kSkip, kDecay };

/// `train.optimizer`.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double lr = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 5e-4;
  bool decay_norm_and_bias = true;  ///< Weight decay on batch-norm parameters and biases too.
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip_norm = 0;   ///< Global gradient norm is scaled down to this; 0 off.
  double clip_value = 0;  ///< Each gradient entry is clamped to +-this; 0 off.
  Untouched untouched = Untouched::kSkip;
};
void describe(Binder& b, OptimizerOptions& o);

enum class ScheduleKind { kConstant, kCosine, kStep, kMultiStep, kExponential };
/// `train.schedule`.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  bool per_step = false;        ///< Change every step rather than every epoch.
  double lr_min = 0;            ///< No schedule goes below this (after warm-up).
  double warmup_epochs = 0;     ///< Linear from 0 to the base rate.
  int step_epochs = 30;         ///< step: epochs between two multiplications by gamma.
  std::vector<int> milestones;  ///< multi_step: epochs at which the rate is multiplied by gamma.
  double gamma = 0.1;           ///< step, multi_step: factor; exponential: factor per epoch.
};
void describe(Binder& b, ScheduleOptions& o);
/// Learning rate at `epoch` (0-based, with the fraction done of the epoch in progress) of `epochs`.
/// Without `per_step` the fraction is ignored.
double learning_rate(const ScheduleOptions& options, double base, double epoch, double epochs);

enum class Precision {
  kFp32,
  kTf32,  ///< On a GPU, factors of products rounded to 10 bits of mantissa; fp32 on a CPU.
  kBf16,  ///< Autocast.
};
/// `train.memory_format`. kAuto: settle() decides; taken for kContiguous before.
enum class Layout { kContiguous, kChannelsLast, kAuto };

/// `train.checkpoint`: whichever comes first. A checkpoint is also written at the end and on
/// Ctrl-C.
struct CheckpointOptions {
  int64_t steps = 0;    ///< Every so many steps; 0 off.
  int64_t epochs = 1;   ///< At the end of every n-th epoch; 0 off.
  double minutes = 10;  ///< After so many minutes; 0 off.
  int keep = 2;         ///< The newest so many files are kept.
};
void describe(Binder& b, CheckpointOptions& o);

/// `train.validation`: a few subnets judged between epochs, for the log only.
struct ValidationOptions {
  int every = 1;          ///< Epochs between two validations; 0 off.
  int subnets = 3;        ///< Largest, smallest, then fixed random ones.
  int64_t images = 1000;  ///< At most so many of the validation split; 0: all.
};
void describe(Binder& b, ValidationOptions& o);

/// `train.gradient_variance`: measured on frozen weights between epochs (panda.md 3.3).
struct GradientVarianceOptions {
  int every = 0;         ///< Epochs between two measurements; 0 off.
  int64_t images = 512;  ///< Of the training split, fixed by the seed.
};
void describe(Binder& b, GradientVarianceOptions& o);

/// `train.budget`: ends a run at equal compute.
struct BudgetOptions {
  std::string macs;      ///< Multiply-adds of training, forward, e.g. 1T; empty: no limit.
  double limit() const;  ///< In multiply-adds; 0: none.
};
void describe(Binder& b, BudgetOptions& o);

/// `train`.
struct TrainOptions {
  int64_t epochs = 10;
  BudgetOptions budget;
  int64_t batch = 128;
  bool drop_last = false;  ///< Leave out the partial last batch of an epoch.
  int accumulate = 1;      ///< Batches whose gradients add up (as a mean) to one optimizer step.
  /// Parts of a batch that train side by side; 0: threads inside ops, as before settle().
  std::optional<int> shards;
  double label_smoothing = 0;
  std::string init;              ///< File with weights to begin with; empty: random.
  std::vector<std::string> fix;  ///< Part of the space that is trained, as Restriction reads it.
  Precision precision = Precision::kFp32;
  bool deterministic = true;  ///< On a GPU, only algorithms that give equal bits every time.
  Layout memory_format = Layout::kAuto;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  CheckpointOptions checkpoint;
  ValidationOptions validation;
  GradientVarianceOptions gradient_variance;
};
void describe(Binder& b, TrainOptions& o);
/// Decides what was left open, from the configuration and the kind of device alone, so that equal
/// configurations give equal results on machines of any size: on a CPU a part for every 32 images
/// of 32 x 32 pixels (or as many pixels; 2 to 16) and channels last; on a GPU neither.
void settle(TrainOptions& options, bool on_cpu, int64_t pixels_of_image);
/// contiguous | channels_last.
const char* layout_name(Layout layout);
/// Where steps run, and what decides their last bits: `cpu, 2 threads; batches in 4 parts`.
std::string device_text(const TrainOptions& options, const Device& device, int threads);
/// What the user should be told of settled options before training (tests/bench/RESULTS.md, "All
/// cores"); may be empty.
std::string norm_advice(const TrainOptions& o, bool on_cpu);
/// Batches of one pass over so many images.
int64_t steps_per_epoch(int64_t images, const TrainOptions& options);
/// What `train.fix` leaves of a space. ConfigError when it names what the space does not have.
Restriction trained_part(const Space& space, const TrainOptions& options);

/// `evaluate.recalibrate`: batch-norm statistics of each subnet, measured anew before it is judged
/// (mean over batches of per-batch mean and variance; search.md 2.7).
struct RecalibrateOptions {
  bool enabled = true;    ///< Off: the supernet's running statistics, with a warning.
  int64_t images = 2000;  ///< Of the training split, without augmentation.
  int64_t batch = 200;
  uint64_t seed = 0;  ///< Picks and orders the images.
};
void describe(Binder& b, RecalibrateOptions& o);

/// `evaluate`.
struct EvaluateOptions {
  std::string split = "validation";  ///< validation | test | train
  int64_t images = 0;                ///< At most so many of the split (seeded subset); 0: all.
  int64_t batch = 250;               ///< Largest batch; the split is cut into nearly equal ones.
  uint64_t seed = 0;                 ///< Order of the images (it matters with batch statistics).
  RecalibrateOptions recalibrate;
};
void describe(Binder& b, EvaluateOptions& o);

/// A whole configuration file of `nas train`.
struct TrainConfig {
  Binder::Raw space;  ///< A name, a path or a mapping with `family:`.
  DataOptions data;
  Binder::Raw strategy;  ///< A name or a mapping with `name:`; empty: uniform.
  Binder::Raw weights;   ///< A kind or a mapping with `kind:`; empty: one shared set.
  TrainOptions train;
  EvaluateOptions evaluate;
  std::string device = "auto";  ///< auto | cpu | cuda | cuda:N
  int threads = 0;              ///< 0: OMP_NUM_THREADS, else all cores.
  uint64_t seed = 0;
};
void describe(Binder& b, TrainConfig& o);
/// The strategy's name: the scalar itself or its `name`, "uniform" when the section is absent.
std::string strategy_name(const TrainConfig& config);
/// The `strategy:` section as a mapping (a scalar stands for `name: scalar`).
YamlSource strategy_source(const TrainConfig& config);

}  // namespace nas
