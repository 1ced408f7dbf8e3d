// Options of every command and the one place where CLI11's answers become ours.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "cli/command.hpp"
#include "cli/commands/completion.hpp"
#include "cli/commands/topics.hpp"
#include "cli/config/config_path.hpp"
#include "cli/terminal/help_page.hpp"
#include "cli/terminal/man_page.hpp"
#include "cli/terminal/table_style.hpp"

namespace nas::cli {
namespace {

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

// Leftover words of a subcommand are reported at the app that saw them.
std::string first_unknown(const CLI::App* app) {
  const std::vector<std::string> rest = app->remaining(true);
  for (const std::string& word : rest)
    if (word.size() > 1 && word[0] == '-') return word;
  return rest.empty() ? "" : rest.front();
}

void prepare(CLI::App& app, const std::shared_ptr<HelpPage>& page) {
  app.formatter(page);
  for (CLI::Option* option : app.get_options()) {
    // CLI11 says TEXT where a command names no type.
    const std::string whole = option->get_type_name();
    const std::string type = whole.substr(0, whole.find(':'));
    if (type == "INT" || type == "UINT") option->type_name("N");
    if (type != "TEXT") continue;
    const std::string kind = value_kind(app, *option);
    if (kind == "TRAINING" || kind == "SEARCH")
      option->type_name("RUN");
    else if (!kind.empty())
      option->type_name(kind);
  }
  if (app.get_help_ptr() != nullptr) app.get_help_ptr()->description("Print this page");
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) prepare(*sub, page);
}

}  // namespace

void add_common(CLI::App& app, Common& common, unsigned takes) {
  const std::string group = "Common";
  if ((takes & kTakesConfig) != 0)
    app.add_option_function<std::string>(
           "-c,--config",
           [&common](const std::string& name) { common.config = config_path(name); },
           "Configuration: a YAML file, - for standard input, or one that ships (nas list configs)")
        ->type_name("CONFIG")
        ->group(group);
  if ((takes & kTakesSets) != 0)
    app.add_option("--set", common.sets, "Change one value of the configuration; may be repeated")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false)
        ->group(group);
  if ((takes & kTakesDb) != 0) {
    if (const char* db = std::getenv("NAS_DB"); db != nullptr && *db != '\0') common.db = db;
    app.add_option("--db", common.db, "Results store (environment: NAS_DB)")
        ->type_name("FILE")
        ->capture_default_str()
        ->check([](const std::string& path) {
          return path.empty() ? "expected the name of a file, got nothing" : "";
        })
        ->group(group);
  }
  if ((takes & kTakesSeed) != 0)
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
  app.add_option_function<std::string>(
         "--tables",
         [](const std::string& style) {
           set_table_style(style == "markdown" ? TableStyle::kMarkdown : TableStyle::kText);
         },
         "How tables are written: text, or markdown for comments of CI")
      ->check(CLI::IsMember({"text", "markdown"}))
      ->type_name("STYLE")
      ->group(group);
  // Taken out of the words before they come here (dispatch.cpp); help and completion name it.
  app.add_option("--color", "Colour of messages: auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN")
      ->group(group);
}

bool parse(CLI::App& app, const std::vector<std::string>& args) {
  prepare(app, std::make_shared<HelpPage>());
  if (description_taker()) {
    description_taker()(app);
    return false;
  }
  if (!args.empty() && args.back().starts_with(kListCompletions)) {
    print(completions(app, args));
    return false;
  }
  // CLI11 takes the words last first. It would give `--name=` the word behind it.
  std::vector<std::string> reversed;
  for (auto word = args.rbegin(); word != args.rend(); ++word) {
    if (word->starts_with("--") && word->size() > 3 && word->find('=') == word->size() - 1) {
      reversed.emplace_back();
      reversed.push_back(word->substr(0, word->size() - 1));
    } else {
      reversed.push_back(*word);
    }
  }
  const CLI::App* at = innermost(app, args);
  try {
    app.parse(reversed);
    return true;
  } catch (const CLI::CallForHelp&) {
    std::string text = at->help(at->get_parent() != nullptr ? full_name(at->get_parent()) : "");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const bool json = std::find(args.begin(), args.end(), "--json") != args.end();
    print(json ? help_document(full_name(at), text) : text);
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
