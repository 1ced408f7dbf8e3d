#pragma once
// The combinations of a sweep: those of a grid, of a list and of a random sample, each with each.
#include <string>
#include <vector>

#include "cli/sweep/sweep_file.hpp"

namespace nas::cli {

/// Most cells of one sweep.
inline constexpr size_t kMostCells = 100000;

/// A value of YAML as --set takes it, with a label for people.
Setting setting_of(const std::string& key,
                   const detail::YamlNode& value,
                   const detail::YamlPlace& place);

/// Items of `list` x combinations of `grid` x draws of `random`. What is wrong is appended.
std::vector<std::vector<StageSetting>> combinations_of(const SweepFile& file,
                                                       std::vector<Problem>& problems);

}  // namespace nas::cli
