#pragma once
// Manual pages from the descriptions that parse and print help.
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace nas::cli {

/// While one lives, parse() gives the description of its command to `take` instead of parsing.
class TakesDescriptions {
 public:
  explicit TakesDescriptions(std::function<void(CLI::App&)> take);
  ~TakesDescriptions();
  TakesDescriptions(const TakesDescriptions&) = delete;
  TakesDescriptions& operator=(const TakesDescriptions&) = delete;
};
/// What parse() asks; empty where none lives.
const std::function<void(CLI::App&)>& description_taker();

/// A page of section 1 in the macros of man(7): options and examples of the command and of its
/// subcommands.
std::string man_page(const CLI::App& app);
/// Any text as a page: lines stay as they are. `section` 1 or 7.
std::string man_text(const std::string& name,
                     int section,
                     const std::string& summary,
                     const std::string& text,
                     const std::string& see_also);

}  // namespace nas::cli
