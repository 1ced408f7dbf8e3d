#pragma once
// What a shell may offer while a command is typed.
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace nas::cli {

/// Last word of a command line that asks for completions: `--list-completions` (every subcommand
/// and option), or `--list-completions=WORD` (what may stand for the word being typed).
inline constexpr const char* kListCompletions = "--list-completions";

/// Options with long names that help shows.
std::vector<std::string> long_names(const CLI::App& app);
std::vector<std::string> subcommand_names(const CLI::App& app);
/// The subcommand that `args` lead to.
const CLI::App* innermost(const CLI::App& app, const std::vector<std::string>& args);

/// What a value of the option is: RUN, SPACE, CONFIG, STRATEGY ..., FILE, FOLDER; "" for any other.
/// By the names of options, which mean the same in every command. Help shows it as well.
std::string value_kind(const CLI::App& app, const CLI::Option& option);

/// One word a line. A line `:files` or `:folders` asks the shell for names of its own.
///
/// Values follow from the option: a check that lists them, else what value_kind() says.
std::string completions(const CLI::App& app, const std::vector<std::string>& args);

}  // namespace nas::cli
