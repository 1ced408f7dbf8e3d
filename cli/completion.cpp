// Shell completion. The scripts hold the command names; flags and subcommands are asked from the
// program itself (`nas CMD ... --list-completions`), so they are never out of date.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "cli/topics.hpp"

namespace nas::cli {
namespace {

std::string names() {
  std::string text = "help";
  for (const Command& command : torch_commands()) text += " " + command.name;
  for (const Command& command : light_commands()) text += " " + command.name;
  return text;
}

std::string help_words() {
  std::string text = names();
  for (const Topic& topic : topics()) text += " " + topic.name;
  return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

constexpr const char* kBash =
    R"script(# nas: completion for bash. Add to ~/.bashrc:  eval "$(nas completion bash)"
_nas() {
  local word=${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="@NAMES@"
  elif [ "${COMP_WORDS[1]}" = help ]; then
    words="@HELP@"
  else
    words=$("${COMP_WORDS[0]}" "${COMP_WORDS[@]:1:COMP_CWORD-1}" --list-completions 2>/dev/null)
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _nas nas)script";

constexpr const char* kZsh = R"script(#compdef nas
# nas: completion for zsh. Write it to a folder of $fpath:  nas completion zsh > ~/.zfunc/_nas
_nas() {
  local -a found
  if (( CURRENT == 2 )); then
    found=(@NAMES@)
  elif [[ ${words[2]} == help ]]; then
    found=(@HELP@)
  else
    found=(${(f)"$(${words[1]} ${words[2,CURRENT-1]} --list-completions 2>/dev/null)"})
  fi
  compadd -- $found
  _files
}
compdef _nas nas)script";

constexpr const char* kFish =
    R"script(# nas: completion for fish:  nas completion fish > ~/.config/fish/completions/nas.fish
function __nas_words
  set -l tokens (commandline -opc)
  $tokens --list-completions 2>/dev/null
end
complete -c nas -n __fish_use_subcommand -f -a "@NAMES@"
complete -c nas -n "__fish_seen_subcommand_from help" -f -a "@HELP@"
complete -c nas -n "not __fish_use_subcommand; and not __fish_seen_subcommand_from help" -a "(__nas_words)")script";

}  // namespace

int run_completion(const std::vector<std::string>& args) {
  CLI::App app("Print the completion script of a shell", "nas completion");
  app.footer(
      "eval \"$(nas completion bash)\"\n"
      "nas completion fish > ~/.config/fish/completions/nas.fish");
  std::string shell;
  app.add_option("shell", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  if (!parse(app, args)) return kExitOk;
  const std::string script = shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
  print(replaced(replaced(script, "@NAMES@", names()), "@HELP@", help_words()));
  return kExitOk;
}

}  // namespace nas::cli
