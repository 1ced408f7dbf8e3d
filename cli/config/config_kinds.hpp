#pragma once
// What `nas config` knows: one line for each kind of configuration file.
#include <functional>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {

struct ConfigKind {
  /// train | search | FAMILY of a space | strategy:NAME, path_sampler:NAME, weights:NAME ...
  std::string name;
  std::string summary;  ///< One line.
  std::string mark;     ///< A top-level key that only files of this kind have; may be empty.
  /// Reads strictly (throws ConfigError); answers the resolved values as YAML or JSON. Empty for
  /// parts that are never a file of their own.
  std::function<std::string(const YamlSource&, bool json)> resolve = {};
  std::string title = {};  ///< Of the schema.
  /// The one description that schema and keys are made from; empty where `torch`.
  Describe describe = {};
  UnitPlace units = UnitPlace::kHelp;
  /// What is not wrong and yet will not do; of a configuration that resolve() takes.
  std::function<std::vector<std::string>(const YamlSource&)> warnings = {};
  bool torch = false;  ///< Known by nas-torch only; here just the name.

  std::string schema() const { return json_schema(title, describe); }
  std::vector<HelpLine> keys() const { return help_lines(describe, units); }
};

/// From an options struct with a `describe`, e.g. config_kind<TrainConfig>("train", ...).
template <typename T>
ConfigKind config_kind(const std::string& name,
                       const std::string& summary,
                       const std::string& mark) {
  ConfigKind kind{name, summary, mark};
  kind.resolve = [](const YamlSource& source, bool json) {
    T options = read_yaml_as<T>(source);
    const auto description = [&options](Binder& b) { describe(b, options); };
    return json ? write_json(description) : write_yaml(description);
  };
  kind.title = "nas " + name;
  kind.describe = [](Binder& b) {
    T options{};
    describe(b, options);
  };
  kind.units = UnitPlace::kRange;
  return kind;
}

/// All kinds: those of nas-torch (TorchServices; `nas` names them only), search, one for each space
/// family.
std::vector<ConfigKind> config_kinds();

}  // namespace nas::cli
