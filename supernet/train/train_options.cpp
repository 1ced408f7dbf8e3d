#include "supernet/train/train_options.hpp"

#include "supernet/train/strategies/strategy_preset.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

#include "spaces/metric.hpp"
#include "supernet/device_name.hpp"

namespace nas {

void describe(Binder& b, OptimizerOptions& o) {
  b.choice("kind",
           o.kind,
           {{"sgd", OptimizerKind::kSgd},
            {"adam", OptimizerKind::kAdam},
            {"adamw", OptimizerKind::kAdamW}},
           "Optimizer");
  b.value("lr", o.lr, "Base learning rate").range(0, 1e3);
  b.value("momentum", o.momentum, "SGD momentum").range(0, 0.9999);
  b.value("nesterov", o.nesterov, "SGD with Nesterov momentum").check([&o] {
    return o.nesterov && o.momentum == 0 ? std::string("needs momentum above 0") : std::string();
  });
  b.value("weight_decay", o.weight_decay, "L2 penalty (adamw: decoupled)").range(0, 10);
  b.value("decay_norm_and_bias",
          o.decay_norm_and_bias,
          "Weight decay on batch-norm parameters and biases too");
  b.value("beta1", o.beta1, "Adam: decay of the first moment").range(0, 0.99999);
  b.value("beta2", o.beta2, "Adam: decay of the second moment").range(0, 0.999999);
  b.value("eps", o.eps, "Adam: added to the root").range(1e-16, 1);
  b.value("clip_norm", o.clip_norm, "Clip the global gradient norm to this; 0 off").range(0, 1e9);
  b.value("clip_value", o.clip_value, "Clamp each gradient entry to +-this; 0 off").range(0, 1e9);
  b.choice("untouched",
           o.untouched,
           {{"skip", Untouched::kSkip}, {"decay", Untouched::kDecay}},
           "Parameters that no path of the step used: left alone (skip), or moved by momentum and "
           "weight decay as if their gradient were zero (decay; the default with strategy panda, "
           "preset paper)");
}

void describe(Binder& b, ScheduleOptions& o) {
  b.choice("kind",
           o.kind,
           {{"constant", ScheduleKind::kConstant},
            {"cosine", ScheduleKind::kCosine},
            {"step", ScheduleKind::kStep},
            {"multi_step", ScheduleKind::kMultiStep},
            {"exponential", ScheduleKind::kExponential}},
           "Learning-rate schedule");
  b.value("per_step", o.per_step, "Change the rate every step rather than every epoch");
  b.value("lr_min", o.lr_min, "Lowest rate after warm-up").range(0, 1e3);
  b.value("warmup_epochs", o.warmup_epochs, "Linear warm-up from 0").range(0, 1e6).unit("epochs");
  b.value("step_epochs", o.step_epochs, "step: epochs between two multiplications by gamma")
      .range(1, 1e6);
  b.list("milestones", o.milestones, "multi_step: epochs at which the rate is multiplied by gamma");
  b.value("gamma", o.gamma, "step, multi_step: factor; exponential: factor per epoch").range(0, 1);
}

double learning_rate(const ScheduleOptions& o, double base, double epoch, double epochs) {
  if (!o.per_step) epoch = std::floor(epoch);
  // Per epoch the first epoch already trains: epoch e of w runs at (e + 1) / w of the rate.
  if (epoch < o.warmup_epochs)
    return base * std::min(1.0, (o.per_step ? epoch : epoch + 1) / o.warmup_epochs);
  const double past = epoch - o.warmup_epochs;
  switch (o.kind) {
    case ScheduleKind::kConstant:
      return base;
    case ScheduleKind::kCosine: {
      const double progress = std::min(1.0, past / std::max(epochs - o.warmup_epochs, 1e-9));
      return o.lr_min + (base - o.lr_min) / 2 * (1 + std::cos(std::numbers::pi * progress));
    }
    case ScheduleKind::kStep:
      return std::max(o.lr_min, base * std::pow(o.gamma, std::floor(epoch / o.step_epochs)));
    case ScheduleKind::kMultiStep: {
      const auto passed = std::count_if(
          o.milestones.begin(), o.milestones.end(), [&](int m) { return epoch >= m; });
      return std::max(o.lr_min, base * std::pow(o.gamma, static_cast<double>(passed)));
    }
    case ScheduleKind::kExponential:
      return std::max(o.lr_min, base * std::pow(o.gamma, past));
  }
  return base;
}

void describe(Binder& b, CheckpointOptions& o) {
  b.value("steps", o.steps, "Checkpoint every so many steps; 0 off").range(0, 1e12);
  b.value("epochs", o.epochs, "Checkpoint at the end of every n-th epoch; 0 off").range(0, 1e9);
  b.value("minutes", o.minutes, "Checkpoint after so many minutes; 0 off").range(0, 1e6);
  b.value("keep", o.keep, "Checkpoint files kept").range(1, 1000);
}

void describe(Binder& b, ValidationOptions& o) {
  b.value("every", o.every, "Epochs between two validations; 0 off").range(0, 1e9);
  b.value("subnets", o.subnets, "Subnets judged: largest, smallest, then fixed random ones")
      .range(1, 1000);
  b.value("images", o.images, "At most so many validation images; 0: all").range(0, 1e12);
}

void describe(Binder& b, GradientVarianceOptions& o) {
  b.value("every", o.every, "Epochs between two measurements of the classifier's gradient; 0 off")
      .range(0, 1e9);
  b.value("images", o.images, "Training images it is measured on").range(2, 1e6);
}

namespace {

/// `1.5T`; nullopt when it is no number above 0 with one of the units of multiply-adds.
std::optional<double> macs_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value <= 0) return std::nullopt;
  const std::string unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (unit.empty()) return value;
  const std::optional<double> factor = unit_factor("macs", unit);
  return factor ? std::optional<double>(value * *factor) : std::nullopt;
}

}  // namespace

double BudgetOptions::limit() const {
  return macs.empty() ? 0 : macs_of(macs).value_or(0);
}

void describe(Binder& b, BudgetOptions& o) {
  b.value("macs",
          o.macs,
          "Ends the run when training has spent so many multiply-adds (forward), e.g. 1T; the "
          "learning rate then follows the share that is spent, and train.epochs is the most")
      .check([&o] {
        return o.macs.empty() || macs_of(o.macs)
                   ? std::string()
                   : "'" + o.macs +
                         "' is no number of multiply-adds above 0 (units: " + unit_names("macs") +
                         ")";
      });
}

void describe(Binder& b, TrainOptions& o) {
  b.value("epochs", o.epochs, "Passes over the training split").range(1, 1e7);
  b.section("budget", o.budget, "Compute that ends a run");
  b.value("batch", o.batch, "Images per step").range(1, 1e6);
  b.value("drop_last", o.drop_last, "Leave out the partial last batch of an epoch");
  b.value("accumulate", o.accumulate, "Batches whose mean gradient makes one optimizer step")
      .range(1, 1e6);
  b.value("shards",
          o.shards,
          "On a CPU: parts of a batch that train side by side, one thread each at most; results "
          "depend on it and not on the threads. 0: threads inside ops; null: one for every 32 "
          "images of 32x32 pixels, 2 to 16")
      .range(0, 256);
  b.value("label_smoothing", o.label_smoothing, "Share of the target spread over all classes")
      .range(0, 0.999);
  b.value("init",
          o.init,
          "File with weights to begin with: a checkpoint of nas or a once-for-all .pth; empty: "
          "random");
  b.list(
      "fix", o.fix, "Trains a part of the space only: CHOICE=OPTION[|OPTION...] or CHOICE!=OPTION");
  if (b.reading()) {
    for (const std::string& term : o.fix) {
      try {
        Restriction::check_form(term);
      } catch (const ConfigError& e) {
        for (const Problem& problem : e.problems()) b.problem("fix", problem.message, problem.hint);
      }
    }
  }
  b.choice("precision",
           o.precision,
           {{"fp32", Precision::kFp32}, {"tf32", Precision::kTf32}, {"bf16", Precision::kBf16}},
           "Arithmetic of the forward and backward pass; weights stay fp32, judging too");
  b.value("deterministic",
          o.deterministic,
          "On a GPU, only algorithms that give the same bits every time (a CPU always does)");
  b.choice("memory_format",
           o.memory_format,
           {{"auto", Layout::kAuto},
            {"contiguous", Layout::kContiguous},
            {"channels_last", Layout::kChannelsLast}},
           "Memory layout of images and activations; auto: channels_last on a CPU, contiguous on a "
           "GPU");
  b.section("optimizer", o.optimizer, "Optimizer");
  b.section("schedule", o.schedule, "Learning-rate schedule");
  b.section("checkpoint", o.checkpoint, "When checkpoints are written");
  b.section("validation", o.validation, "Subnets judged between epochs");
  b.section("gradient_variance", o.gradient_variance, "Gradient variance under the image draw");
}

// A part costs some time for each op, which of small images is much beside the arithmetic. A
// sandwich step of 64 images of 8 x 8 pixels takes a tenth longer in two parts than in one on one
// thread (and less than LibTorch's ops undivided), on two threads a seventh less; in four parts it
// takes longer on both (tests/bench/RESULTS.md).
void settle(TrainOptions& o, bool on_cpu, int64_t pixels_of_image) {
  constexpr int64_t kPixelsOfPart = 32 * 32 * 32, kLeastParts = 2, kMostParts = 16;
  if (!o.shards)
    o.shards = on_cpu ? static_cast<int>(std::clamp<int64_t>(
                            o.batch * pixels_of_image / kPixelsOfPart, kLeastParts, kMostParts))
                      : 0;
  if (o.memory_format == Layout::kAuto)
    o.memory_format = on_cpu ? Layout::kChannelsLast : Layout::kContiguous;
}

const char* layout_name(Layout layout) {
  return layout == Layout::kChannelsLast ? "channels_last" : "contiguous";
}

std::string device_text(const TrainOptions& o, const Device& device, int threads) {
  std::string text = device.str();
  if (!device.is_cpu()) return text;
  text += ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
  const int parts = o.shards.value_or(0);
  if (parts == 0) return text + " inside ops";
  return text + "; batches in " + std::to_string(parts) + (parts == 1 ? " part" : " parts");
}

std::string norm_advice(const TrainOptions& o, bool on_cpu) {
  if (!on_cpu || o.shards.value_or(1) != 0 || o.memory_format != Layout::kChannelsLast) return {};
  return "train.shards: 0 with channels_last: LibTorch's batch norm of that layout sums the values "
         "of a channel in one float, so that means are off by up to a thousandth; leave "
         "train.shards open, or set train.memory_format=contiguous";
}

int64_t steps_per_epoch(int64_t images, const TrainOptions& o) {
  return o.drop_last ? images / o.batch : (images + o.batch - 1) / o.batch;
}

Restriction trained_part(const Space& space, const TrainOptions& options) {
  return options.fix.empty() ? Restriction() : Restriction::parse(space, options.fix, "train.fix");
}

void describe(Binder& b, RecalibrateOptions& o) {
  b.value("enabled", o.enabled, "Measure batch-norm statistics of each subnet before judging it");
  b.value("images", o.images, "Training images used for it").range(1, 1e9);
  b.value("batch", o.batch, "Batch of the measurement").range(2, 1e6);
  b.value("seed", o.seed, "Picks and orders the images");
}

void describe(Binder& b, EvaluateOptions& o) {
  int split = o.split == "test" ? 1 : o.split == "train" ? 2 : 0;
  b.choice_index(
      "split", split, {"validation", "test", "train"}, "Images that architectures are judged on");
  o.split = split == 1 ? "test" : split == 2 ? "train" : "validation";
  b.value("images", o.images, "At most so many of the split; 0: all").range(0, 1e12);
  b.value("batch", o.batch, "Largest batch; the split is cut into nearly equal ones").range(2, 1e6);
  b.value("seed", o.seed, "Order of the images");
  b.section("recalibrate", o.recalibrate, "Batch-norm recalibration");
}

void describe(Binder& b, TrainConfig& o) {
  b.raw("space", o.space, "Search space: a name, a path, or a mapping with `family`").required();
  b.section("data", o.data, "Images");
  b.raw("strategy", o.strategy, "Training strategy: a name, or a mapping with `name`");
  b.raw("weights", o.weights, "Where weights come from: a kind, or a mapping with `kind`");
  // What the released PA&DA program does is part of that preset.
  if (b.reading() && strategy_name(o) == "panda" && strategy_preset(o).value_or("paper") == "paper")
    o.train.optimizer.untouched = Untouched::kDecay;
  b.section("train", o.train, "Training");
  b.section("evaluate", o.evaluate, "How architectures are judged");
  b.value("device", o.device, "auto, cpu, cuda or cuda:N").check([&o] {
    return device_name_problem(o.device);
  });
  b.value("threads", o.threads, "Compute threads; 0: OMP_NUM_THREADS, else all cores")
      .range(0, 4096);
  b.value("seed", o.seed, "Seed of every random stream of the run");
}

std::string strategy_name(const TrainConfig& config) {
  if (config.strategy.yaml.empty() && !config.strategy.tree) return "uniform";
  const YamlSource source = yaml_source(config.strategy);
  if (const auto scalar = yaml_scalar(source)) return *scalar;
  return yaml_scalar(source, "name").value_or("uniform");
}

std::optional<std::string> strategy_preset(const TrainConfig& config) {
  return yaml_scalar(strategy_source(config), "preset");
}

void name_preset(TrainConfig& config, const std::string& preset) {
  if (strategy_name(config) != "panda" || strategy_preset(config)) return;
  YamlSource source = strategy_source(config);
  source.sets = {"preset=" + preset, "name=panda"};
  config.strategy.yaml = yaml_text(source);
  config.strategy.tree = nullptr;
}

YamlSource strategy_source(const TrainConfig& config) {
  if (config.strategy.yaml.empty() && !config.strategy.tree) {
    YamlSource none;
    none.prefix = "strategy";
    return none;
  }
  YamlSource source = yaml_source(config.strategy);
  if (yaml_scalar(source)) {
    YamlSource empty;
    empty.file = source.file;
    empty.prefix = source.prefix;
    return empty;
  }
  return source;
}

}  // namespace nas
