#pragma once
// Mistakes as JSON: the same shape in every `check --json`.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "spaces/error.hpp"

namespace nas::cli {

inline nlohmann::ordered_json problems_json(const std::vector<Problem>& problems) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Problem& p : problems)
    list.push_back({{"file", p.file},
                    {"line", p.line},
                    {"column", p.column},
                    {"key", p.key},
                    {"message", p.message},
                    {"hint", p.hint}});
  return list;
}

/// What an error tells: the problems of a ConfigError, one problem for any other.
inline std::vector<Problem> problems_of(const Error& error) {
  if (const auto* config = dynamic_cast<const ConfigError*>(&error)) return config->problems();
  return {Problem{"", 0, 0, "", error.what(), ""}};
}

}  // namespace nas::cli
