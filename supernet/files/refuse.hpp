#pragma once
// Files that are refused.
#include <string>

#include "spaces/error.hpp"

namespace nas {

/// DataError: `path: what`.
[[noreturn]] inline void refuse(const std::string& path, const std::string& what) {
  throw DataError(path + ": " + what);
}

}  // namespace nas
