#pragma once
// Pages of `nas help` beside those of the commands; texts lie in cli/topics/.
#include <functional>
#include <string>
#include <vector>

namespace nas::cli {

struct Topic {
  std::string name;
  std::function<std::string()> text;
};
const std::vector<Topic>& topics();
/// What --json says instead of a page: {"schema": "nas-help/1", "about", "text"}, and "topic" where
/// one has the name of the command (`nas config`).
std::string help_document(const std::string& about, const std::string& text);

}  // namespace nas::cli
