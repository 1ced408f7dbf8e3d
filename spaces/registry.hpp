#pragma once
// The one table of space families, and reading a `space:` section or a file of configs/spaces/.
#include <memory>
#include <string>
#include <vector>

#include "spaces/space.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

struct SpaceFamily {
  std::string name;     ///< `family:` value.
  std::string summary;  ///< One line.
  /// Reads the rest of the section (strictly) and makes the space.
  std::unique_ptr<Space> (*make)(const YamlSource& section);
  /// Describes the options, for schema and help.
  void (*describe)(Binder& b);
};
const std::vector<SpaceFamily>& space_families();

/// `text`: YAML mapping with `family:` and the family's options.
std::unique_ptr<Space> make_space(const YamlSource& section);
/// A path to a YAML file, or the name of a file in configs/spaces/ (without .yaml), looked up in
/// NAS_CONFIGS, then beside the installed binary. ConfigError lists the known names.
std::unique_ptr<Space> load_space(const std::string& name_or_path);
/// `space:` of a configuration: a name, a path or a mapping with `family:`.
std::unique_ptr<Space> open_space(const Binder::Raw& raw);
/// Folder of the shipped configs: $NAS_CONFIGS, the build's source tree or the installed prefix.
std::string config_dir();

}  // namespace nas
