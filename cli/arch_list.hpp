#pragma once
// Lists of architectures that a user hands over in a file.
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas::cli {

/// One architecture a line, in text form or as JSON; blank lines and lines that begin with `#` are
/// passed over; `-` is standard input. ConfigError with all wrong lines at once.
std::vector<Architecture> read_architectures(const Space& space, const std::string& path);

}  // namespace nas::cli
