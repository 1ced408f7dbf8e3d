#pragma once
// Can limits on free costs be met at all? Told before anything is paid for.
#include <vector>

#include "search/constraints.hpp"
#include "search/costs.hpp"

namespace nas {

/// Returns when some architecture meets all `constraints` (metrics of `costs`). Otherwise throws
/// ConfigError with the nearest attainable value of each limit: exact for spaces small enough to
/// list, else the best of descents from the smallest, the largest and random architectures (said
/// so).
void require_attainable(const CostModel& costs,
                        const std::vector<Constraint>& constraints,
                        uint64_t seed);

/// Steepest descent over neighbours in total violation, until none is left or no neighbour is
/// better.
Architecture descend_to_feasible(const CostModel& costs,
                                 const std::vector<Constraint>& constraints,
                                 Architecture start);

}  // namespace nas
