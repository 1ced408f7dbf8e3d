#pragma once
// How good members of a population are, and how children come from them: what evolution has in
// common.
#include <span>
#include <string>
#include <vector>

#include "search/algorithms/algorithm.hpp"

namespace nas {

/// Lower rank first, then more crowding distance (NSGA-II); infeasible ones by violation alone.
struct Standing {
  std::vector<int> ranks;
  std::vector<double> crowding;
  bool better(size_t a, size_t b) const {
    return ranks[a] != ranks[b] ? ranks[a] < ranks[b] : crowding[a] > crowding[b];
  }
  /// Positions, the best first; equals in their order.
  std::vector<size_t> order() const;
};
Standing standing_of(const std::vector<ScoredPoint>& points);
/// Scores of architectures by the archive; what is not in it counts as worse than any failure.
std::vector<ScoredPoint> scores_of(const SearchContext& context,
                                   std::span<const Architecture> architectures);

/// Probability that a redraw of each choice with probability `rate` changes anything.
/// Domain::mutate changes something always, so it is called that often.
double change_probability(const Domain& domain, double rate);

constexpr int kVariations = 20;  ///< Children in a row that are not worth paying for.

/// Takes children of `child` into `children` until these are full, or kVariations in a row were not
/// worth paying for. Where limits rule out one child after another, every fifth is walked to them.
template <typename Child>
void take_children(SearchContext& context, Rng& rng, Proposals& children, const Child& child) {
  for (int misses = 0; !children.full() && misses < kVariations; ++misses) {
    Architecture c = child();
    bool taken = children.take(c);
    if (!taken && misses % 5 == 4) taken = context.repair(c, rng) && children.take(c);
    if (taken) misses = -1;
  }
}

/// Architectures as a JSON text (a list of gene lists) inside the states of algorithms.
std::string genes_json(std::span<const Architecture> architectures);
/// DataError where they are none, or not valid in `space`.
std::vector<Architecture> architectures_of(const Space& space, const std::string& genes_json);

}  // namespace nas
