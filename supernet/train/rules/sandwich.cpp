// The sandwich rule with in-place distillation (search.md 2.7): what the largest and the smallest
// subnet can do bounds all others, so both are trained in every step, and the largest teaches.
#include "supernet/train/step/outcome.hpp"
#include "supernet/train/step/step_rule.hpp"

namespace nas {
namespace {

class Sandwich final : public StepRule {
 public:
  Sandwich(const StrategyContext& context, const SandwichOptions& options)
      : options_(options),
        largest_(context.domain().largest()),
        smallest_(context.domain().smallest()) {}

  Step draw(PathSampler& paths, int64_t epoch) override {
    paths.begin_step(epoch);
    Step step;
    step.paths.resize(static_cast<size_t>(options_.random) + 2);
    step.paths[0].architecture = largest_;
    step.paths[1].architecture = smallest_;
    for (size_t i = 1; i < step.paths.size(); ++i) {
      Path& path = step.paths[i];
      if (i > 1) paths.draw(path);
      path.regularise = false;
      if (!options_.distill) continue;
      path.distill_from = 0;
      path.hard_loss = options_.label_share;
    }
    return step;
  }

  void run(StepServices& services, const Step& step) override {
    double share = services.share();
    if (options_.combine == Combine::kMean) share /= static_cast<double>(step.paths.size());
    services.backward(0, share);  // Teaches the others.
    services.backward_each(1, share);
    services.update();
  }

 private:
  SandwichOptions options_;
  Architecture largest_, smallest_;
};

}  // namespace

std::unique_ptr<StepRule> make_sandwich_rule(const StrategyContext& context,
                                             const SandwichOptions& options) {
  return std::make_unique<Sandwich>(context, options);
}

}  // namespace nas
