// nas-torch: kinds of configurations and names that live in the torch-backed folders.
#include "cli/torch_lists.hpp"

#include "cli/config/train_config.hpp"
#include "spaces/yaml/resolved_sections.hpp"
#include "supernet/samplers/data_sampler.hpp"
#include "supernet/samplers/path_sampler.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas::cli {
namespace {

/// A section of a training configuration, such as `path_sampler:uniform`, from an entry of its
/// table.
template <typename Entry>
ConfigKind part_kind(const std::string& section, const std::string& name, const Entry& entry) {
  ConfigKind kind{section + ":" + name, section + ": " + entry.summary, ""};
  kind.title = section + " " + entry.name;
  kind.describe = entry.describe;
  return kind;
}

template <typename Entry>
void add_parts(std::vector<ConfigKind>& kinds,
               const std::string& section,
               const std::vector<Entry>& table) {
  for (const Entry& entry : table) kinds.push_back(part_kind(section, entry.name, entry));
}

/// Names as `nas config keys` takes them.
template <typename Entry>
void add_names(Names& names, const std::string& prefix, const std::vector<Entry>& table) {
  for (const Entry& entry : table) names.emplace_back(prefix + entry.name, entry.summary);
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

}  // namespace

std::vector<ConfigKind> torch_config_kinds() {
  std::vector<ConfigKind> kinds = {
      config_kind<TrainConfig>("train", "nas train --config", "train"),
  };
  kinds[0].resolve = [](const YamlSource& source, bool json) {
    const ResolvedSections sections;
    TrainConfig options = read_train_config(source);
    // What an absent section means.
    if (options.strategy.yaml.empty() && !options.strategy.tree) options.strategy.yaml = "uniform";
    if (options.weights.yaml.empty() && !options.weights.tree) options.weights.yaml = "single";
    return sections.into(write_yaml([&options](Binder& b) { describe(b, options); }),
                         {{"strategy", "name"},
                          {"strategy.path_sampler", "name"},
                          {"strategy.data_sampler", "name"},
                          {"weights", "kind"},
                          {"weights.leaf", "kind"}},
                         /*whole=*/false,
                         json);
  };
  kinds[0].warnings = train_config_warnings;
  for (const StrategyEntry& entry : strategies()) {
    for (const std::string& alias : entry.aliases)
      kinds.push_back(part_kind("strategy", alias, entry));
    kinds.push_back(part_kind("strategy", entry.name, entry));
  }
  add_parts(kinds, "path_sampler", path_samplers());
  add_parts(kinds, "data_sampler", data_samplers());
  add_parts(kinds, "weights", weight_stores());
  return kinds;
}

Names torch_names(const std::string& list) {
  Names names;
  if (list == "strategies") return strategy_names();
  if (list == "samplers") {
    add_names(names, "path_sampler:", path_samplers());
    add_names(names, "data_sampler:", data_samplers());
  }
  if (list == "weights") add_names(names, "", weight_stores());
  return names;
}

}  // namespace nas::cli
