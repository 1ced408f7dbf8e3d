// The sandwich rule: largest, smallest and random subnets per step (search.md 2.7).
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  SandwichOptions rule;
  SamplerSections samplers;
};
void describe(Binder& b, Options& o) {
  b.value("random", o.rule.random, "Random subnets per step besides the largest and the smallest")
      .range(0, 64);
  b.value(
      "distill", o.rule.distill, "Teach all but the largest by its logits (in-place distillation)");
  b.value("label_share", o.rule.label_share, "Share of the label loss for the distilled subnets")
      .range(0, 1);
  b.choice("combine",
           o.rule.combine,
           {{"sum", Combine::kSum}, {"mean", Combine::kMean}},
           "How the gradients of the subnets combine into one step");
  describe_path_sampler(b, o.samplers);
  describe_data_sampler(b, o.samplers);
}

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  const auto o = read_strategy_options<Options>(source);
  return {
      path_sampler_or(
          context, o.samplers, [&] { return make_uniform_paths(context, UniformOver::kChoices); }),
      data_sampler_or_shuffle(context, o.samplers),
      make_sandwich_rule(context, o.rule),
      nullptr};
}

}  // namespace

StrategyEntry sandwich_strategy() {
  return {"sandwich",
          {},
          "Largest, smallest and random subnets per step, taught by the largest.",
          make,
          describe_defaults<Options>};
}

}  // namespace nas
