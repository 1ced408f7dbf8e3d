#include "cli/config_kinds.hpp"

#include "search/search_options.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

struct SearchFile {
  SearchOptions search;
  EvaluatorOptions evaluator;
};
void describe(Binder& b, SearchFile& o) {
  b.section("search", o.search, "What is searched for, how, and how long");
  b.section("evaluator", o.evaluator, "Where the quality of an architecture comes from");
}

}  // namespace

namespace cli {

std::vector<ConfigKind> config_kinds() {
  std::vector<ConfigKind> kinds = torch_config_kinds();
  kinds.push_back(config_kind<SearchFile>("search", "nas search --config", "search"));
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
