// MHACO (Acciarini et al. 2020), pagmo's: an archive of the best by front and exact hypervolume
// contribution; new ants are drawn around its members, the better ones more often, with a spread
// that is the mean distance to the others. It needs no crossover of unrelated parents and no
// weights. pagmo 2.18's own memory of the archive does not survive being stored (a resumed search
// went another way), so the best of old members and new ants are the archive of the next
// generation.
#include <pagmo/algorithms/maco.hpp>
#include <pagmo/batch_evaluators/member_bfe.hpp>
#include <pagmo/bfe.hpp>

#include "search/algorithms/pagmo/pagmo_search.hpp"

namespace nas {
namespace {

pagmo::algorithm maco(const SearchContext& context, size_t population, unsigned seed) {
  const AntOptions& o = context.options().maco;
  const unsigned kernels = ant_kernels(o, population);
  pagmo::maco ants(1, kernels, o.convergence, 1, 7, 0, 0, false, seed);
  ants.set_bfe(pagmo::bfe(pagmo::member_bfe{}));
  return pagmo::algorithm(ants);
}

}  // namespace

std::unique_ptr<SearchAlgorithm> make_maco() {
  return make_pagmo_search({"maco", true, true, false, maco});
}

unsigned ant_kernels(const AntOptions& o, size_t population) {
  if (static_cast<size_t>(o.kernels) > population)
    throw ConfigError("kernels = " + std::to_string(o.kernels) +
                      " are more than search.population (" + std::to_string(population) + ")");
  return static_cast<unsigned>(o.kernels > 0 ? o.kernels : population);
}

std::string ant_population_problem(int population) {
  return population >= 2 ? "" : "ant colonies need at least 2 architectures, to measure distances";
}

}  // namespace nas
