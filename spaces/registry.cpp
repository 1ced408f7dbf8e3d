#include "spaces/registry.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "spaces/base/build_paths.hpp"
#include "spaces/error.hpp"
#include "spaces/text/space_file.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas {

// Each family: one file that defines make_<family> and describe_<family>, and one line below.
#define NAS_FAMILY(family)                                         \
  std::unique_ptr<Space> make_##family(const YamlSource& section); \
  void describe_##family(Binder& b);
NAS_FAMILY(downsampling)
NAS_FAMILY(cnn)
NAS_FAMILY(custom)
NAS_FAMILY(nasbench201)
NAS_FAMILY(nasbench_macro)
NAS_FAMILY(mobilenet)
NAS_FAMILY(proxyless)
NAS_FAMILY(darts)
NAS_FAMILY(ofa_resnet50)
#undef NAS_FAMILY

const std::vector<SpaceFamily>& space_families() {
  static const std::vector<SpaceFamily> table = {
      {"downsampling",
       "where a ResNet halves its resolution (ResNet20, 18, 50)",
       make_downsampling,
       describe_downsampling},
      {"cnn",
       "small convolutional networks for small images: kinds, widths and depths of layers",
       make_cnn,
       describe_cnn},
      {"custom",
       "a space of your own, written in YAML: blocks, widths, depths, conditions, rules",
       make_custom,
       describe_custom},
      {"nasbench201",
       "NAS-Bench-201 cells: 6 edges, 5 operations, 15,625 architectures",
       make_nasbench201,
       describe_nasbench201},
      {"nasbench-macro",
       "NAS-Bench-Macro: 8 layers, each identity or one of two inverted residuals",
       make_nasbench_macro,
       describe_nasbench_macro},
      {"mobilenet",
       "once-for-all MobileNetV3: elastic kernels, expansions, depths, resolution",
       make_mobilenet,
       describe_mobilenet},
      {"proxyless",
       "once-for-all ProxylessNAS: elastic kernels, expansions, depths, resolution",
       make_proxyless,
       describe_proxyless},
      {"ofa_resnet50",
       "once-for-all ResNet50: elastic depths, expansions, widths",
       make_ofa_resnet50,
       describe_ofa_resnet50},
      {"darts",
       "DARTS cells: a normal and a reduction cell of four nodes, seven operations",
       make_darts,
       describe_darts},
  };
  return table;
}

namespace {

namespace fs = std::filesystem;

std::vector<std::string> known_configs() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(config_dir() + "/spaces", ignored))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::unique_ptr<Space> make_space(const YamlSource& section) {
  std::vector<std::string> names;
  std::string all;
  for (const SpaceFamily& family : space_families()) {
    names.push_back(family.name);
    all += (all.empty() ? "" : ", ") + family.name;
  }
  const std::string family = yaml_scalar(section, "family").value_or("");
  for (const SpaceFamily& entry : space_families())
    if (entry.name == family) return entry.make(section);
  const std::string near = nearest(family, names);
  const Problem problem =
      yaml_problem(section,
                   "family",
                   (family.empty() ? "missing" : "unknown family '" + family + "'") +
                       "; expected one of: " + all,
                   near.empty() ? "" : "did you mean '" + near + "'?");
  throw ConfigError(std::vector<Problem>{problem});
}

namespace {

bool names_file(const std::string& name_or_path) {
  return name_or_path.find('/') != std::string::npos ||
         fs::path(name_or_path).extension() == ".yaml";
}

/// Where a path of a configuration file lies: beside that file first.
std::string beside(const std::string& path, const std::string& config) {
  std::error_code error;
  if (fs::path(path).is_absolute() || !fs::is_regular_file(config, error)) return path;
  const fs::path there = fs::path(config).parent_path() / path;
  return fs::exists(there, error) ? there.string() : path;
}

/// Message and hint when no file belongs to the name. `config`: file that names it, may be empty.
std::optional<std::pair<std::string, std::string>> missing_space(const std::string& name_or_path,
                                                                 const std::string& config,
                                                                 std::string& path) {
  const bool is_path = names_file(name_or_path);
  path =
      is_path ? beside(name_or_path, config) : config_dir() + "/spaces/" + name_or_path + ".yaml";
  std::error_code error;
  if (fs::is_fifo(path, error) && !path.starts_with("/dev/fd/"))
    return std::pair{path + ": a named pipe, not a file", std::string("name a YAML file")};
  // What else is there is opened, and tells what hinders its reading.
  if (fs::status(path, error).type() != fs::file_type::not_found) return std::nullopt;
  const std::vector<std::string> names = known_configs();
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  const std::string near = nearest(name_or_path, names);
  const std::string places = fs::is_regular_file(config, error)
                                 ? " (neither beside " + config + " nor in the current folder)"
                                 : "";
  return std::pair{
      (is_path ? "no such file: " + name_or_path + places : "unknown space " + name_or_path) +
          "; known: " + all,
      near.empty() ? "name one of these or the path of a YAML file"
                   : "did you mean '" + near + "'?"};
}

std::unique_ptr<Space> labelled(const std::string& path) {
  std::unique_ptr<Space> space = make_space(yaml_file(path));
  space->set_label(fs::path(path).stem().string());
  return space;
}

}  // namespace

std::unique_ptr<Space> load_space(const std::string& name_or_path) {
  std::string path;
  if (const auto missing = missing_space(name_or_path, "", path))
    throw ConfigError(missing->first, missing->second);
  return labelled(path);
}

std::unique_ptr<Space> open_space(const Binder::Raw& raw) {
  const YamlSource source = yaml_source(raw);
  const auto name = yaml_scalar(source);
  if (!name) return make_space(source);
  std::string path;
  if (const auto missing = missing_space(*name, raw.file, path))
    throw ConfigError({yaml_problem(source, "", missing->first, missing->second)});
  return labelled(path);
}

namespace detail {

YamlPtr named_space_tree(const std::string& name_or_path,
                         const std::string& config,
                         std::vector<Problem>& problems) {
  std::string path;
  if (missing_space(name_or_path, config, path)) return nullptr;
  const YamlSource file = yaml_file(path);
  const YamlPtr tree = parse_yaml(file.text, file.file, 0, problems);
  return tree && tree->is_map() ? tree : nullptr;
}

}  // namespace detail

std::string space_file(const Binder::Raw& raw) {
  const auto name = yaml_scalar(yaml_source(raw));
  if (!name || !names_file(*name)) return "";
  const std::string path = beside(*name, raw.file);
  std::error_code error;
  return fs::is_regular_file(path, error) ? path : "";
}

std::string config_dir() {
  if (const char* dir = std::getenv("NAS_CONFIGS"); dir != nullptr && *dir != '\0') return dir;
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    // <prefix>/bin/nas, <prefix>/libexec/nas/nas-torch
    for (const char* up : {"../share/nas/configs", "../../share/nas/configs"}) {
      const fs::path candidate = (binary.parent_path() / up).lexically_normal();
      if (fs::is_directory(candidate, error)) return candidate.string();
    }
  }
  if (std::string configs = build_path("configs"); !configs.empty()) return configs;
  return (binary.parent_path() / "configs").string();
}

}  // namespace nas
