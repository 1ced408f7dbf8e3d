#pragma once
// A split tree as Graphviz source. No torch.
#include <string>
#include <vector>

#include "supernet/weights/math/split_tree.hpp"

namespace nas {

/// Inner nodes with their choice, cut and distance within, edges with the options of each group,
/// leaves with their epochs. `title`: lines above it; `values`: lines for each node (by id), e.g.
/// the accuracy of a leaf; may be empty.
std::string draw_tree(const SplitTree& tree,
                      const Space& space,
                      const std::vector<std::string>& title,
                      const std::vector<std::vector<std::string>>& values = {});

}  // namespace nas
