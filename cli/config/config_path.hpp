#pragma once
// Configurations by name, wherever `nas` runs.
#include <string>
#include <vector>

namespace nas::cli {

/// Names of the shipped configurations (nas list configs): paths below the configs folder without
/// .yaml, sorted.
std::vector<std::string> shipped_configs();
/// The file meant by `--config`: a file that is there (or "-", or ""), else the shipped one of that
/// name, with or without .yaml or configs/ in front. ConfigError naming the nearest when there is
/// neither.
std::string config_path(const std::string& name);

}  // namespace nas::cli
