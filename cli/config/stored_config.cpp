#include "cli/config/stored_config.hpp"

namespace nas::cli {

YamlSource stored_config(const RunRow& run, const std::vector<std::string>& sets) {
  YamlSource source;
  source.text = run.config_yaml;
  source.file = "configuration of run " + run.id;
  if (run.command == "train") {
    // Version 0.1.0 names no preset of panda; its default had unbiased updates.
    if (yaml_scalar(source, "strategy").value_or("") == "panda")
      source.sets = {"strategy={name: panda, preset: unbiased}"};
    else if (yaml_scalar(source, "strategy.name").value_or("") == "panda" &&
             !yaml_scalar(source, "strategy.preset"))
      source.sets = {"strategy.preset=unbiased"};
    // What was the only way, or the default, is named since there is another.
    if (!yaml_scalar(source, "train.shards")) source.sets.emplace_back("train.shards=0");
    if (!yaml_scalar(source, "train.memory_format"))
      source.sets.emplace_back("train.memory_format=contiguous");
  }
  // The default was nsga2 before it was auto; what a later version took is written out.
  if (run.command == "search" && !yaml_scalar(source, "search.algorithm"))
    source.sets.emplace_back("search.algorithm=nsga2");
  source.sets.insert(source.sets.end(), sets.begin(), sets.end());
  return source;
}

std::string stored_config_text(const RunRow& run) {
  const YamlSource source = stored_config(run);
  return source.sets.empty() ? run.config_yaml : yaml_text(source);
}

}  // namespace nas::cli
