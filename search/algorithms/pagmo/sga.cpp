// A simple genetic algorithm, pagmo's, for one objective: parents by tournament of two, each choice
// from either (binomial crossover), redrawn with probability 1/n, the best of parents and children
// stay. Exponential crossover, pagmo's own default, swaps runs of neighbouring genes; in search
// spaces neighbours in the list of choices are no closer than others (see nsga2.cpp).
#include <pagmo/algorithms/sga.hpp>

#include "search/algorithms/pagmo/pagmo_search.hpp"

namespace nas {
namespace {

pagmo::algorithm sga(const SearchContext& context, size_t, unsigned seed) {
  const SgaOptions& o = context.options().sga;
  const double mutation =
      o.mutation > 0 ? o.mutation : 1.0 / static_cast<double>(context.domain().open_choices());
  return pagmo::algorithm(
      pagmo::sga(1, o.crossover, 1, mutation, 1, 2, "binomial", "uniform", "tournament", seed));
}

}  // namespace

std::unique_ptr<SearchAlgorithm> make_sga() {
  return make_pagmo_search({"sga", true, true, true, sga});
}

std::string sga_population_problem(int population) {
  return population >= 2 ? "" : "sga needs at least 2 architectures, to cross them";
}

}  // namespace nas
