#pragma once
// Reading the options of a strategy: the keys of the `strategy:` section besides `name`.
#include <string>

#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/train/strategy.hpp"

namespace nas {

/// T needs `void describe(Binder&, T&)`, found by the caller.
template <typename T>
T read_strategy_options(const YamlSource& source) {
  T options{};
  read_yaml(source, [&](Binder& b) {
    b.ignore("name");
    describe(b, options);
  });
  return options;
}

template <typename T>
std::string strategy_schema(const std::string& name) {
  T options{};
  return json_schema("strategy " + name, [&](Binder& b) { describe(b, options); });
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
