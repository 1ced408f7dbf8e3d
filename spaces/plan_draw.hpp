#pragma once
#include <string>
#include <vector>

#include "spaces/plan.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Graphviz source of a network for people: operations fused as they are read (convolution, BN and
/// activation in one box; squeeze-excitation in one), a frame around each block, repeated blocks
/// drawn once, long networks in columns, colours by choice with a legend.
std::string draw_network(const Plan& plan, const std::vector<Choice>& choices);

}  // namespace nas
