#pragma once
// Checks of option values, with sentences instead of CLI11's ranges.
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

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

/// A finite number from `low` to `high`. CLI::Range lets "nan" pass, which is neither below nor
/// above anything, so it is for whole numbers only.
inline CLI::Validator number_within(double low, double high) {
  std::ostringstream range;
  range << low << " - " << high;
  return CLI::Validator(
      [low, high, range = range.str()](std::string& text) {
        double value = 0;
        const bool number = CLI::detail::lexical_cast(text, value) && std::isfinite(value);
        if (number && value >= low && value <= high) return std::string();
        return "must be a number in [" + range + "], got \"" + text + "\"";
      },
      "FLOAT in [" + range.str() + "]");
}

/// Why `path` is no file that can be read, or "": asked before anything long is begun. `-` is
/// standard input.
inline std::string unreadable(const std::string& path) {
  std::error_code ignored;
  if (path == "-") return "";
  if (std::filesystem::is_directory(path, ignored)) return path + " is a folder; name a file";
  // A pipe: opening it would take from it.
  const bool other =
      std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored);
  errno = 0;
  return other || std::ifstream(path) ? "" : path + " cannot be read: " + std::strerror(errno);
}

}  // namespace nas::cli
