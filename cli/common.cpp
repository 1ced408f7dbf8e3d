// Options of every command and the one place where CLI11's answers become ours.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

// The column of descriptions; CLI11 indents what follows a line break.
std::string wrapped(const std::string& text) {
  constexpr size_t kWidth = 66;
  std::string out;
  size_t column = 0;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (column > 0 && column + 1 + word.size() > kWidth) {
      out += "\n";
      column = 0;
    }
    out += (column > 0 ? " " : "") + word;
    column += word.size() + (column > 0 ? 1 : 0);
  }
  return out;
}

// Help page: sentence, usage, examples (the app's footer), options by group.
class HelpPage : public CLI::Formatter {
 public:
  HelpPage() { column_width(34); }

  std::string make_help(const CLI::App* app,
                        std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string text = make_description(app) + "\n";
    text += make_usage(app, name.empty() ? app->get_name() : name);
    if (!app->get_footer().empty()) {
      text += "\nExamples:\n  ";
      for (const char c : app->get_footer())
        text += c == '\n' ? std::string("\n  ") : std::string(1, c);
      text += "\n";
    }
    text += make_positionals(app);
    text += make_groups(app, mode);
    text += make_subcommands(app, mode);
    for (size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;) text.erase(at, 1);
    return text;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    return option->get_description().empty() ? "(no help)" : wrapped(option->get_description());
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (option->get_type_size() != 0 && !option->get_type_name().empty())
      text += " " + option->get_type_name().substr(0, option->get_type_name().find(':'));
    if (!option->get_default_str().empty()) text += " (" + option->get_default_str() + ")";
    if (option->get_required()) text += " required";
    return text;
  }
};

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_name().empty()) names.push_back(sub->get_name());
  return names;
}

// The subcommand that `args` lead to.
const CLI::App* innermost(const CLI::App& app, const std::vector<std::string>& args) {
  const CLI::App* at = &app;
  for (const std::string& word : args) {
    for (const CLI::App* sub : at->get_subcommands([](const CLI::App*) { return true; })) {
      if (sub->get_name() != word) continue;
      at = sub;
      break;
    }
  }
  return at;
}

std::string full_name(const CLI::App* app) {
  return app->get_parent() != nullptr ? full_name(app->get_parent()) + " " + app->get_name()
                                      : app->get_name();
}

[[noreturn]] void usage_error(const CLI::App* app, const std::string& message, std::string hint) {
  if (!hint.empty()) hint += "\n";
  throw ConfigError(message, hint + "See " + full_name(app) + " --help.");
}

[[noreturn]] void unknown_argument(const CLI::App* app, const std::string& word) {
  const bool flag = word.size() > 1 && word[0] == '-';
  const std::string name = flag ? word.substr(0, word.find('=')) : word;
  const std::string near = nearest(name, flag ? long_names(*app) : subcommand_names(*app));
  const std::string hint = near.empty() ? "" : "Did you mean " + near + "?";
  if (flag) usage_error(app, "unknown flag " + name, hint);
  if (!subcommand_names(*app).empty())
    usage_error(app, "unknown subcommand \"" + word + "\"", hint);
  usage_error(app, "unexpected argument \"" + word + "\"", hint);
}

// Words that completion offers after `args`.
void print_completions(const CLI::App& app, const std::vector<std::string>& args) {
  const CLI::App* at = innermost(app, args);
  std::string text;
  for (const std::string& name : subcommand_names(*at)) text += name + "\n";
  for (const std::string& name : long_names(*at)) text += name + "\n";
  if (!text.empty()) text.pop_back();
  print(text);
}

// Leftover words of a subcommand are reported at the app that saw them.
std::string first_unknown(const CLI::App* app) {
  const std::vector<std::string> rest = app->remaining(true);
  for (const std::string& word : rest)
    if (word.size() > 1 && word[0] == '-') return word;
  return rest.empty() ? "" : rest.front();
}

void prepare(CLI::App& app, const std::shared_ptr<HelpPage>& page) {
  app.formatter(page);
  if (app.get_help_ptr() != nullptr) app.get_help_ptr()->description("Print this page");
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) prepare(*sub, page);
}

}  // namespace

void add_common(CLI::App& app, Common& common) {
  if (const char* db = std::getenv("NAS_DB"); db != nullptr && *db != '\0') common.db = db;
  const std::string group = "Common";
  app.add_option("-c,--config", common.config, "Configuration file (YAML); - is standard input")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--set", common.sets, "Change one value of the configuration; may be repeated")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--db", common.db, "Results store (environment: NAS_DB)")
      ->type_name("FILE")
      ->capture_default_str()
      ->check([](const std::string& path) {
        return path.empty() ? "expected the name of a file, got nothing" : "";
      })
      ->group(group);
  app.add_option_function<std::string>(
         "--seed",
         [&common](const std::string& text) {
           const char* end = text.data() + text.size();
           // CLI11 would take -1 for the largest number.
           const auto [stop, error] = std::from_chars(text.data(), end, common.seed);
           if (error != std::errc() || stop != end || text.empty())
             throw ConfigError(
                 "--seed: expected a whole number from 0 to 18446744073709551615, got \"" + text +
                 "\"");
           common.seed_given = true;
         },
         "Seed of all random decisions")
      ->type_name("N")
      ->group(group);
  app.add_flag("--json", common.json, "Print one JSON document")->group(group);
  app.add_flag("-q,--quiet", common.quiet, "Only results and errors")->group(group);
}

bool parse(CLI::App& app, const std::vector<std::string>& args) {
  prepare(app, std::make_shared<HelpPage>());
  if (!args.empty() && args.back() == "--list-completions") {
    print_completions(app, args);
    return false;
  }
  // CLI11 takes the words last first.
  std::vector<std::string> reversed(args.rbegin(), args.rend());
  const CLI::App* at = innermost(app, args);
  try {
    app.parse(reversed);
    return true;
  } catch (const CLI::CallForHelp&) {
    std::string text = at->help(at->get_parent() != nullptr ? full_name(at->get_parent()) : "");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    print(text);
    return false;
  } catch (const CLI::ExtrasError&) {
    unknown_argument(at, first_unknown(&app));
  } catch (const CLI::ParseError& e) {
    const std::vector<std::string> subs = subcommand_names(*at);
    if (dynamic_cast<const CLI::RequiredError*>(&e) != nullptr && !subs.empty()) {
      // CLI11 says only that a subcommand is required, also for a misspelt one.
      for (const std::string& word : args)
        if (at == &app && !word.empty() && word[0] != '-') unknown_argument(at, word);
      std::string list;
      for (const std::string& sub : subs) list += (list.empty() ? "" : ", ") + sub;
      usage_error(at, full_name(at) + " needs a subcommand: " + list, "");
    }
    usage_error(at, e.what(), "");
  }
  return false;
}

}  // namespace nas::cli
