// MOEA/D-DE (Li and Zhang 2009), pagmo's: every member has a weight vector and looks for the best
// by the Tchebycheff distance to the ideal point under it; parents are neighbours in weight.
// Weights cover a front evenly where it is convex and smooth, whatever dominance says, so it keeps
// working with four objectives; each member sees its own aim alone.
//
// Weights stand on a lattice where the population is one of its sizes (two objectives: any), else
// on a low-discrepancy sequence. Objectives are scaled before (pagmo_problem.cpp): pagmo does not.
#include <algorithm>
#include <pagmo/algorithms/moead.hpp>

#include "search/algorithms/pagmo/pagmo_search.hpp"

namespace nas {
namespace {

/// Whether `population` is the number of points of some lattice on the simplex.
bool is_lattice(size_t population, size_t objectives) {
  for (size_t h = 1; h <= population; ++h) {
    double points = 1;  // binomial (h + m - 1, m - 1)
    for (size_t i = 1; i < objectives; ++i)
      points = points * static_cast<double>(h + i) / static_cast<double>(i);
    if (points >= static_cast<double>(population) - 0.5)
      return points <= static_cast<double>(population) + 0.5;
  }
  return false;
}

pagmo::algorithm moead(const SearchContext& context, size_t population, unsigned seed) {
  const MoeadOptions& o = context.options().moead;
  const size_t objectives = context.archive().goal().objectives.size();
  const size_t neighbours =
      std::clamp<size_t>(static_cast<size_t>(o.neighbours), 2, population - 1);
  return pagmo::algorithm(
      pagmo::moead(1,
                   is_lattice(population, objectives) ? "grid" : "low discrepancy",
                   "tchebycheff",
                   neighbours,
                   o.crossover,
                   o.difference,
                   20,
                   0.9,
                   2,
                   true,
                   seed));
}

}  // namespace

std::unique_ptr<SearchAlgorithm> make_moead() {
  return make_pagmo_search({"moead", false, false, true, moead});
}

std::string moead_population_problem(int population) {
  return population >= 5 ? "" : "moead needs at least 5 architectures, to combine neighbours";
}

}  // namespace nas
