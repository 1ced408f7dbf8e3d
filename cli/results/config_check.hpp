#pragma once
// What `nas config check` found in each file.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "spaces/error.hpp"

namespace nas::cli {

struct CheckedConfig {
  std::string file;
  std::string kind;                   ///< train, search, a family ...; "" where it is not fine.
  std::vector<std::string> warnings;  ///< Not wrong, and yet will not do.
  std::vector<Problem> problems;
  bool ok() const { return problems.empty(); }
};

/// Schema nas-config-check/1.
nlohmann::ordered_json config_check_json(const std::vector<CheckedConfig>& files);

}  // namespace nas::cli
