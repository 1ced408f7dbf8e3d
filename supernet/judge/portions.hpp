#pragma once
// Which networks are judged together. No torch header here.
#include <span>
#include <vector>

#include "spaces/space.hpp"
#include "supernet/judge/merged_plan.hpp"

namespace nas {

/// Networks of one weight set and one input size, and their plans as one.
struct Portion {
  std::vector<size_t> members;  ///< Positions in the list of all.
  MergedPlan merged;
};

struct PortionLimits {
  size_t members = 1;
  double macs = 0;   ///< Of the networks one by one, for one image.
  double bytes = 0;  ///< Of activations alive at once, for one image; one network may have more.
};

/// All of `architectures`, each in one portion; `owners`: the set of each. Neighbours in genes come
/// together, so that they share most.
std::vector<Portion> portions_of(const Space& space,
                                 std::span<const Architecture> architectures,
                                 std::span<const int> owners,
                                 const PortionLimits& limits);

}  // namespace nas
