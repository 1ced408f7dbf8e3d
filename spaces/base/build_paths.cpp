#include "spaces/base/build_paths.hpp"

#include <filesystem>
#include <fstream>

namespace nas {

std::string build_path(const std::string& what) {
  namespace fs = std::filesystem;
  constexpr int kDeepest = 4;  // build/release/tests/spaces/test_spaces
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (int i = 0; !error && i < kDeepest && folder.has_relative_path(); ++i) {
    std::ifstream file(folder / "nas-build-paths");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with(what + " ")) return line.substr(what.size() + 1);
    folder = folder.parent_path();
  }
  return "";
}

}  // namespace nas
