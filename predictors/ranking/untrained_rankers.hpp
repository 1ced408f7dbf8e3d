#pragma once
// Rankers that need no training, to be beaten before a supernet has earned its cost (panda.md 8).
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

/// MACs, parameters, convolutions and depth of each architecture, by name; larger is taken for
/// better. `live_`: of the searched parts, only what lies on a way from image to logits.
std::vector<std::pair<std::string, std::vector<double>>> untrained_rankers(
    const Space& space, std::span<const Architecture> architectures);

}  // namespace nas
