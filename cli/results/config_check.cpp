#include "cli/results/config_check.hpp"

#include "cli/config/config_problems.hpp"

namespace nas::cli {

nlohmann::ordered_json config_check_json(const std::vector<CheckedConfig>& files) {
  nlohmann::ordered_json json{{"schema", "nas-config-check/1"},
                              {"files", nlohmann::ordered_json::array()}};
  for (const CheckedConfig& file : files) {
    if (!file.ok()) {
      json["files"].push_back(
          {{"file", file.file}, {"ok", false}, {"problems", problems_json(file.problems)}});
      continue;
    }
    json["files"].push_back({{"file", file.file}, {"kind", file.kind}, {"ok", true}});
    if (!file.warnings.empty()) json["files"].back()["warnings"] = file.warnings;
  }
  return json;
}

}  // namespace nas::cli
