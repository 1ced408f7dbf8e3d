#pragma once
// `search.algorithm: auto`: which algorithm a search takes, and why.
#include <string>

#include "search/algorithms/algorithm.hpp"

namespace nas {

constexpr const char* kAutoAlgorithm = "auto";

/// What is known of a search before it begins.
struct SearchFacts {
  size_t objectives = 1;
  bool measured = true;                     ///< Some objective or limit is no free cost.
  bool cheap = false;                       ///< An evaluation takes no time: a table answers.
  bool warm = false;                        ///< It begins from an earlier search.
  std::optional<int64_t> evaluations = {};  ///< Budget; none: unknown.
  std::optional<int64_t> networks = {};     ///< Of the space, where it is small enough to count.
};

struct ChosenAlgorithm {
  std::string name;  ///< In search_algorithms().
  std::string why;   ///< Completes `search.algorithm auto: ehvi, because`.
};
ChosenAlgorithm choose_algorithm(const SearchFacts& facts);

}  // namespace nas
