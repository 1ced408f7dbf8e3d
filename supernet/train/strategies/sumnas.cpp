// SUMNAS (Reptile): strictly fair paths, a few inner SGD steps each from the same weights; the
// outer optimizer moves along the mean displacement (panda.md 3.5).
#include "supernet/samplers/fair_paths.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

enum class InnerMomentum { kReset, kPersist };

struct Options {
  Step::Inner inner;
  InnerMomentum momentum_buffer = InnerMomentum::kReset;
  FairRedraw redraw = FairRedraw::kStep;
};

void describe(Binder& b, Options& o) {
  b.value("inner_steps", o.inner.steps, "Inner SGD steps per path, on the same batch")
      .range(1, 100);
  b.value("inner_lr", o.inner.lr, "Learning rate of the inner steps, constant").range(0, 1e3);
  b.value("inner_sgd_momentum", o.inner.momentum, "Momentum of the inner steps").range(0, 0.9999);
  b.value("inner_weight_decay", o.inner.weight_decay, "Weight decay of the inner steps")
      .range(0, 10);
  b.value("inner_clip_norm", o.inner.clip_norm, "Clip the inner gradient norm to this; 0 off")
      .range(0, 1e9);
  b.choice("inner_momentum",
           o.momentum_buffer,
           {{"reset", InnerMomentum::kReset}, {"persist", InnerMomentum::kPersist}},
           "The inner momentum buffer: new for every path, or (as the released program) one "
           "across paths and steps");
  describe_redraw(b, o.redraw);
}

class Sumnas final : public Strategy {
 public:
  Sumnas(const StrategyContext& context, const Options& options)
      : Strategy(context),
        inner_(options.inner),
        paths_(context.space, context.seed, options.redraw) {
    inner_.persist = options.momentum_buffer == InnerMomentum::kPersist;
  }

  std::string name() const override { return "sumnas"; }
  void begin_epoch(int64_t) override { paths_.begin_epoch(); }

  Step next_step(int64_t, int64_t) override {
    Step step;
    step.combine = Step::Combine::kReptile;
    step.inner = inner_;
    for (const Architecture& a : paths_.next()) {
      step.paths.emplace_back();
      step.paths.back().architecture = a;
    }
    return step;
  }

  /// The gradient of the outer step is a displacement, so the usual rates are far too small.
  std::vector<std::string> advice() const override {
    const OptimizerOptions& o = context_.train.optimizer;
    if (o.kind == OptimizerKind::kSgd && o.lr == 1.0 && o.momentum == 0 && o.clip_norm == 0)
      return {};
    return {
        "strategy sumnas: train.optimizer is the outer step along the mean displacement; the "
        "method takes kind: sgd, lr: 1, momentum: 0, weight_decay: 4e-5, clip_norm: 0"};
  }

  StrategyState save() const override {
    StrategyState state;
    paths_.save(state);
    return state;
  }
  void load(const StrategyState& state) override { paths_.load(state); }

 private:
  Step::Inner inner_;
  FairPaths paths_;
};

}  // namespace

StrategyEntry sumnas_strategy() {
  return {
      "sumnas",
      {},
      "Fair paths with inner SGD steps each; the outer step follows their mean (SUMNAS).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        if (context.train.accumulate != 1)
          throw ConfigError({yaml_problem(
              source,
              "name",
              "strategy sumnas makes an outer step per batch, but train.accumulate is " +
                  std::to_string(context.train.accumulate),
              "set train.accumulate to 1")});
        return std::make_unique<Sumnas>(context, read_strategy_options<Options>(source));
      },
      [] { return strategy_schema<Options>("sumnas"); }};
}

}  // namespace nas
