#pragma once
// Can limits on free costs be met at all? Told before anything is paid for.
#include <vector>

#include "search/constraints.hpp"
#include "search/costs.hpp"

namespace nas {

/// Returns an architecture of `domain` that meets all `constraints` (metrics of `costs`, on the
/// same space). When there is none it throws ConfigError with the nearest attainable value of each
/// limit: exact for domains small enough to list, else the best of descents from the smallest, the
/// largest and random architectures (said so).
Architecture require_attainable(const CostModel& costs,
                                const std::vector<Constraint>& constraints,
                                uint64_t seed,
                                const Domain& domain);
inline Architecture require_attainable(const CostModel& costs,
                                       const std::vector<Constraint>& constraints,
                                       uint64_t seed) {
  return require_attainable(costs, constraints, seed, costs.space());
}

/// Whether the domain can be listed: it has at most `most` architectures.
bool listable(const Domain& domain, int64_t most);

}  // namespace nas
