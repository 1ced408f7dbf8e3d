// Progressive shrinking (once-for-all, search.md 2.7): the largest network first, then phases that
// open smaller kernels, depths and widths, taught by the trained largest network.
#include <algorithm>
#include <cmath>

#include "supernet/train/strategies/options.hpp"
#include "supernet/train/teacher.hpp"
#include "supernet/weights/channel_sort.hpp"
#include "supernet/weights/elastic.hpp"

namespace nas {
namespace {

/// Counts are options from the largest down; 0: all.
struct Phase {
  std::string name;
  int64_t epochs = 1;
  std::optional<double> lr;
  double warmup_epochs = 0, warmup_lr = 0;
  int subnets = 1;
  int kernel = 1, depth = 1, expand = 1, width = 1, resolution = 0;
};

void describe(Binder& b, Phase& o) {
  b.value("name", o.name, "For the log");
  b.value("epochs", o.epochs, "Epochs of this phase, warm-up included").range(1, 1e7);
  b.value("lr", o.lr, "Highest learning rate of the phase; absent: train.optimizer.lr")
      .range(0, 1e3);
  b.value("warmup_epochs", o.warmup_epochs, "Linear warm-up at the start of the phase")
      .range(0, 1e6)
      .unit("epochs")
      .check([&o] {
        return o.warmup_epochs > static_cast<double>(o.epochs)
                   ? "is longer than the phase (" + std::to_string(o.epochs) + " epochs)"
                   : std::string();
      });
  b.value("warmup_lr", o.warmup_lr, "Rate that the warm-up begins at").range(0, 1e3);
  b.value("subnets", o.subnets, "Random subnets per step, gradients summed").range(1, 64);
  const std::string open = ": the largest so many options are open; 0: all";
  b.value("kernel", o.kernel, "Kernel sizes" + open).range(0, 64);
  b.value("depth", o.depth, "Depths" + open).range(0, 64);
  b.value("expand", o.expand, "Channels inside blocks" + open).range(0, 64);
  b.value("width", o.width, "Channels between blocks" + open).range(0, 64);
  b.value("resolution", o.resolution, "Image sizes, one per step" + open).range(0, 64);
}

struct Options {
  double kd_ratio = 1.0;
  bool sort = true;
  std::vector<Phase> phases;
};

void describe(Binder& b, Options& o) {
  b.value("kd_ratio",
          o.kd_ratio,
          "Weight of the cross-entropy with the teacher beside that with the labels; 0: no teacher")
      .range(0, 100);
  b.value(
      "sort",
      o.sort,
      "Sort middle channels by importance before a phase that narrows them (not where train.init "
      "holds weights that are trained narrower already)");
  b.items("phases", o.phases, "Phases; none: those of the paper, scaled to train.epochs");
}

/// Options of `choice` that a phase opens.
size_t opened(const ElasticChoice& choice, const Phase& phase) {
  int count = 1;
  switch (choice.kind) {
    case Elastic::kKernel:
      count = phase.kernel;
      break;
    case Elastic::kDepth:
      count = phase.depth;
      break;
    case Elastic::kExpand:
      count = phase.expand;
      break;
    case Elastic::kWidth:
      count = phase.width;
      break;
    case Elastic::kResolution:
      count = phase.resolution;
      break;
    case Elastic::kNothing:
    case Elastic::kOther:
      break;
  }
  const size_t all = choice.options.size();
  return count == 0 ? all : std::min(all, static_cast<size_t>(count));
}

/// Divides `total` in the ratio of the phases' epochs (largest remainders), at least one each.
void scale_epochs(std::vector<Phase>& phases, int64_t total) {
  const auto count = static_cast<int64_t>(phases.size());
  if (total < count)
    throw ConfigError("progressive shrinking of this space has " + std::to_string(count) +
                          " phases, but train.epochs is " + std::to_string(total),
                      "set train.epochs to at least " + std::to_string(count));
  double sum = 0;
  for (const Phase& p : phases) sum += static_cast<double>(p.epochs);
  std::vector<std::pair<double, size_t>> rest;
  int64_t left = total;
  for (size_t i = 0; i < phases.size(); ++i) {
    Phase& p = phases[i];
    const double share = static_cast<double>(p.epochs * total) / sum;
    p.warmup_epochs *= share / static_cast<double>(p.epochs);
    p.epochs = std::max<int64_t>(1, static_cast<int64_t>(share));
    left -= p.epochs;
    rest.emplace_back(static_cast<double>(p.epochs) - share, i);
  }
  std::sort(rest.begin(), rest.end());
  for (size_t i = 0; left > 0; ++i, --left) ++phases[rest[i].second].epochs;
  // Short phases were rounded up to one epoch: the longest pay.
  for (; left < 0; ++left)
    --std::max_element(phases.begin(), phases.end(), [](const Phase& a, const Phase& b) {
        return a.epochs < b.epochs;
      })->epochs;
  for (Phase& p : phases)
    p.warmup_epochs = std::min(p.warmup_epochs, static_cast<double>(p.epochs));
}

/// The table of search.md 2.7. The longer phases are 120 epochs after 5 of warm-up, which goes from
/// the rate for 64 images to that of the batch.
std::vector<Phase> paper_phases(const std::vector<ElasticChoice>& choices,
                                const StrategyContext& context) {
  const double batch = static_cast<double>(context.batch_size * context.train.accumulate) / 64;
  std::vector<Phase> phases;
  Phase now;
  const auto add = [&](const std::string& name, int64_t epochs, double lr, double warmup) {
    now.name = name;
    now.epochs = epochs;
    now.lr = lr * batch;
    now.warmup_epochs = warmup;
    now.warmup_lr = std::min(lr, lr * batch);
    phases.push_back(now);
  };
  const auto most = [&](Elastic kind) {
    size_t count = 1;
    for (const ElasticChoice& c : choices)
      if (c.kind == kind) count = std::max(count, c.options.size());
    return static_cast<int>(count);
  };
  const auto open = [&](Elastic kind, int Phase::*field, int subnets) {
    for (int n = 2; n <= most(kind); ++n) {
      now.*field = n;
      now.subnets = subnets;
      const std::string name = std::string(to_string(kind)) + " " + std::to_string(n - 1);
      if (n < most(kind))
        add(name, 25, 2.5e-3, 0);
      else
        add(name, 125, 7.5e-3, 5);
    }
  };
  add("largest", 180, 0.16, 0);
  if (most(Elastic::kKernel) > 1) {
    now.kernel = 0;
    add("kernel", 125, 3e-2, 5);
  }
  open(Elastic::kDepth, &Phase::depth, 2);
  open(Elastic::kExpand, &Phase::expand, 4);
  open(Elastic::kWidth, &Phase::width, 4);
  scale_epochs(phases, context.epochs);
  return phases;
}

class Progressive final : public Strategy {
 public:
  Progressive(const StrategyContext& context, const Options& options, const YamlSource& source)
      : Strategy(context),
        options_(options),
        choices_(elastic_choices(context.space)),
        largest_(context.space.largest()),
        rng_(context.seed, "paths") {
    for (size_t c = 0; c < choices_.size(); ++c)
      if (choices_[c].kind == Elastic::kOther)
        throw ConfigError("progressive shrinking cannot train the space '" + context.space.name() +
                              "': its choice '" + context.space.choices()[c].name +
                              "' is between kinds of layers, not between sizes",
                          "take another strategy, such as uniform");
    if (context.train.schedule.warmup_epochs > 0)
      throw ConfigError("train.schedule.warmup_epochs does nothing in progressive shrinking",
                        "set warmup_epochs of the phases that need it");
    if (options_.phases.empty()) options_.phases = paper_phases(choices_, context);
    int64_t end = 0;
    for (const Phase& phase : options_.phases) ends_.push_back(end += phase.epochs);
    if (end != context.epochs)
      throw ConfigError(
          {yaml_problem(source,
                        "phases",
                        "the phases last " + std::to_string(end) + " epochs, but train.epochs is " +
                            std::to_string(context.epochs),
                        "set train.epochs to " + std::to_string(end))});
  }

  std::string name() const override { return "progressive"; }

  std::optional<double> learning_rate(double epoch) const override {
    const size_t i = phase_at(static_cast<int64_t>(epoch));
    const Phase& phase = options_.phases[i];
    const double top = phase.lr.value_or(context_.train.optimizer.lr);
    const double e = epoch - static_cast<double>(start_of(i));
    if (e < phase.warmup_epochs)
      return phase.warmup_lr + (top - phase.warmup_lr) * e / phase.warmup_epochs;
    // Each phase is a schedule of its own that changes every step.
    ScheduleOptions schedule = context_.train.schedule;
    schedule.per_step = true;
    return nas::learning_rate(schedule,
                              top,
                              e - phase.warmup_epochs,
                              static_cast<double>(phase.epochs) - phase.warmup_epochs);
  }

  bool prepare_weights(int64_t epoch, WeightStore& store) override {
    const size_t i = phase_at(epoch);
    if (epoch != start_of(i)) return false;
    const std::shared_ptr<WeightSet> weights = store.open(0);
    if (!teacher_ && options_.kd_ratio > 0 && shrinks(i))
      teacher_ = std::make_unique<Teacher>(context_.space.plan(largest_), *weights->bind(largest_));
    if (options_.sort) sort_before(i, *weights);
    return i > 0;  // Momentum of the last phase belongs to other subnets and another channel order.
  }

  Step next_step(int64_t epoch, int64_t) override {
    const size_t i = phase_at(epoch);
    const Phase& phase = options_.phases[i];
    const bool taught = options_.kd_ratio > 0 && shrinks(i);
    // One image size for the whole step: that of the batch.
    Architecture base = largest_;
    draw(i, base, /*resolution=*/true);
    Step step;
    step.paths.resize(static_cast<size_t>(phase.subnets));
    for (Path& path : step.paths) {
      path.architecture = base;
      draw_valid(i, path.architecture);
      if (taught) path.teacher_loss = options_.kd_ratio;
    }
    if (taught) {
      step.teacher = teacher_.get();
      step.teacher_architecture = base;
    }
    current_ = i;
    return step;
  }

  std::vector<std::pair<std::string, double>> telemetry() const override {
    return {{"progressive.phase", static_cast<double>(current_ + 1)},
            {"progressive.groups_sorted", static_cast<double>(sorted_)}};
  }
  std::vector<std::string> advice() const override {
    if (!shrinks(0) || options_.kd_ratio == 0 || !context_.train.init.empty()) return {};
    return {
        "the first phase is not of the largest network alone, so that the teacher has random "
        "weights; put such a phase first, set train.init or kd_ratio: 0"};
  }
  std::vector<std::string> health() const override {
    std::string line = "phases:";
    for (const Phase& p : options_.phases)
      line += " " + (p.name.empty() ? "unnamed" : p.name) + " (" + std::to_string(p.epochs) +
              (&p == &options_.phases.back() ? ")" : "),");
    return {line};
  }

  StrategyState save() const override {
    StrategyState state;
    state.text["rng"] = rng_.state();
    state.text["sorted"] = std::to_string(sorted_);
    if (teacher_)
      for (const auto& [name, t] : teacher_->tensors()) state.tensors["teacher/" + name] = t;
    return state;
  }
  void load(const StrategyState& state) override {
    rng_.restore(state.string_at("rng"));
    sorted_ = state.integer_at("sorted");
    std::map<std::string, at::Tensor> tensors;
    for (const auto& [name, t] : state.tensors)
      if (name.starts_with("teacher/")) tensors[name.substr(8)] = t;
    teacher_ = tensors.empty() ? nullptr : std::make_unique<Teacher>(std::move(tensors));
  }

 private:
  size_t phase_at(int64_t epoch) const {
    const auto it = std::upper_bound(ends_.begin(), ends_.end(), epoch);
    return std::min(static_cast<size_t>(it - ends_.begin()), ends_.size() - 1);
  }
  int64_t start_of(size_t phase) const { return phase == 0 ? 0 : ends_[phase - 1]; }
  size_t open_in(size_t phase, size_t choice) const {
    return opened(choices_[choice], options_.phases[phase]);
  }
  /// Options of every choice that the phases before `phase` have trained.
  std::vector<std::vector<int16_t>> trained_before(size_t phase) const {
    std::vector<std::vector<int16_t>> trained;
    for (size_t c = 0; c < choices_.size(); ++c) {
      size_t open = 1;
      for (size_t k = 0; k < phase; ++k) open = std::max(open, open_in(k, c));
      const auto& options = choices_[c].options;
      trained.emplace_back(options.begin(), options.begin() + static_cast<int64_t>(open));
    }
    return trained;
  }
  void sort_before(size_t phase, WeightSet& weights) {
    const std::vector<std::vector<int16_t>> trained = trained_before(phase);
    for (size_t c = 0; c < choices_.size(); ++c)
      if (choices_[c].kind == Elastic::kExpand && open_in(phase, c) > trained[c].size())
        sorted_ += sort_channels(context_.space, weights, c, trained);
  }
  /// Trains more than the largest network.
  bool shrinks(size_t phase) const {
    for (size_t c = 0; c < choices_.size(); ++c)
      if (choices_[c].kind != Elastic::kResolution && open_in(phase, c) > 1) return true;
    return false;
  }

  void draw(size_t phase, Architecture& a, bool resolution) {
    for (size_t c = 0; c < choices_.size(); ++c) {
      const size_t open = open_in(phase, c);
      if ((choices_[c].kind == Elastic::kResolution) == resolution && open > 1)
        a.genes[c] = choices_[c].options[rng_.below(open)];
    }
  }
  void draw_valid(size_t phase, Architecture& a) {
    constexpr int kTries = 1000;
    for (int i = 0; i < kTries; ++i) {
      draw(phase, a, /*resolution=*/false);
      Architecture fixed = context_.space.fix_inactive(a);
      if (!context_.space.valid(fixed)) continue;
      a = std::move(fixed);
      return;
    }
    throw Error("no valid subnet among " + std::to_string(kTries) + " drawn in phase " +
                std::to_string(phase + 1) + " of progressive shrinking");
  }

  Options options_;
  std::vector<ElasticChoice> choices_;
  std::vector<int64_t> ends_;  ///< Epoch after the last of each phase.
  Architecture largest_;
  Rng rng_;
  std::unique_ptr<Teacher> teacher_;
  int64_t sorted_ = 0;
  size_t current_ = 0;
};

}  // namespace

StrategyEntry progressive_strategy() {
  return {
      "progressive",
      {"ofa"},
      "Phases from the largest network to ever smaller subnets, taught by it (once-for-all).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        return std::make_unique<Progressive>(
            context, read_strategy_options<Options>(source), source);
      },
      [] { return strategy_schema<Options>("progressive"); }};
}

}  // namespace nas
