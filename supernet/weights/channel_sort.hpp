#pragma once
// Sorting the middle channels of a supernet by importance, before it learns to do with the first
// few of them (progressive shrinking, search.md 2.7).
#include <vector>

#include "supernet/weights/elastic.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// Sorts the channels that the choice `choice` (kExpand) cuts, in all layers alike, by the L1 norm
/// of the weights that read them, descending. `trained`: for every choice of the space, options
/// that subnets were already trained with; no channel crosses the border of a width that such a
/// subnet has (another choice, such as the width of the stage, may cut the same channels), so that
/// those subnets stay what they are. The function of the largest network is unchanged but for the
/// order of its sums. Returns how many groups of channels moved. ConfigError when the set does
/// not share its weights.
int sort_channels(const Space& space,
                  WeightSet& weights,
                  size_t choice,
                  const std::vector<std::vector<int16_t>>& trained);

}  // namespace nas
