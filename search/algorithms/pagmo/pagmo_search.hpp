#pragma once
// An algorithm of pagmo2 as a search algorithm, one generation at a time.
#include <memory>
#include <pagmo/algorithm.hpp>
#include <string>

#include "search/algorithms/algorithm.hpp"

namespace nas {

struct PagmoTactic {
  std::string name;
  bool integers = true;  ///< It handles whole numbers; else real ones are rounded.
  /// Its population is the last sample, or holds more than one of a kind for no reason: copies are
  /// replaced whatever comes. False: only by what is better.
  bool replaces_copies = true;
  /// Its memory goes from generation to generation. False: it is made anew for each, and the old
  /// members compete with the new ones.
  bool remembers = true;
  /// One generation per call, `population` members, everything else from the options.
  pagmo::algorithm (*make)(const SearchContext& context, size_t population, unsigned seed);
};
std::unique_ptr<SearchAlgorithm> make_pagmo_search(const PagmoTactic& tactic);

/// Size of an ant colony's archive; ConfigError where it is more than the population.
unsigned ant_kernels(const AntOptions& options, size_t population);

}  // namespace nas
