#pragma once
// `nas space show` of a space or a part of one.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "spaces/domain.hpp"

namespace nas::cli {

/// Above this many architectures equivalent networks are not counted one by one.
constexpr int64_t kCountDistinctUpTo = 1'000'000;

/// Size, extremes, notation and open options on standard output, as text or JSON (nas-space/1).
void print_space(const Domain& domain, bool as_json);
/// What was fixed, in a document about a part of a space.
void put_fix(nlohmann::ordered_json& document, const Domain& domain);

}  // namespace nas::cli
