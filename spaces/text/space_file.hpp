#pragma once
// Which file a `space:` names.
#include <string>

#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

/// Path of the file that `space:` names: beside the configuration file that names it, else from the
/// current folder. "" for a shipped space, a mapping and a file that is not there.
std::string space_file(const Binder::Raw& raw);

}  // namespace nas
