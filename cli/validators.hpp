#pragma once
// Checks of option values, with sentences instead of CLI11's ranges.
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "spaces/error.hpp"

namespace nas::cli {

/// A whole number of 1 or more.
inline CLI::Validator positive_number() {
  return CLI::Validator(
      [](std::string& text) {
        const bool digits =
            !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        if (digits && text.size() < 19 && text.find_first_not_of('0') != std::string::npos)
          return std::string();
        return "must be a whole number of 1 or more, got \"" + text + "\"" +
               (digits && text.size() >= 19 ? " (too large)" : "");
      },
      "");
}

/// ConfigError where `path` (of `flag`) is no file that can be read: asked before anything long is
/// begun. `-` is standard input.
inline void require_readable_file(const std::string& path, const std::string& flag) {
  if (path == "-") return;
  std::error_code ignored;
  errno = 0;
  if (std::filesystem::is_directory(path, ignored))
    throw ConfigError(flag + " " + path + " is a folder", "name a file");
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    return;  // A pipe: opening it would take from it.
  if (!std::ifstream(path))
    throw ConfigError(flag + " " + path + " cannot be read: " + std::strerror(errno),
                      "name a file that exists");
}

}  // namespace nas::cli
