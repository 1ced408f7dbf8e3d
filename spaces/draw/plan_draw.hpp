#pragma once
#include <string>
#include <vector>

#include "spaces/plan.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Graphviz source of a network for people: operations fused as they are read (convolution, BN and
/// activation in one box; squeeze-excitation in one), a frame around each block, equal neighbours
/// drawn once, long networks in columns from left to right, colours by choice with a legend. A cell
/// (a wiring of options) is one box of the network; each distinct cell is drawn once beside it.
/// The tooltip of a box names its ops by their ids in the plan. Training-only heads are left out.
/// `title`: lines above the drawing, the first in bold; long ones are broken.
std::string draw_network(const Plan& plan,
                         const std::vector<Choice>& choices,
                         const std::vector<std::string>& title = {});

}  // namespace nas
