#pragma once
// What `nas list` knows.
#include <string>
#include <utility>
#include <vector>

namespace nas::cli {

using Names = std::vector<std::pair<std::string, std::string>>;  ///< (name, summary)

struct NameList {
  std::string name;
  std::string summary;
  Names (*entries)();
  bool torch = false;  ///< `entries` works in nas-torch only.
};

/// What `nas list LIST` prints; none for an unknown list, or for one of nas-torch in `nas`.
Names list_entries(const std::string& list);
/// Names of all lists.
std::vector<std::string> list_names();

}  // namespace nas::cli
