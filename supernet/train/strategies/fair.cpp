// Strict fairness (FairNAS): every option of every choice is used equally often in each step; the
// gradients of the paths add up to one optimizer step (panda.md 3.5).
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  FairRedraw redraw = FairRedraw::kStep;
  SamplerSections samplers;
};
void describe(Binder& b, Options& o) {
  describe_redraw(b, o.redraw);
  describe_path_sampler(b, o.samplers);
  describe_data_sampler(b, o.samplers);
}

/// As many paths as a fair set has, whoever draws them.
size_t fair_size(const Domain& domain) {
  size_t most = 1;
  for (size_t c = 0; c < domain.space().choices().size(); ++c)
    most = std::max(most, domain.option_count(c));
  return most;
}

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  const auto o = read_strategy_options<Options>(source);
  return {path_sampler_or(context, o.samplers, [&] { return make_fair_paths(context, o.redraw); }),
          data_sampler_or_shuffle(context, o.samplers),
          make_paths_rule(fair_size(context.domain())),
          nullptr};
}

}  // namespace

StrategyEntry fair_strategy() {
  return {"fair",
          {"fairnas"},
          "Every option of every choice equally often per step, gradients summed (FairNAS).",
          make,
          describe_defaults<Options>};
}

}  // namespace nas
