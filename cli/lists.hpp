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

/// Training strategies; defined by each binary (`nas` answers nothing and hands over first).
Names strategy_names();

}  // namespace nas::cli
