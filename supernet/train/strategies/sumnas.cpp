// SUMNAS (Reptile): strictly fair paths, inner SGD steps each (panda.md 3.5).
#include "spaces/error.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

enum class InnerMomentum { kReset, kPersist };

struct Options {
  ReptileOptions inner;
  InnerMomentum momentum_buffer = InnerMomentum::kReset;
  FairRedraw redraw = FairRedraw::kStep;
  SamplerSections samplers;
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
  describe_path_sampler(b, o.samplers);
  describe_data_sampler(b, o.samplers);
}

/// The gradient of the outer step is a displacement, so the usual rates are far too small.
std::vector<std::string> advice(const OptimizerOptions& o) {
  if (o.kind == OptimizerKind::kSgd && o.lr == 1.0 && o.momentum == 0 && o.clip_norm == 0)
    return {};
  return {
      "strategy sumnas: train.optimizer is the outer step along the mean displacement; the "
      "method takes kind: sgd, lr: 1, momentum: 0, weight_decay: 4e-5, clip_norm: 0"};
}

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  if (context.train.accumulate != 1)
    throw ConfigError(
        {yaml_problem(source,
                      "name",
                      "strategy sumnas makes an outer step per batch, but train.accumulate is " +
                          std::to_string(context.train.accumulate),
                      "set train.accumulate to 1")});
  auto o = read_strategy_options<Options>(source);
  o.inner.persist = o.momentum_buffer == InnerMomentum::kPersist;
  return {path_sampler_or(context, o.samplers, [&] { return make_fair_paths(context, o.redraw); }),
          data_sampler_or_shuffle(context, o.samplers),
          make_reptile_rule(o.inner),
          nullptr,
          advice(context.train.optimizer)};
}

}  // namespace

StrategyEntry sumnas_strategy() {
  return {"sumnas",
          {},
          "Fair paths with inner SGD steps each; the outer step follows their mean (SUMNAS).",
          make,
          describe_defaults<Options>};
}

}  // namespace nas
