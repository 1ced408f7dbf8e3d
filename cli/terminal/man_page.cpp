// Roff is written by hand: a page is headings, paragraphs with a tag, and lines kept as they are.
// No date: what is built twice is the same.
#include "cli/terminal/man_page.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>

#include "cli/commands/completion.hpp"
#include "cli/version.hpp"

namespace nas::cli {
namespace {

std::function<void(CLI::App&)>& taker() {
  static std::function<void(CLI::App&)> current;
  return current;
}

/// A line of text: no character has a meaning of its own, none becomes a typographic one.
std::string escaped(const std::string& line) {
  std::string out;
  for (const char c : line) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '~')
      out += "\\(ti";
    else
      out += c;
  }
  return out.starts_with(".") ? "\\&" + out : out;
}

std::string lines_as_they_are(const std::string& text) {
  std::string out = ".nf\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    out += line.empty() ? "\n" : escaped(line) + "\n";
  return out + ".fi\n";
}

/// In a heading: quoted.
std::string heading(const std::string& name, int section, const std::string& summary) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  return ".TH \"" + escaped(upper) + "\" " + std::to_string(section) + " \"\" \"nas " +
         build_facts()[0].second + "\" \"" + (section == 1 ? "Commands of nas" : "Topics of nas") +
         "\"\n.SH NAME\n" + escaped(name) + " \\- " + escaped(summary) + "\n";
}

std::string type_of(const CLI::Option& option) {
  std::string text;
  if (option.get_type_size() != 0 && !option.get_type_name().empty())
    text += option.get_type_name().substr(0, option.get_type_name().find(':'));
  return text;
}

std::string option_entry(const CLI::Option& option) {
  std::string names;
  if (option.get_positional() && !option.nonpositional()) {
    names = "\\fI" + escaped(option.get_name(true)) + "\\fR";
  } else {
    std::vector<std::string> all;
    for (const std::string& name : option.get_snames()) all.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) all.push_back("--" + name);
    for (const std::string& name : all)
      names += (names.empty() ? "" : ", ") + ("\\fB" + escaped(name) + "\\fR");
    if (const std::string type = type_of(option); !type.empty())
      names += " \\fI" + escaped(type) + "\\fR";
  }
  std::string about = escaped(option.get_description());
  std::string more;
  if (const std::string type = option.get_type_name(); type.find(":{") != std::string::npos) {
    std::string list;
    for (const char c : type.substr(type.find(":{") + 2, type.size() - type.find(":{") - 3))
      list += c == ',' ? std::string(", ") : std::string(1, c);
    more += " One of " + list + ".";
  }
  if (!option.get_default_str().empty()) more += " Default: " + option.get_default_str() + ".";
  if (option.get_required()) more += " Required.";
  if (!about.empty() && !more.empty() && about.back() != '.') about += ".";
  return ".TP\n" + names + "\n" + about + escaped(more) + "\n";
}

/// Examples are lines to type.
std::string examples(const CLI::App& app, const char* macro) {
  if (app.get_footer().empty()) return "";
  return std::string(macro) + "\n" + lines_as_they_are(app.get_footer());
}

std::vector<const CLI::Option*> shown_options(const CLI::App& app) {
  std::vector<const CLI::Option*> list;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) list.push_back(option);
  return list;
}

std::string options(const CLI::App& app, const std::string& macro) {
  std::string text;
  for (const bool positional : {true, false})
    for (const CLI::Option* option : shown_options(app))
      if ((option->get_positional() && !option->nonpositional()) == positional)
        text += option_entry(*option);
  return text.empty() ? "" : macro + "\n" + text;
}

std::string synopsis(const CLI::App& app, const std::string& name) {
  std::string line = ".B " + escaped(name) + "\n";
  std::string rest = subcommand_names(app).empty() ? "" : "\\fICOMMAND\\fR ";
  for (const CLI::Option* option : shown_options(app)) {
    if (!option->get_positional()) continue;
    const std::string word = "\\fI" + escaped(option->get_name(true)) + "\\fR" +
                             (option->get_items_expected_max() > 1 ? " ..." : "");
    rest += option->get_required() ? word + " " : "[" + word + "] ";
  }
  return line + rest + "[\\fIOPTIONS\\fR]\n";
}

constexpr const char* kSeeAlso = ".SH SEE ALSO\n.BR nas (1)\n.br\n";

}  // namespace

TakesDescriptions::TakesDescriptions(std::function<void(CLI::App&)> take) {
  taker() = std::move(take);
}
TakesDescriptions::~TakesDescriptions() {
  taker() = nullptr;
}
const std::function<void(CLI::App&)>& description_taker() {
  return taker();
}

std::string man_page(const CLI::App& app) {
  std::string name = app.get_name();
  std::replace(name.begin(), name.end(), ' ', '-');
  std::string text = heading(name, 1, app.get_description());
  text += ".SH SYNOPSIS\n" + synopsis(app, app.get_name());
  text += examples(app, ".SH EXAMPLES");
  text += options(app, ".SH OPTIONS");
  const auto subs =
      app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
  if (!subs.empty()) text += ".SH COMMANDS\n";
  for (const CLI::App* sub : subs) {
    const std::string whole = app.get_name() + " " + sub->get_name();
    text += ".SS " + escaped(whole) + "\n" + escaped(sub->get_description()) + "\n.PP\n" +
            synopsis(*sub, whole) + options(*sub, "");
    // A subcommand begins with the examples of its command.
    if (sub->get_footer() != app.get_footer()) text += examples(*sub, ".PP");
  }
  return text +
         ".SH EXIT STATUS\n"
         "0 done, 1 failed at run time, 2 wrong usage or configuration, 3 nothing meets the "
         "limits, 130 interrupted after saving.\n" +
         kSeeAlso + "\\fBnas help\\fR\n";
}

std::string man_text(const std::string& name,
                     int section,
                     const std::string& summary,
                     const std::string& text,
                     const std::string& see_also) {
  return heading(name, section, summary) + ".SH DESCRIPTION\n" + lines_as_they_are(text) +
         (see_also.empty() ? "" : ".SH SEE ALSO\n" + see_also + "\n");
}

}  // namespace nas::cli
