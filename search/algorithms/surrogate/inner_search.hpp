#pragma once
// The search on a surrogate, which costs nothing but time, and the choice of what to pay for.
#include <vector>

#include "search/algorithms/surrogate/surrogate.hpp"

namespace nas {

/// Distinct networks with the scores that a surrogate gives them.
struct InnerPool {
  std::vector<Architecture> networks;  ///< Canonical, in the order they were found.
  std::vector<ScoredPoint> scores;
  std::vector<size_t> last;  ///< Positions of the last population, the best first.
};

struct InnerOptions {
  int population = 100;
  int generations = 200;
  double optimism = 0;  ///< Standard deviations by which objectives are taken for better.
};

/// NSGA-II on `surrogate` from `start` (the rest of the first population is drawn).
InnerPool inner_search(const SearchContext& context,
                       const Surrogate& surrogate,
                       const std::vector<Architecture>& start,
                       const InnerOptions& options,
                       Rng& rng);

/// The best `count` of the archive by rank and crowding.
std::vector<Architecture> best_known(const SearchContext& context, size_t count);

/// Positions of `points`, `wanted` of them where there are so many: whole fronts in order, the last
/// one without those that are closest to others (least crowding distance, one by one). Infeasible
/// ones come last, by violation.
std::vector<size_t> best_by_fronts(const std::vector<ScoredPoint>& points, size_t wanted);

}  // namespace nas
