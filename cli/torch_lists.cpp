// nas-torch: kinds of configurations and names that live in the torch-backed folders.
#include "cli/config/config_kinds.hpp"
#include "cli/config/train_config.hpp"
#include "cli/lists.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

std::vector<ConfigKind> torch_config_kinds() {
  std::vector<ConfigKind> kinds = {
      config_kind<TrainConfig>("train", "nas train --config", "train"),
  };
  kinds[0].resolve = [](const YamlSource& source, bool json) {
    TrainConfig options = read_train_config(source);
    const auto description = [&options](Binder& b) { describe(b, options); };
    return json ? write_json(description) : write_yaml(description);
  };
  for (const StrategyEntry& entry : strategies()) {
    ConfigKind kind{"strategy:" + entry.name, "strategy: " + entry.summary, ""};
    kind.schema = [&entry] {
      return json_schema("strategy " + entry.name, [&](Binder& b) { entry.describe(b); });
    };
    for (const std::string& alias : entry.aliases) {
      kinds.push_back(kind);
      kinds.back().name = "strategy:" + alias;
    }
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

Names strategy_names() {
  Names names;
  for (const StrategyEntry& entry : strategies()) {
    std::string summary = entry.summary;
    for (const std::string& alias : entry.aliases)
      summary += (&alias == &entry.aliases[0] ? " (also " : ", ") + alias;
    names.emplace_back(entry.name, summary + (entry.aliases.empty() ? "" : ")"));
  }
  return names;
}

}  // namespace nas::cli
