// Progressive shrinking (once-for-all, search.md 2.7): the largest network first, then phases that
// open smaller kernels, depths and widths, taught by the trained largest network.
#include <algorithm>
#include <cmath>

#include "spaces/error.hpp"
#include "supernet/train/step/teacher.hpp"
#include "supernet/train/strategies/options.hpp"
#include "supernet/train/strategy_state.hpp"
#include "supernet/weights/channel_sort.hpp"
#include "supernet/weights/elastic.hpp"
#include "supernet/weights/weight_set.hpp"

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
  SamplerSections samplers;
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
  describe_data_sampler(b, o.samplers);
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

/// What is open when: all that the three parts of the strategy have in common.
struct ShrinkPlan {
  ShrinkPlan(const StrategyContext& c, const Options& o, const YamlSource& source)
      : context(c),
        domain(c.domain()),
        options(o),
        choices(elastic_choices(c.space)),
        largest(domain.largest()) {
    for (size_t i = 0; i < choices.size(); ++i)
      std::erase_if(choices[i].options, [&](int16_t option) { return !domain.allows(i, option); });
    for (size_t i = 0; i < choices.size(); ++i)
      if (choices[i].kind == Elastic::kOther)
        throw ConfigError("progressive shrinking cannot train the space '" + c.space.name() +
                              "': its choice '" + c.space.choices()[i].name +
                              "' is between kinds of layers, not between sizes",
                          "take another strategy, such as uniform");
    if (c.train.schedule.warmup_epochs > 0)
      throw ConfigError("train.schedule.warmup_epochs does nothing in progressive shrinking",
                        "set warmup_epochs of the phases that need it");
    if (options.phases.empty()) options.phases = paper_phases(choices, c);
    int64_t end = 0;
    for (const Phase& phase : options.phases) ends.push_back(end += phase.epochs);
    if (end != c.epochs)
      throw ConfigError(
          {yaml_problem(source,
                        "phases",
                        "the phases last " + std::to_string(end) + " epochs, but train.epochs is " +
                            std::to_string(c.epochs),
                        "set train.epochs to " + std::to_string(end))});
  }

  size_t phase_at(int64_t epoch) const {
    const auto it = std::upper_bound(ends.begin(), ends.end(), epoch);
    return std::min(static_cast<size_t>(it - ends.begin()), ends.size() - 1);
  }
  int64_t start_of(size_t phase) const { return phase == 0 ? 0 : ends[phase - 1]; }
  size_t open_in(size_t phase, size_t choice) const {
    return opened(choices[choice], options.phases[phase]);
  }
  /// Trains more than the largest network.
  bool shrinks(size_t phase) const {
    for (size_t c = 0; c < choices.size(); ++c)
      if (choices[c].kind != Elastic::kResolution && open_in(phase, c) > 1) return true;
    return false;
  }
  bool taught(size_t phase) const { return options.kd_ratio > 0 && shrinks(phase); }

  StrategyContext context;
  Domain domain;
  Options options;
  std::vector<ElasticChoice> choices;
  std::vector<int64_t> ends;  ///< Epoch after the last of each phase.
  Architecture largest;
  std::unique_ptr<Teacher> teacher;
  size_t current = 0;  ///< Phase of the last step.
};

/// Uniform over what the phase opens. All paths of a step have its image size, which is drawn
/// first.
class PhasePaths final : public PathSampler {
 public:
  explicit PhasePaths(std::shared_ptr<const ShrinkPlan> plan)
      : plan_(std::move(plan)),
        rng_(plan_->context.seed, plan_->context.stream("paths")),
        base_(plan_->largest) {}

  void begin_step(int64_t epoch) override {
    phase_ = plan_->phase_at(epoch);
    base_ = plan_->largest;
    draw_options(base_, /*resolution=*/true);
  }
  const Architecture& base() const { return base_; }

  void draw(Path& path) override {
    path.architecture = base_;
    Architecture& a = path.architecture;
    constexpr int kTries = 1000;
    const Space& space = plan_->context.space;
    for (int i = 0; i < kTries; ++i) {
      draw_options(a, /*resolution=*/false);
      Architecture fixed = space.fix_inactive(a);
      if (!plan_->domain.contains(fixed)) continue;
      a = std::move(fixed);
      return;
    }
    throw Error("no valid subnet among " + std::to_string(kTries) + " drawn in phase " +
                std::to_string(phase_ + 1) + " of progressive shrinking");
  }

  void save(StrategyState& state) override { state.text["rng"] = rng_.state(); }
  void load(const StrategyState& state) override { rng_.restore(state.string_at("rng")); }

 private:
  void draw_options(Architecture& a, bool resolution) {
    for (size_t c = 0; c < plan_->choices.size(); ++c) {
      const size_t open = plan_->open_in(phase_, c);
      if ((plan_->choices[c].kind == Elastic::kResolution) == resolution && open > 1)
        a.genes[c] = plan_->choices[c].options[rng_.below(open)];
    }
  }

  std::shared_ptr<const ShrinkPlan> plan_;
  Rng rng_;
  size_t phase_ = 0;
  Architecture base_;
};

/// The paths of a phase, each taught by the largest network.
class PhaseRule final : public StepRule {
 public:
  explicit PhaseRule(std::shared_ptr<ShrinkPlan> plan) : plan_(std::move(plan)) {}

  Step draw(PathSampler& paths, int64_t epoch) override {
    const size_t i = plan_->phase_at(epoch);
    const bool taught = plan_->taught(i);
    plan_->current = i;
    paths.begin_step(epoch);
    Step step;
    step.paths.resize(static_cast<size_t>(plan_->options.phases[i].subnets));
    for (Path& path : step.paths) {
      paths.draw(path);
      if (taught) path.teacher_loss = plan_->options.kd_ratio;
    }
    if (taught) {
      step.teacher = plan_->teacher.get();
      step.teacher_architecture = static_cast<const PhasePaths&>(paths).base();
    }
    return step;
  }

 private:
  std::shared_ptr<ShrinkPlan> plan_;
};

class Shrinking final : public Phases {
 public:
  explicit Shrinking(std::shared_ptr<ShrinkPlan> plan) : plan_(std::move(plan)) {}

  double learning_rate(double epoch) const override {
    const size_t i = plan_->phase_at(static_cast<int64_t>(epoch));
    const Phase& phase = plan_->options.phases[i];
    const double top = phase.lr.value_or(plan_->context.train.optimizer.lr);
    const double e = epoch - static_cast<double>(plan_->start_of(i));
    if (e < phase.warmup_epochs)
      return phase.warmup_lr + (top - phase.warmup_lr) * e / phase.warmup_epochs;
    // Each phase is a schedule of its own that changes every step.
    ScheduleOptions schedule = plan_->context.train.schedule;
    schedule.per_step = true;
    return nas::learning_rate(schedule,
                              top,
                              e - phase.warmup_epochs,
                              static_cast<double>(phase.epochs) - phase.warmup_epochs);
  }

  bool prepare_weights(int64_t epoch, WeightStore& store, const std::vector<int>& sets) override {
    const size_t i = plan_->phase_at(epoch);
    if (epoch != plan_->start_of(i)) return false;
    if (!plan_->teacher && plan_->taught(i)) {
      const Architecture& a = plan_->largest;
      const std::shared_ptr<WeightSet> own = store.open(store.owner(a));
      plan_->teacher = std::make_unique<Teacher>(plan_->context.space.plan(a), *own->bind(a));
    }
    if (plan_->options.sort)
      for (const int set : sets) sort_before(i, *store.open(set));
    return i > 0;  // Momentum of the last phase belongs to other subnets and another channel order.
  }

  Telemetry telemetry() const override {
    return {{"progressive.phase", static_cast<double>(plan_->current + 1)},
            {"progressive.groups_sorted", static_cast<double>(sorted_)}};
  }
  std::vector<std::string> advice() const override {
    if (!plan_->taught(0) || !plan_->context.train.init.empty()) return {};
    return {
        "the first phase is not of the largest network alone, so that the teacher has random "
        "weights; put such a phase first, set train.init or kd_ratio: 0"};
  }
  std::vector<std::string> health() const override {
    const std::vector<Phase>& phases = plan_->options.phases;
    std::string line = "phases:";
    for (const Phase& p : phases)
      line += " " + (p.name.empty() ? "unnamed" : p.name) + " (" + std::to_string(p.epochs) +
              (&p == &phases.back() ? ")" : "),");
    return {line};
  }

  void save(StrategyState& state) override {
    state.text["sorted"] = std::to_string(sorted_);
    if (plan_->teacher)
      for (const auto& [name, t] : plan_->teacher->tensors()) state.tensors["teacher/" + name] = t;
  }
  void load(const StrategyState& state) override {
    sorted_ = state.integer_at("sorted");
    std::map<std::string, at::Tensor> tensors;
    for (const auto& [name, t] : state.tensors)
      if (name.starts_with("teacher/")) tensors[name.substr(8)] = t;
    plan_->teacher = tensors.empty() ? nullptr : std::make_unique<Teacher>(std::move(tensors));
  }

 private:
  /// Options of every choice that the phases before `phase` have trained.
  std::vector<std::vector<int16_t>> trained_before(size_t phase) const {
    std::vector<std::vector<int16_t>> trained;
    for (size_t c = 0; c < plan_->choices.size(); ++c) {
      size_t open = 1;
      for (size_t k = 0; k < phase; ++k) open = std::max(open, plan_->open_in(k, c));
      const auto& options = plan_->choices[c].options;
      trained.emplace_back(options.begin(), options.begin() + static_cast<int64_t>(open));
    }
    return trained;
  }
  void sort_before(size_t phase, WeightSet& weights) {
    const std::vector<std::vector<int16_t>> trained = trained_before(phase);
    for (size_t c = 0; c < plan_->choices.size(); ++c)
      if (plan_->choices[c].kind == Elastic::kExpand &&
          plan_->open_in(phase, c) > trained[c].size())
        sorted_ += sort_channels(plan_->context.space, weights, c, trained);
  }

  std::shared_ptr<ShrinkPlan> plan_;
  int64_t sorted_ = 0;
};

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  const auto options = read_strategy_options<Options>(source);
  const auto plan = std::make_shared<ShrinkPlan>(context, options, source);
  return {std::make_unique<PhasePaths>(plan),
          data_sampler_or_shuffle(context, options.samplers),
          std::make_unique<PhaseRule>(plan),
          std::make_unique<Shrinking>(plan)};
}

}  // namespace

StrategyEntry progressive_strategy() {
  return {"progressive",
          {"ofa"},
          "Phases from the largest network to ever smaller subnets, taught by it (once-for-all).",
          make,
          describe_defaults<Options>};
}

}  // namespace nas
