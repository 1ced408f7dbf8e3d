#include <algorithm>

#include "spaces/error.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {

void describe_path_sampler(Binder& b, SamplerSections& s) {
  b.raw("path_sampler",
        s.paths,
        "Another way to draw paths: a name or a mapping with `name` (nas list samplers)");
}

void describe_data_sampler(Binder& b, SamplerSections& s) {
  b.raw("data_sampler",
        s.data,
        "Another way to draw images: a name or a mapping with `name` (nas list samplers)");
}

std::unique_ptr<DataSampler> data_sampler_or_shuffle(const StrategyContext& context,
                                                     const SamplerSections& s) {
  if (s.data.yaml.empty() && !s.data.tree) return std::make_unique<DataSampler>(context);
  return make_data_sampler(context, s.data);
}

const std::vector<StrategyEntry>& strategies() {
  static const std::vector<StrategyEntry> table = {
      uniform_strategy(),
      fair_strategy(),
      sandwich_strategy(),
      fixed_strategy(),
      panda_strategy(),
      sumnas_strategy(),
      progressive_strategy(),
  };
  return table;
}

std::unique_ptr<Strategy> make_strategy(const std::string& name,
                                        const StrategyContext& context,
                                        const YamlSource& options) {
  std::vector<std::string> known;
  for (const StrategyEntry& entry : strategies()) {
    const bool alias =
        std::find(entry.aliases.begin(), entry.aliases.end(), name) != entry.aliases.end();
    if (entry.name == name || alias)
      return std::make_unique<Strategy>(entry.name, entry.make(context, options));
    known.push_back(entry.name);
    known.insert(known.end(), entry.aliases.begin(), entry.aliases.end());
  }
  std::string all;
  for (const std::string& word : known) all += (all.empty() ? "" : ", ") + word;
  const std::string near = nearest(name, known);
  const std::string hint = near.empty() ? "" : "did you mean '" + near + "'?";
  throw ConfigError({yaml_problem(
      options, "name", "unknown strategy '" + name + "', expected one of: " + all, hint)});
}

}  // namespace nas
