#pragma once
// Kinds of configurations and names that only nas-torch knows.
#include "cli/config/config_kinds.hpp"
#include "cli/lists.hpp"

namespace nas::cli {

std::vector<ConfigKind> torch_config_kinds();
Names torch_names(const std::string& list);

}  // namespace nas::cli
