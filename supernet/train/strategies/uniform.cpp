// Single-path one-shot training (SPOS): one random path per batch (panda.md 3.5).
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  /// choices: every active choice uniform among its options; architectures: uniform over valid
  /// architectures. They differ where conditions make options lead to unequal numbers.
  enum class Over { kChoices, kArchitectures };
  Over over = Over::kChoices;
};

void describe(Binder& b, Options& o) {
  b.choice("over",
           o.over,
           {{"choices", Options::Over::kChoices}, {"architectures", Options::Over::kArchitectures}},
           "What is uniform: the options of every choice, or the valid architectures");
}

class Uniform final : public Strategy {
 public:
  Uniform(const StrategyContext& context, Options options)
      : Strategy(context), options_(options), rng_(context.seed, "paths") {}

  std::string name() const override { return "uniform"; }

  Step next_step(int64_t, int64_t) override {
    Step step;
    step.paths.resize(1);
    Architecture& a = step.paths[0].architecture;
    if (options_.over == Options::Over::kChoices)
      context_.space.sample_choices(rng_, a);
    else
      context_.space.sample(rng_, a);
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
  Rng rng_;
};

}  // namespace

StrategyEntry uniform_strategy() {
  return {
      "uniform",
      {"spos"},
      "One uniformly drawn path per batch (SPOS).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        return std::make_unique<Uniform>(context, read_strategy_options<Options>(source));
      },
      [] { return strategy_schema<Options>("uniform"); }};
}

}  // namespace nas
