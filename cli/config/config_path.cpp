#include "cli/config/config_path.hpp"

#include <algorithm>
#include <filesystem>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".yaml";

std::string without(std::string text, const std::string& prefix, const std::string& suffix) {
  if (text.starts_with("./")) text.erase(0, 2);
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  if (text.ends_with(suffix)) text.resize(text.size() - suffix.size());
  return text;
}

}  // namespace

std::vector<std::string> shipped_configs() {
  std::vector<std::string> names;
  std::error_code error;
  const fs::path root = config_dir();
  for (const auto& entry : fs::recursive_directory_iterator(root, error))
    if (entry.path().extension() == kExtension)
      names.push_back(without(fs::relative(entry.path(), root).string(), "", kExtension));
  std::sort(names.begin(), names.end());
  return names;
}

std::string config_path(const std::string& name) {
  std::error_code error;
  if (name.empty() || name == "-") return name;
  // Whatever is there is opened, and tells what hinders its reading.
  const bool missing = fs::symlink_status(name, error).type() == fs::file_type::not_found;
  if (!missing && !fs::is_directory(name, error)) return name;
  const std::vector<std::string> known = shipped_configs();
  const std::string bare = without(name, "configs/", kExtension);
  if (std::find(known.begin(), known.end(), bare) != known.end())
    return (fs::path(config_dir()) / (bare + kExtension)).string();
  const std::string what = missing ? "there is no such file" : "is a folder";
  const std::string near = nearest(bare, known);
  throw ConfigError(
      name + ": " + what + ", and no shipped configuration has that name",
      near.empty() ? "`nas list configs` names those that ship" : "Did you mean " + near + "?");
}

}  // namespace nas::cli
