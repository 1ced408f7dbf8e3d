#pragma once
#include "cli/config/config_kinds.hpp"

namespace nas::cli {

/// `sweep` of `nas config`. Checking one resolves the configurations of its stages, trainings
/// included, which nas-torch knows.
ConfigKind sweep_kind(bool torch);

}  // namespace nas::cli
