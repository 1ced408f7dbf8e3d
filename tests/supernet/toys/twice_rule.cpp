// A step rule that makes two updates of one path on the same batch, and the strategy that names it.
#include "supernet/train/strategies/options.hpp"
#include "toys/toys.hpp"

namespace nas::test {
namespace {

struct Options {};
void describe(Binder&, Options&) {}

class TwiceRule final : public StepRule {
 public:
  Step draw(PathSampler& paths, int64_t epoch) override {
    paths.begin_step(epoch);
    Step step;
    step.paths.resize(1);
    paths.draw(step.paths[0]);
    return step;
  }
  void run(StepServices& services, const Step&) override {
    for (int i = 0; i < 2; ++i) {
      services.backward(0, services.share());
      services.update();
    }
  }
};

}  // namespace

StrategyEntry twice_strategy() {
  return {"twice",
          {},
          "Two updates of one path on each batch.",
          [](const StrategyContext& context, const YamlSource& source) -> StrategyParts {
            read_strategy_options<Options>(source);
            return {make_uniform_paths(context, UniformOver::kChoices),
                    std::make_unique<DataSampler>(context),
                    std::make_unique<TwiceRule>(),
                    nullptr};
          },
          describe_defaults<Options>};
}

}  // namespace nas::test
