#pragma once
// The configuration that a run was stored with, as the version that stored it meant it.
#include <string>
#include <vector>

#include "search/store/store.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {

/// What later versions read otherwise is written out; `sets` are changes for this time.
YamlSource stored_config(const RunRow& run, const std::vector<std::string>& sets = {});
/// The same as YAML.
std::string stored_config_text(const RunRow& run);

}  // namespace nas::cli
