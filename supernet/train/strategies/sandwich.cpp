// The sandwich rule with in-place distillation: the largest subnet learns from the labels, the
// smallest and n random ones from its detached logits (search.md 2.7).
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  int random = 2;
  bool distill = true;
  double label_share = 0;
  Step::Combine combine = Step::Combine::kSum;
};

void describe(Binder& b, Options& o) {
  b.value("random", o.random, "Random subnets per step besides the largest and the smallest")
      .range(0, 64);
  b.value("distill", o.distill, "Teach all but the largest by its logits (in-place distillation)");
  b.value("label_share", o.label_share, "Share of the label loss for the distilled subnets")
      .range(0, 1);
  b.choice("combine",
           o.combine,
           {{"sum", Step::Combine::kSum}, {"mean", Step::Combine::kMean}},
           "How the gradients of the subnets combine into one step");
}

class Sandwich final : public Strategy {
 public:
  Sandwich(const StrategyContext& context, const Options& options)
      : Strategy(context),
        options_(options),
        largest_(context.space.largest()),
        smallest_(context.space.smallest()),
        rng_(context.seed, "paths") {}

  std::string name() const override { return "sandwich"; }

  Step next_step(int64_t, int64_t) override {
    Step step;
    step.combine = options_.combine;
    step.paths.resize(static_cast<size_t>(options_.random) + 2);
    step.paths[0].architecture = largest_;
    step.paths[1].architecture = smallest_;
    for (size_t i = 1; i < step.paths.size(); ++i) {
      Path& path = step.paths[i];
      if (i > 1) context_.space.sample_choices(rng_, path.architecture);
      path.regularise = false;
      if (!options_.distill) continue;
      path.distill_from = 0;
      path.hard_loss = options_.label_share;
    }
    return step;
  }

  StrategyState save() const override {
    StrategyState state;
    state.text["rng"] = rng_.state();
    return state;
  }
  void load(const StrategyState& state) override { rng_.restore(state.string_at("rng")); }

 private:
  Options options_;
  Architecture largest_, smallest_;
  Rng rng_;
};

}  // namespace

StrategyEntry sandwich_strategy() {
  return {
      "sandwich",
      {},
      "Largest, smallest and random subnets per step, taught by the largest.",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        return std::make_unique<Sandwich>(context, read_strategy_options<Options>(source));
      },
      [] { return strategy_schema<Options>("sandwich"); }};
}

}  // namespace nas
