// From argv to a command: overview, help, global flags, errors and exit codes.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/commands/completion.hpp"
#include "cli/commands/topics.hpp"
#include "cli/config/config_problems.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/printed.hpp"
#include "cli/torch_services.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

std::vector<const Command*> all_commands() {
  std::vector<const Command*> commands;
  for (const Command& command : torch_services().commands) commands.push_back(&command);
  for (const Command& command : light_commands()) commands.push_back(&command);
  return commands;
}

std::string overview() {
  std::string text =
      "nas - neural architecture search with weight-sharing supernets\n\n"
      "Usage: nas COMMAND [OPTIONS]\n";
  std::vector<std::string> groups = {"Main road"};
  for (const Command* command : all_commands())
    if (std::find(groups.begin(), groups.end(), command->group) == groups.end() &&
        command->group != "Help")
      groups.push_back(command->group);
  groups.push_back("Help");
  for (const std::string& group : groups) {
    std::string lines;
    for (const Command* command : all_commands()) {
      if (command->group != group) continue;
      const size_t width = std::max<size_t>(12, command->name.size() + 2);
      lines += "  " + command->name + std::string(width - command->name.size(), ' ') +
               command->summary + "\n";
    }
    if (!lines.empty()) text += "\n" + (group.empty() ? "Other" : group) + ":\n" + lines;
  }
  std::string names = "Topics: ";
  for (const Topic& topic : topics()) names += (&topic == &topics()[0] ? "" : ", ") + topic.name;
  text += "\n" + fold(names, output_width(1));
  text +=
      "\n\nnas help COMMAND or TOPIC tells more. Every command takes --json, --quiet and\n"
      "--color auto|always|never.";
  return text;
}

[[noreturn]] void unknown_command(const std::string& word) {
  std::vector<std::string> names = {"help"};
  for (const Command* command : all_commands()) names.push_back(command->name);
  const std::string near = nearest(word, names);
  throw ConfigError("unknown command \"" + word + "\"",
                    (near.empty() ? "" : "Did you mean nas " + near + "?\n") +
                        std::string("Run nas to see all commands."));
}

int help(const std::vector<std::string>& words) {
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (words.empty() || words[0][0] == '-') {
    for (const std::string& word : words)
      if (word != "--json" && word != "--quiet" && word != "-q")
        throw ConfigError("nas help: unknown flag " + word, "Run nas help COMMAND or TOPIC.");
    return print(json ? help_document("nas", overview()) : overview()), kExitOk;
  }
  for (const Topic& topic : topics())
    if (topic.name == words[0] && find_command(words[0]) == nullptr)
      return print(json ? help_document(topic.name, topic.text()) : topic.text()), kExitOk;
  const Command* command = find_command(words[0]);
  if (command == nullptr) unknown_command(words[0]);
  std::vector<std::string> args(words.begin() + 1, words.end());
  args.push_back("--help");
  const int code = command->run(args);
  for (const Topic& topic : topics())
    if (topic.name == words[0] && !json) print("\n" + topic.text());
  return code;
}

/// Names and paths end up in JSON, YAML and SQLite, which hold UTF-8 only: told now, and not after
/// a training.
void require_utf8(const std::vector<std::string>& args) {
  // Our own call to prove an export, in a folder of any name.
  if (std::find(args.begin(), args.end(), "--check-files") != args.end()) return;
  for (const std::string& word : args)
    if (!is_utf8(word))
      throw ConfigError("\"" + printable(word) + "\" is not UTF-8",
                        "Names and paths must be; rename the file (convmv -f latin1 -t utf8), or "
                        "reach it through a symbolic link.");
}

// Takes `--color WHEN` out of the words.
void take_color(std::vector<std::string>& args) {
  if (!args.empty() && args.back().starts_with(kListCompletions)) return;
  for (size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
    std::string when;
    size_t used = 0;
    if (args[i].rfind("--color=", 0) == 0) {
      when = args[i].substr(8);
      used = 1;
    } else if (args[i] == "--color") {
      when = i + 1 < args.size() ? args[i + 1] : "";
      used = 2;
    }
    if (used == 0) continue;
    if (when != "auto" && when != "always" && when != "never")
      throw ConfigError("--color: expected auto, always or never, got \"" + when + "\"");
    set_color(when == "always" ? Color::kAlways : when == "never" ? Color::kNever : Color::kAuto);
    const auto first = args.begin() + static_cast<long>(i);
    args.erase(first, first + static_cast<long>(std::min(used, args.size() - i)));
    --i;
  }
}

/// Whether `--format` of this command is the form of files that it reads or writes, and not how
/// results are printed.
bool names_form_of_files(const std::vector<std::string>& words) {
  if (words.empty()) return false;
  return words[0] == "export" || (words.size() > 1 && words[0] == "latency" &&
                                  (words[1] == "import" || words[1] == "export"));
}

// Before the command --json is a mistake of its own, but says what is wanted all the same.
bool wants_json(const std::vector<std::string>& words) {
  const bool files = names_form_of_files(words);
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i)
    if (words[i] == "--json" ||
        (!files && (words[i] == "--format=json" ||
                    (i > 0 && words[i] == "json" && words[i - 1] == "--format"))))
      return true;
  return false;
}

// Scripts that read stdout find a document there, whatever happens.
void print_json_error(const std::vector<Problem>& problems, int code) {
  std::string message;
  for (const Problem& problem : problems) message += (message.empty() ? "" : "\n") + problem.text();
  const nlohmann::ordered_json json{
      {"schema", "nas-error/1"},
      {"error",
       {{"exit_code", code}, {"message", message}, {"problems", problems_json(problems)}}}};
  try {
    print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } catch (const Error& e) {
    print_error(e.what());
  }
}

int dispatch(const std::vector<std::string>& words) {
  std::vector<std::string> args = words;
  require_utf8(args);
  take_color(args);
  const auto flag = [](const std::string& word) {
    return word == "--json" || word == "--quiet" || word == "-q";
  };
  if (std::all_of(args.begin(), args.end(), flag)) return help(args);  // `nas` alone.
  const std::string name = args[0];
  args.erase(args.begin());
  if (name == "help" || name == "--help" || name == "-h") return help(args);
  if (name == "--version") return find_command("version")->run(args);
  const Command* command = find_command(name);
  set_memory_advice(name);
  if (command == nullptr && !name.empty() && name[0] == '-')
    throw ConfigError("unknown flag " + name + " before the command",
                      "Write nas COMMAND " + name + " ...; run nas to see all commands.");
  if (command == nullptr) unknown_command(name);
  const int code = command->run(args);
  // A wish to stop that came too late to change anything still ends a script's loop.
  return code == kExitOk && stop_requested() ? kExitInterrupted : code;
}

}  // namespace

const Command* find_command(const std::string& name) {
  for (const Command* command : all_commands())
    if (command->name == name) return command;
  return nullptr;
}

std::string torch_binary() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "";
  for (const char* place : {"nas-torch", "../libexec/nas/nas-torch"}) {
    const auto path = (self.parent_path() / place).lexically_normal();
    if (std::filesystem::is_regular_file(path, error)) return path.string();
  }
  return "";
}

int run_command_line(const std::vector<std::string>& words) {
  int code = kExitFailed;
  std::vector<Problem> problems;
  const auto failed = [&](const std::string& message, int exit_code) {
    print_error(message);
    problems = {Problem{"", 0, 0, "", message, ""}};
    code = exit_code;
  };
  try {
    return dispatch(words);
  } catch (const ConfigError& e) {
    print_error(e);
    problems = e.problems();
    code = e.exit_code();
  } catch (const Error& e) {
    failed(told(e).text, e.exit_code());
  } catch (const std::exception& e) {
    failed(told(e).text, kExitFailed);
  }
  if (wants_json(words) && !printed_anything()) print_json_error(problems, code);
  return code;
}

}  // namespace nas::cli
