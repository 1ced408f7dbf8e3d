#include "cli/latency/output_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {

namespace fs = std::filesystem;

bool same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  if (a == b || fs::equivalent(a, b, ignored)) return true;
  return fs::weakly_canonical(a, ignored) == fs::weakly_canonical(b, ignored);
}

void check_output(const std::string& flag,
                  const std::string& path,
                  const std::vector<std::string>& inputs) {
  if (path.empty() || path == "-") return;
  const std::string text = flag + " " + printable(path) + ": ";
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) throw ConfigError(text + "is a folder", "Name a file.");
  for (const std::string& input : inputs)
    if (fs::is_regular_file(input, ignored) && same_file(input, path))
      throw ConfigError(text + "is read by this command and would be overwritten",
                        "Write to another file.");
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) return;  // A pipe.
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!fs::is_directory(folder, ignored))
    throw ConfigError(text + "there is no folder " + printable(folder.string()), "Make it first.");
  if (access(folder.c_str(), W_OK) != 0)
    throw ConfigError(text + "the folder cannot be written to: " + std::strerror(errno));
}

void refuse_twice(const std::vector<std::string>& files) {
  for (size_t i = 0; i < files.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (same_file(files[i], files[j]))
        throw ConfigError(printable(files[i]) + " is named twice" +
                              (files[i] == files[j] ? "" : ", also as " + printable(files[j])),
                          "Name each file once.");
}

}  // namespace nas::cli
