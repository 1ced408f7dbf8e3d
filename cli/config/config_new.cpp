#include "cli/config/config_new.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/config/config_path.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

bool is_of(const ConfigKind& kind, const YamlSource& source) {
  if (const auto family = yaml_scalar(source, "family")) return *family == kind.name;
  const std::vector<std::string> keys = yaml_keys(source);
  const auto has = [&keys](const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  if (!kind.mark.empty() && has(kind.mark)) return true;
  return kind.name == "train" && has("space") && has("data") && !has("search");
}

/// The quickstart's where there is one, else the shortest.
std::string simplest(const ConfigKind& kind) {
  std::string best;
  size_t size = 0;
  for (const std::string& name : shipped_configs()) {
    const YamlSource source = yaml_file(config_path(name));
    if (!is_of(kind, source)) continue;
    const bool quickstart = name.starts_with("quickstart/");
    if (!best.empty() && !quickstart && source.text.size() >= size) continue;
    best = name;
    if (quickstart) break;
    size = source.text.size();
  }
  if (best.empty())
    throw ConfigError("no configuration of the kind " + kind.name + " ships",
                      "`nas config keys " + kind.name + "` lists its keys");
  return best;
}

std::string other_keys(const ConfigKind& kind, const YamlSource& source) {
  std::string text;
  for (const HelpLine& line : kind.keys()) {
    const std::string top = line.key.substr(0, line.key.find_first_of(".["));
    // Items of lists have no place of their own; what is there needs no comment.
    if (line.key.find("[]") != std::string::npos) continue;
    if (yaml_section(source, line.key) || yaml_scalar(source, top)) continue;
    std::string about = line.help;
    if (!line.range.empty()) about += " (" + line.range + ")";
    text += "#   " + line.key + ": " + (line.value.empty() ? "\"\"" : line.value) + "\n#       " +
            about + "\n";
  }
  return text;
}

}  // namespace

std::string new_config(const ConfigKind& kind, const std::string& from) {
  const std::string name = from.empty() ? simplest(kind) : from;
  const YamlSource source = yaml_file(config_path(name));
  if (!is_of(kind, source))
    throw ConfigError(name + " is not a configuration of the kind " + kind.name,
                      "`nas list configs` names those that ship");
  std::string text = source.text;
  while (text.ends_with("\n\n")) text.pop_back();
  if (!text.ends_with("\n")) text += "\n";
  const std::string more = other_keys(kind, source);
  if (more.empty()) return text;
  return text + "\n# Every other key with its default. A dot leads into a section:\n" +
         "# train.batch: 64 is the key `batch` of the section `train`.\n#\n" + more;
}

}  // namespace nas::cli
