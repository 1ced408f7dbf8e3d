#include "cli/config/config_kinds.hpp"

#include <nlohmann/json.hpp>

#include <yaml-cpp/yaml.h>

#include "cli/command.hpp"
#include "cli/sweep/sweep_kind.hpp"
#include "cli/torch_services.hpp"
#include "search/search_options.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const YAML::Node& node) {
  if (node.IsMap()) {
    Json map = Json::object();
    for (const auto& entry : node) map[entry.first.Scalar()] = json_of(entry.second);
    return map;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const YAML::Node& item : node) list.push_back(json_of(item));
    return list;
  }
  if (!node.IsScalar()) return nullptr;
  // Quoted scalars have the tag "!".
  if (node.Tag() == "!") return node.Scalar();
  if (int64_t whole = 0; YAML::convert<int64_t>::decode(node, whole)) return whole;
  if (double number = 0; YAML::convert<double>::decode(node, number)) return number;
  if (bool yes = false; YAML::convert<bool>::decode(node, yes)) return yes;
  return node.Scalar();
}

}  // namespace

std::vector<ConfigKind> config_kinds() {
  std::vector<ConfigKind> kinds = torch_services().config_kinds();
  // Before the others: a sweep has sections `train` and `search` below its `stages`.
  const bool torch = !kinds.empty() && kinds[0].torch && !torch_binary().empty();
  kinds.insert(kinds.begin(), sweep_kind(torch));
  kinds.push_back(config_kind<SearchConfig>("search", "nas search --config", "search"));
  for (const SpaceFamily& family : space_families()) {
    ConfigKind kind{family.name, "space: " + family.summary, ""};
    kind.resolve = [make = family.make](const YamlSource& source, bool json) {
      make(source);
      const std::string text = yaml_text(source);
      return json ? json_of(YAML::Load(text)).dump() : text;
    };
    kind.title = "space: family " + family.name;
    kind.describe = [&family](Binder& b) {
      // Only the table of families knows what `family` is.
      b.constant("family", family.name, family.summary);
      family.describe(b);
    };
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

}  // namespace cli
}  // namespace nas
