#pragma once
// Can limits on free costs be met at all? Told before anything is paid for.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/constraints.hpp"
#include "search/costs.hpp"

namespace nas {

/// How near the architectures of a domain come to limits.
struct Reach {
  struct Nearest {
    Architecture architecture;
    std::map<std::string, double> values;
    double violation = 0;
  };
  std::optional<Architecture> witness;  ///< Meets all limits.
  std::vector<Nearest> each;            ///< By limit: the nearest to it. Without a witness only,
  Nearest together;                     ///< as the nearest to all.
  bool exact = true;                    ///< False: the best that was met; others may be better.
  std::string why_not;                  ///< Why it is not exact.
};

/// `constraints` are metrics of `costs`, on the same space. Exact for domains small enough to list
/// and where the metrics are sums over the parts of a network (search/exact/); else the best of
/// descents from the smallest, the largest and random architectures.
Reach reach(const CostModel& costs,
            const std::vector<Constraint>& constraints,
            uint64_t seed,
            const Domain& domain);

/// What to say of a reach without a witness: the nearest attainable value of each limit.
std::string out_of_reach(const Reach& reach,
                         const CostModel& costs,
                         const std::vector<Constraint>& constraints,
                         const Domain& domain);

/// Returns an architecture of `domain` that meets all `constraints`. When there is none it throws
/// ConfigError with what out_of_reach says.
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
