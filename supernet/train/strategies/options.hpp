#pragma once
// Reading the `strategy:` section: the options of a row besides `name`, and the samplers that a
// user puts in the place of its own.
#include <string>

#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/train/strategy.hpp"

namespace nas {

/// Sections that replace the samplers of a strategy; empty: its own.
struct SamplerSections {
  Binder::Raw paths, data;
};
void describe_path_sampler(Binder& b, SamplerSections& s);
void describe_data_sampler(Binder& b, SamplerSections& s);
/// The sampler that the section names, else what `own` makes.
template <typename F>
std::unique_ptr<PathSampler> path_sampler_or(const StrategyContext& context,
                                             const SamplerSections& s,
                                             const F& own) {
  const bool named = !s.paths.yaml.empty() || s.paths.tree;
  return named ? make_path_sampler(context, s.paths) : own();
}
std::unique_ptr<DataSampler> data_sampler_or_shuffle(const StrategyContext& context,
                                                     const SamplerSections& s);

/// T needs `void describe(Binder&, T&)`, found by the caller.
template <typename T>
T read_strategy_options(const YamlSource& source, T options = {}) {
  read_yaml(source, [&](Binder& b) {
    b.ignore("name");
    describe(b, options);
  });
  return options;
}

template <typename T>
void describe_defaults(Binder& b) {
  T options{};
  describe(b, options);
}

// One factory per strategy; the table is in registry.cpp.
StrategyEntry uniform_strategy();
StrategyEntry fair_strategy();
StrategyEntry sandwich_strategy();
StrategyEntry fixed_strategy();
StrategyEntry panda_strategy();
StrategyEntry sumnas_strategy();
StrategyEntry progressive_strategy();

}  // namespace nas
