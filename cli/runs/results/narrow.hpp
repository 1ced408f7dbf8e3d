#pragma once
// What a stored search favours.
#include <string>

#include "cli/results/narrowing.hpp"

namespace nas::cli {

/// Of the networks that search `name` judged and found within its limits. ConfigError where there
/// is no such search, or none of its networks is.
Narrowing narrowing_of(const Store& store, const std::string& name, const PopularOptions& options);

}  // namespace nas::cli
