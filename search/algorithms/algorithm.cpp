#include "search/algorithms/algorithm.hpp"

#include <algorithm>

#include "spaces/error.hpp"

namespace nas {

const std::vector<AlgorithmInfo>& search_algorithms() {
  static const std::vector<AlgorithmInfo> table = {
      {"nsga2",
       "Evolution by non-dominated sorting and crowding (NSGA-II)",
       make_nsga2,
       nsga2_population_problem},
      {"random",
       "Draws as search.initial says, each network once: the baseline",
       make_random_search,
       random_population_problem},
      {"exact",
       "Whole front or optimum of free costs that add up over a network, proved optimal",
       make_exact_search,
       no_population_problem,
       false},
      {"blockwise",
       "One true evaluation per option replaced in a reference; the best of their sum, judged "
       "truly",
       make_blockwise,
       no_population_problem,
       false},
  };
  return table;
}

const AlgorithmInfo& search_algorithm(const std::string& name) {
  std::vector<std::string> names;
  for (const AlgorithmInfo& info : search_algorithms()) {
    if (info.name == name) return info;
    names.push_back(info.name);
  }
  const std::string near = nearest(name, names);
  std::string known;
  for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
  throw ConfigError("there is no search algorithm '" + name + "'; known: " + known,
                    near.empty() ? "" : "Did you mean '" + near + "'?");
}

Proposals::Proposals(SearchContext& context, size_t wanted)
    : context_(context), wanted_(std::min(wanted, context.budget_left())) {}

bool Proposals::take(const Architecture& a) {
  if (full()) return false;
  Architecture key = context_.domain().canonical(a);
  if (keys_.contains(key) || !context_.propose(a)) return false;
  keys_.insert(std::move(key));
  architectures_.push_back(a);
  return true;
}

void Proposals::fill(Rng& rng) {
  // So many draws in a row without a new network say that few are left, or that they are rare.
  constexpr int kDraws = 50;
  for (int misses = 0; !full() && misses < kDraws;)
    misses = take(context_.sample(rng)) ? 0 : misses + 1;
  if (full()) return;
  for (const Architecture& a : context_.unseen(wanted_ - architectures_.size(), keys_, rng))
    take(a);
}

}  // namespace nas
