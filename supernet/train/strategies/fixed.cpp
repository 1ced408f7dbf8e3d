// One architecture only: trains a network alone, e.g. a winner from scratch or a reference.
#include "spaces/text/read_architecture.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  Binder::Raw architecture;
};

void describe(Binder& b, Options& o) {
  b.raw("architecture",
        o.architecture,
        "Architecture in any form that `nas space show` tells; empty: the largest");
}

class Fixed final : public Strategy {
 public:
  Fixed(const StrategyContext& context, const Options& options)
      : Strategy(context),
        architecture_(chosen(context.space, architecture_in_yaml(options.architecture))) {}

  std::string name() const override { return "fixed"; }
  std::optional<Architecture> only() const override { return architecture_; }

  Step next_step(int64_t, int64_t) override {
    Step step;
    step.paths.resize(1);
    step.paths[0].architecture = architecture_;
    return step;
  }

  StrategyState save() const override { return {}; }
  void load(const StrategyState&) override {}

 private:
  static Architecture chosen(const Space& space, const std::string& text) {
    return text.empty() ? space.largest() : read_architecture(space, text);
  }

  Architecture architecture_;
};

}  // namespace

StrategyEntry fixed_strategy() {
  return {
      "fixed",
      {},
      "The same architecture at every step (stand-alone training).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        return std::make_unique<Fixed>(context, read_strategy_options<Options>(source));
      },
      [] { return strategy_schema<Options>("fixed"); }};
}

}  // namespace nas
