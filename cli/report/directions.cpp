#include "cli/report/directions.hpp"

#include "search/search_options.hpp"

namespace nas::cli {

Directions::Directions(const RunRow& run) {
  if (run.command != "search") return;
  try {
    YamlSource source;
    source.text = run.config_yaml;
    const auto list = yaml_section(source, "search.objectives");
    if (!list) return;
    Binder::Raw raw;
    raw.yaml = yaml_text(*list);
    for (const Objective& objective : parse_objectives(raw))
      stated_[objective.metric] = objective.maximize ? Better::kHigher : Better::kLower;
  } catch (const Error&) {
    // Not written by this program: the names alone.
  }
}

std::optional<Better> Directions::of(const std::string& metric) const {
  const auto stated = stated_.find(metric);
  return stated != stated_.end() ? stated->second : better_of(metric);
}

}  // namespace nas::cli
