#pragma once
// What `nas config check|show|schema|keys` knows: one line for each kind of configuration file.
#include <string>
#include <vector>

#include "spaces/yaml_binder.hpp"

namespace nas::cli {

struct ConfigKind {
  std::string name;     ///< train | search | space:FAMILY ...
  std::string summary;  ///< One line.
  std::string mark;     ///< A top-level key that only files of this kind have.
  /// Reads strictly (throws ConfigError) and answers the resolved values.
  std::function<std::string(const YamlSource&)> resolve_yaml;
  std::function<std::string(const YamlSource&)> resolve_json;
  std::function<std::string()> schema;
  std::function<std::vector<HelpLine>()> keys;
};

/// From an options struct with a `describe`, e.g. config_kind<SearchConfig>("search", ...).
template <typename T>
ConfigKind config_kind(const std::string& name,
                       const std::string& summary,
                       const std::string& mark) {
  const auto describe_of = [](T& options) {
    return [&options](Binder& b) { describe(b, options); };
  };
  ConfigKind kind{name, summary, mark, {}, {}, {}, {}};
  kind.resolve_yaml = [describe_of](const YamlSource& source) {
    T options = read_yaml_as<T>(source);
    return write_yaml(describe_of(options));
  };
  kind.resolve_json = [describe_of](const YamlSource& source) {
    T options = read_yaml_as<T>(source);
    return write_json(describe_of(options));
  };
  kind.schema = [describe_of, name] {
    T options{};
    return json_schema("nas " + name, describe_of(options));
  };
  kind.keys = [describe_of] {
    T options{};
    return help_lines(describe_of(options));
  };
  return kind;
}

const std::vector<ConfigKind>& config_kinds();

}  // namespace nas::cli
