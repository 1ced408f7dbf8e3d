#pragma once
// How the help of a command looks.
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace nas::cli {

/// Sentence, usage, examples (the app's footer), options by group; as wide as the terminal, 80
/// columns for files, at most 100.
class HelpPage : public CLI::Formatter {
 public:
  HelpPage();
  std::string make_help(const CLI::App* app,
                        std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_option(const CLI::Option* option, bool positional) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
  std::string make_option_opts(const CLI::Option* option) const override;

 private:
  std::string entry(const std::string& name, const std::string& text) const;
  size_t width_;
};

}  // namespace nas::cli
