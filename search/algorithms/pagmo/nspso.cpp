// NSPSO (Li 2003), pagmo's: particles with speeds, pulled to their own best and to leaders out of
// the least crowded part of the front; the best of old and moved ones stay. On rounded numbers the
// pull works choice by choice, so it suits spaces whose options are ordered (widths, depths, kernel
// sizes) and means little where they are mere names. pagmo 2.18's own
// memory of speeds does not survive being stored (a resumed search went another way), so each
// generation draws them anew, and a particle's best is the place where it survived.
#include <algorithm>
#include <pagmo/algorithms/nspso.hpp>
#include <pagmo/batch_evaluators/member_bfe.hpp>
#include <pagmo/bfe.hpp>

#include "search/algorithms/pagmo/pagmo_search.hpp"

namespace nas {
namespace {

pagmo::algorithm nspso(const SearchContext& context, size_t, unsigned seed) {
  const NspsoOptions& o = context.options().nspso;
  constexpr double kLeast = 1e-12;  // pagmo refuses 0
  pagmo::nspso swarm(1,
                     std::max(o.inertia, kLeast),
                     std::max(o.own, kLeast),
                     std::max(o.leaders, kLeast),
                     1,
                     0.5,
                     static_cast<unsigned>(o.leader_range),
                     "crowding distance",
                     false,
                     seed);
  swarm.set_bfe(pagmo::bfe(pagmo::member_bfe{}));
  return pagmo::algorithm(swarm);
}

}  // namespace

std::unique_ptr<SearchAlgorithm> make_nspso() {
  return make_pagmo_search({"nspso", false, true, false, nspso});
}

std::string nspso_population_problem(int population) {
  return population >= 2 ? "" : "nspso needs at least 2 architectures, so that one can lead";
}

}  // namespace nas
