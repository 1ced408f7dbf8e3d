// Shell completion. The scripts hold the command names; all else is asked from the program itself
// (`nas CMD ... --list-completions=WORD`), so it is never out of date.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "cli/commands/topics.hpp"
#include "cli/report/document.hpp"
#include "cli/torch_services.hpp"

namespace nas::cli {
namespace {

std::string names() {
  std::string text = "help";
  for (const Command& command : torch_services().commands) text += " " + command.name;
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
  # Bash cuts words at = and : too; they are put together again.
  local IFS=$'\n' words=() glued=0 files=0 folders=0 piece i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    piece=${COMP_WORDS[i]}
    case $piece in
      \'*) piece=${piece#\'} piece=${piece%\'} ;;
      \"*) piece=${piece#\"} piece=${piece%\"} ;;
      *) piece=${piece//\\/} ;;
    esac
    if [[ $piece == [=:] && ${#words[@]} -gt 0 ]]; then
      words[${#words[@]}-1]+=$piece glued=1
    elif ((glued)); then
      words[${#words[@]}-1]+=$piece glued=0
    else
      words+=("$piece")
    fi
  done
  local current=${words[${#words[@]}-1]} offered
  unset 'words[${#words[@]}-1]'
  if [ ${#words[@]} -eq 0 ]; then
    offered=$(printf '%s\n' @NAMES@)
  elif [ "${words[0]}" = help ]; then
    offered=$(printf '%s\n' @HELP@)
  else
    offered=$("${COMP_WORDS[0]/#\~/$HOME}" "${words[@]}" --list-completions="$current" 2>/dev/null)
  fi
  # Bash replaces only what stands behind the last = or :.
  local cut=${current%"${current##*[=:]}"} line found=()
  while read -r line; do
    case $line in
      '') ;;
      :files) files=1 ;;
      :folders) folders=1 ;;
      "$current"*) found+=("${line#"$cut"}") ;;
    esac
  done <<<"$offered"
  COMPREPLY=()
  if ((files || folders)); then
    compopt -o filenames 2>/dev/null
    COMPREPLY=("${found[@]}")
    if ((files)); then COMPREPLY+=($(compgen -f -- "${current#"$cut"}")); fi
    if ((folders)); then COMPREPLY+=($(compgen -d -- "${current#"$cut"}")); fi
  else
    for line in "${found[@]}"; do COMPREPLY+=("$(printf %q "$line")"); done
  fi
}
complete -F _nas nas)script";

constexpr const char* kZsh = R"script(#compdef nas
# nas: completion for zsh. Write it to a folder of $fpath:  nas completion zsh > ~/.zfunc/_nas
_nas() {
  local -a found
  local line files=0 folders=0
  if (( CURRENT == 2 )); then
    found=(@NAMES@)
  elif [[ ${words[2]} == help ]]; then
    found=(@HELP@)
  else
    local -a before=("${(@Q)words[2,CURRENT-1]}")
    for line in "${(@f)$("${(Q)words[1]}" "${before[@]}" --list-completions="${(Q)PREFIX}" 2>/dev/null)}"; do
      case $line in
        ('') ;;
        (:files) files=1 ;;
        (:folders) folders=1 ;;
        (*) found+=("$line") ;;
      esac
    done
  fi
  (( ${#found} )) && compadd -- "${found[@]}"
  (( files )) && _files
  (( folders )) && _files -/
  return 0
}
if [[ ${funcstack[1]} == _nas ]]; then _nas "$@"; else compdef _nas nas; fi)script";

constexpr const char* kFish =
    R"script(# nas: completion for fish:  nas completion fish > ~/.config/fish/completions/nas.fish
function __nas_words
  set -l tokens (commandline -opc)
  set -l current (commandline -ct)
  for line in ($tokens --list-completions="$current" 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path $current
      case ':folders'
        __fish_complete_directories $current
      case '*'
        echo $line
    end
  end
end
complete -c nas -f
complete -c nas -n __fish_use_subcommand -a "@NAMES@"
complete -c nas -n "__fish_seen_subcommand_from help" -a "@HELP@"
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
  Common common;
  add_common(app, common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  std::string script = shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
  script = replaced(replaced(script, "@NAMES@", names()), "@HELP@", help_words());
  if (common.json)
    script = json_text({{"schema", "nas-completion/1"}, {"shell", shell}, {"script", script}});
  print(script);
  return kExitOk;
}

}  // namespace nas::cli
