// Single-path one-shot training (SPOS): one random path per batch (panda.md 3.5).
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  UniformOver over = UniformOver::kChoices;
  SamplerSections samplers;
};
void describe(Binder& b, Options& o) {
  describe_over(b, o.over);
  describe_path_sampler(b, o.samplers);
  describe_data_sampler(b, o.samplers);
}

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  const auto o = read_strategy_options<Options>(source);
  return {path_sampler_or(context, o.samplers, [&] { return make_uniform_paths(context, o.over); }),
          data_sampler_or_shuffle(context, o.samplers),
          make_paths_rule(1),
          nullptr};
}

}  // namespace

StrategyEntry uniform_strategy() {
  return {"uniform",
          {"spos"},
          "One uniformly drawn path per batch (SPOS).",
          make,
          describe_defaults<Options>};
}

}  // namespace nas
