#pragma once
// Can limits on free costs be met at all? Told before anything is paid for.
#include <vector>

#include "search/constraints.hpp"
#include "search/costs.hpp"

namespace nas {

/// Returns an architecture that meets all `constraints` (metrics of `costs`). When there is none it
/// throws ConfigError with the nearest attainable value of each limit: exact for spaces small
/// enough to list, else the best of descents from the smallest, the largest and random
/// architectures (said so).
Architecture require_attainable(const CostModel& costs,
                                const std::vector<Constraint>& constraints,
                                uint64_t seed);

/// Whether the space can be listed: it has at most `most` architectures.
bool listable(const Space& space, int64_t most);

}  // namespace nas
