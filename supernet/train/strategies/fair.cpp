// Strict fairness (FairNAS): every option of every choice is used equally often in each step; the
// gradients of the paths add up to one optimizer step (panda.md 3.5).
#include "supernet/samplers/fair_paths.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  FairRedraw redraw = FairRedraw::kStep;
};

void describe(Binder& b, Options& o) {
  describe_redraw(b, o.redraw);
}

class Fair final : public Strategy {
 public:
  Fair(const StrategyContext& context, const Options& options)
      : Strategy(context), paths_(context.space, context.seed, options.redraw) {}

  std::string name() const override { return "fair"; }
  void begin_epoch(int64_t) override { paths_.begin_epoch(); }

  Step next_step(int64_t, int64_t) override {
    Step step;
    for (const Architecture& a : paths_.next()) {
      step.paths.emplace_back();
      step.paths.back().architecture = a;
    }
    return step;
  }

  StrategyState save() const override {
    StrategyState state;
    paths_.save(state);
    return state;
  }
  void load(const StrategyState& state) override { paths_.load(state); }

 private:
  FairPaths paths_;
};

}  // namespace

StrategyEntry fair_strategy() {
  return {
      "fair",
      {"fairnas"},
      "Every option of every choice equally often per step, gradients summed (FairNAS).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        return std::make_unique<Fair>(context, read_strategy_options<Options>(source));
      },
      [] { return strategy_schema<Options>("fair"); }};
}

}  // namespace nas
