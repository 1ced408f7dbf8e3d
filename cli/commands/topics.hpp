#pragma once
// Pages of `nas help` that belong to no command.
#include <string>
#include <vector>

namespace nas::cli {

struct Topic {
  std::string name;
  std::string (*text)();
};
const std::vector<Topic>& topics();

}  // namespace nas::cli
