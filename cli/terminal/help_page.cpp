#include "cli/terminal/help_page.hpp"

#include <algorithm>
#include <sstream>

#include "cli/command.hpp"
#include "cli/terminal/fold.hpp"

namespace nas::cli {
namespace {

constexpr size_t kNames = 28;  ///< Columns of option names.

}  // namespace

HelpPage::HelpPage() {
  constexpr size_t kUsual = 80, kLeast = 50, kMost = 100;
  const size_t width = output_width(1);
  width_ = width == 0 ? kUsual : std::clamp(width, kLeast, kMost);
}

std::string HelpPage::entry(const std::string& name, const std::string& text) const {
  std::string out = "  " + name;
  const size_t used = display_width(out);
  out += used + 2 > kNames ? "\n" + std::string(kNames, ' ') : std::string(kNames - used, ' ');
  for (const char c : wrap_words(text, width_ - kNames))
    out += c == '\n' ? "\n" + std::string(kNames, ' ') : std::string(1, c);
  return out + "\n";
}

std::string HelpPage::make_help(const CLI::App* app,
                                std::string name,
                                CLI::AppFormatMode mode) const {
  std::string text = wrap_words(make_description(app), width_) + "\n\n";
  text += make_usage(app, name.empty() ? app->get_name() : name);
  if (!app->get_footer().empty()) {
    text += "\nExamples:\n";
    std::istringstream lines(app->get_footer());
    for (std::string line; std::getline(lines, line);) {
      text += "  ";
      for (const char c : wrap_command(line, width_ - 2))
        text += c == '\n' ? std::string("\n  ") : std::string(1, c);
      text += "\n";
    }
  }
  text += make_positionals(app);
  text += make_groups(app, mode);
  text += make_subcommands(app, mode);
  for (size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;) text.erase(at, 1);
  return text;
}

std::string HelpPage::make_option(const CLI::Option* option, bool positional) const {
  const std::string text = option->get_description();
  return entry(make_option_name(option, positional) + make_option_opts(option),
               text.empty() ? "(no help)" : text);
}

std::string HelpPage::make_subcommand(const CLI::App* sub) const {
  return entry(sub->get_name(), sub->get_description());
}

std::string HelpPage::make_option_opts(const CLI::Option* option) const {
  std::string text;
  if (option->get_type_size() != 0 && !option->get_type_name().empty())
    text += " " + option->get_type_name().substr(0, option->get_type_name().find(':'));
  if (!option->get_default_str().empty()) text += " (" + option->get_default_str() + ")";
  if (option->get_required()) text += " required";
  return text;
}

}  // namespace nas::cli
