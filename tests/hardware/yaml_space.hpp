#pragma once
#include <memory>
#include <string>

#include "spaces/registry.hpp"

namespace nas {

/// A space of a YAML text.
inline std::unique_ptr<Space> yaml_space(const std::string& text) {
  YamlSource source;
  source.text = text;
  source.file = "test.yaml";
  return make_space(source);
}

}  // namespace nas
