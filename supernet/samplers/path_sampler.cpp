#include "supernet/samplers/path_sampler.hpp"

#include <algorithm>

#include "supernet/samplers/section.hpp"

namespace nas {

const std::vector<PathSamplerEntry>& path_samplers() {
  static const std::vector<PathSamplerEntry> table = {
      uniform_paths(),
      fair_paths(),
      importance_paths(),
      weighted_paths(),
  };
  return table;
}

std::unique_ptr<PathSampler> make_path_sampler(const StrategyContext& context,
                                               const Binder::Raw& section) {
  const YamlSource source = named_section(section);
  return entry_named(path_samplers(), "path sampler", source).make(context, source);
}

}  // namespace nas
