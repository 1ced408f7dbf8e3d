// One architecture only: trains a network alone, e.g. a winner from scratch or a reference.
#include "spaces/text/read_architecture.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  Binder::Raw architecture;
  SamplerSections samplers;
};
void describe(Binder& b, Options& o) {
  b.raw("architecture",
        o.architecture,
        "Architecture in any form that `nas space show` tells; empty: the largest");
  describe_data_sampler(b, o.samplers);
}

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  const auto o = read_strategy_options<Options>(source);
  return {make_fixed_path(context, architecture_in_yaml(o.architecture)),
          data_sampler_or_shuffle(context, o.samplers),
          make_paths_rule(1),
          nullptr};
}

}  // namespace

StrategyEntry fixed_strategy() {
  return {"fixed",
          {},
          "The same architecture at every step (stand-alone training).",
          make,
          describe_defaults<Options>};
}

}  // namespace nas
