// Extended ant colony (Schlueter et al. 2009), pagmo's, for one objective: new ants are drawn
// around the members of an archive of the best, with a spread that is their mean distance in each
// choice and shrinks as the search goes on. Whole numbers are its home. Limits reach it in the
// objective (pagmo_problem.cpp) and not as constraints of its own: its oracle then needs no
// setting, and what breaks a limit is ordered as everywhere else here. The archive is kept between
// generations.
#include <pagmo/algorithms/gaco.hpp>
#include <pagmo/batch_evaluators/member_bfe.hpp>
#include <pagmo/bfe.hpp>

#include "search/algorithms/pagmo/pagmo_search.hpp"

namespace nas {
namespace {

pagmo::algorithm gaco(const SearchContext& context, size_t population, unsigned seed) {
  const AntOptions& o = context.options().gaco;
  const unsigned kernels = ant_kernels(o, population);
  pagmo::gaco ants(1, kernels, o.convergence, 0, 0.01, 1, 7, 0, 0, 0, true, seed);
  ants.set_bfe(pagmo::bfe(pagmo::member_bfe{}));
  return pagmo::algorithm(ants);
}

}  // namespace

std::unique_ptr<SearchAlgorithm> make_gaco() {
  return make_pagmo_search({"gaco", true, true, true, gaco});
}

}  // namespace nas
