#pragma once
// Sections that name an entry of a table: `path_sampler: importance`, or a mapping with `name`.
#include <string>
#include <vector>

#include "spaces/error.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

/// The section as a mapping: a bare name becomes its key `key`.
inline YamlSource named_section(const Binder::Raw& section, const std::string& key = "name") {
  YamlSource source = yaml_source(section);
  if (const auto bare = yaml_scalar(source)) {
    YamlSource mapping;
    mapping.file = source.file;
    mapping.prefix = source.prefix;
    mapping.line_offset = section.line > 0 ? section.line - 1 : 0;
    mapping.text = key + ": " + *bare;
    return mapping;
  }
  return source;
}

/// The options of a named section; T needs `void describe(Binder&, T&)`.
template <typename T>
T read_named(const YamlSource& source, T options = {}) {
  read_yaml(source, [&](Binder& b) {
    b.ignore("name");
    describe(b, options);
  });
  return options;
}

/// The entry that the section's `name` (or an alias) means. ConfigError with the nearest name.
template <typename Entry>
const Entry& entry_named(const std::vector<Entry>& table,
                         const std::string& kind,
                         const YamlSource& source,
                         const std::string& key = "name") {
  const std::string name = yaml_scalar(source, key).value_or("");
  std::vector<std::string> known;
  std::string all;
  for (const Entry& entry : table) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
    all += (all.empty() ? "" : ", ") + entry.name;
  }
  const std::string near = nearest(name, known);
  throw ConfigError(
      {yaml_problem(source,
                    key,
                    name.empty() ? "the " + kind + " has no `" + key + "`"
                                 : "unknown " + kind + " '" + name + "'",
                    near.empty() ? "one of: " + all : "did you mean '" + near + "'?")});
}

}  // namespace nas
