#pragma once
// nas config new: a file to start from.
#include <string>

#include "cli/config/config_kinds.hpp"

namespace nas::cli {

/// The text of a new configuration of that kind: the shipped one named `from` (empty: the simplest
/// of the kind) with its comments, and below it every other key as a comment with default, range
/// and meaning. ConfigError when `from` is of another kind.
std::string new_config(const ConfigKind& kind, const std::string& from);

}  // namespace nas::cli
