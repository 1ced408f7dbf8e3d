// CMA-ES (Hansen and Ostermeier 2001), pagmo's, for one objective on rounded numbers: a normal
// distribution over the choices moves to the better half of each generation and learns their
// covariance. It knows nothing of steps: on the plateaus that rounding makes its own tests for
// flatness would end it, so they are off, and copies are replaced by mutants from outside. Bounds
// are met where numbers become options, which leaves its covariance alone. With budgets of a few
// hundred evaluations and dozens of choices it hardly learns more than the mean.
#include <pagmo/algorithms/cmaes.hpp>

#include "search/algorithms/pagmo/pagmo_search.hpp"

namespace nas {
namespace {

pagmo::algorithm cmaes(const SearchContext& context, size_t, unsigned seed) {
  return pagmo::algorithm(
      pagmo::cmaes(1, -1, -1, -1, -1, context.options().cmaes.step, 0, 0, true, false, seed));
}

}  // namespace

std::unique_ptr<SearchAlgorithm> make_cmaes() {
  return make_pagmo_search({"cmaes", false, true, true, cmaes});
}

std::string cmaes_population_problem(int population) {
  return population >= 5 ? "" : "cmaes needs at least 5 architectures per generation";
}

}  // namespace nas
