#include "cli/config_kinds.hpp"

#include "search/search_options.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace cli {

std::vector<ConfigKind> config_kinds() {
  std::vector<ConfigKind> kinds = torch_config_kinds();
  kinds.push_back(config_kind<SearchConfig>("search", "nas search --config", "search"));
  for (const SpaceFamily& family : space_families()) {
    ConfigKind kind{family.name, "space: " + family.summary, ""};
    kind.resolve = [make = family.make](const YamlSource& source, bool) {
      make(source);
      return yaml_text(source);
    };
    kind.schema = family.schema;
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

}  // namespace cli
}  // namespace nas
