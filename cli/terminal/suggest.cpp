#include "cli/terminal/suggest.hpp"

#include <algorithm>
#include <array>

#include "spaces/base/shell_word.hpp"

namespace nas::cli {
namespace {

/// Whether a command takes this --set and would not find its data or its device without it. A new
/// training keeps them; what goes on keeps its device.
bool is_needed(const std::vector<std::string>& words, const std::string& set) {
  constexpr std::array kJudging = {"evaluate", "export", "rank", "search", "split"};
  const bool resumes = std::find(words.begin(), words.end(), "--resume") != words.end();
  const bool judges = std::find(kJudging.begin(), kJudging.end(), words.at(0)) != kJudging.end();
  const std::string key = set.substr(0, set.find('='));
  if (key == "data.path") return judges || resumes;
  // An exported subnet is to answer as it was judged.
  if (key.starts_with("evaluate.recalibrate")) return words.at(0) == "export";
  return key == "device" && judges && !resumes;
}

}  // namespace

std::string suggested(const std::vector<std::string>& words, const Common& common) {
  std::string line = "nas";
  for (const std::string& word : words) line += " " + shell_word(word);
  for (const std::string& set : common.sets)
    if (is_needed(words, set)) line += " --set " + shell_word(set);
  if (common.db != Common{}.db) line += " --db " + shell_word(common.db);
  return line;
}

std::string suggested(const std::vector<std::string>& words, const std::string& db) {
  Common common;
  common.db = db;
  return suggested(words, common);
}

std::string suggested_again(const std::string& command,
                            const std::string& run,
                            const Common& common) {
  const std::string file = "again.yaml";  // Never the file that it was trained with.
  return suggested({"runs", "show", run, "--config-only"}, common.db) + " > " + file + "; " +
         suggested({command, "--config", file}, common);
}

std::string runs_are_listed(const std::string& db) {
  return "`" + suggested({"runs"}, db) + "` lists them";
}

}  // namespace nas::cli
