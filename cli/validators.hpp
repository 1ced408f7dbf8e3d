#pragma once
// Checks of option values, with sentences instead of CLI11's ranges.
#include <CLI/CLI.hpp>

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

}  // namespace nas::cli
