#pragma once
#include <string>

namespace nas {

/// Where the build that this program lies in found `what` (configs, libtorch); "" for a program
/// that was installed or carried elsewhere. Kept in a file of the build folder, so that no program
/// names a path of the machine that built it.
std::string build_path(const std::string& what);

}  // namespace nas
