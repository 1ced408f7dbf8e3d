#include "search/algorithms/algorithm.hpp"

#include <algorithm>

#include "spaces/error.hpp"

namespace nas {

namespace {

/// That look at true values only.
std::vector<AlgorithmInfo> direct() {
  return {
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
      {"regularized-evolution",
       "Evolution in which the oldest dies, not the worst",
       make_regularized_evolution,
       nsga2_population_problem},
      {"local-search",
       "From random starts to better neighbours until there is none",
       make_local_search,
       random_population_problem},
      {"simulated-annealing",
       "One objective: walks that take worse neighbours too, ever more rarely",
       make_simulated_annealing,
       random_population_problem,
       true,
       1,
       1},
  };
}

/// That fit predictors to them.
std::vector<AlgorithmInfo> by_predictors() {
  return {
      {"ehvi",
       "Expected hypervolume improvement by predictions and how far off they may be",
       make_ehvi,
       random_population_problem,
       true,
       1,
       AlgorithmInfo::kNoLimit,
       true},
      {"linas",
       "Predictors and a long search on them, again and again (LINAS)",
       make_linas,
       random_population_problem,
       true,
       1,
       AlgorithmInfo::kNoLimit,
       true},
      {"linas-released",
       "LINAS as its program was released, for comparison",
       make_linas_released,
       nsga2_population_problem},
      {"concurrent",
       "linas that begins with the best of an earlier run (search.warm_from)",
       make_concurrent,
       random_population_problem,
       true,
       1,
       AlgorithmInfo::kNoLimit,
       true},
      {"ofa",
       "One objective: predictors once, then evolution under limits (once-for-all)",
       make_ofa,
       random_population_problem,
       false,
       1,
       1},
  };
}

/// Of pagmo2.
std::vector<AlgorithmInfo> of_pagmo() {
  return {
      {"moead",
       "Decomposition into weighted aims (pagmo2), two objectives or more",
       make_moead,
       moead_population_problem,
       true,
       2},
      {"nspso",
       "Particle swarm with non-dominated sorting (pagmo2), two objectives or more",
       make_nspso,
       nspso_population_problem,
       true,
       2},
      {"maco",
       "Ant colony (pagmo2), two objectives or more",
       make_maco,
       ant_population_problem,
       true,
       2},
      {"sga",
       "One objective: simple genetic algorithm (pagmo2)",
       make_sga,
       sga_population_problem,
       true,
       1,
       1},
      {"cmaes",
       "One objective: covariance matrix adaptation (pagmo2) on rounded numbers",
       make_cmaes,
       cmaes_population_problem,
       true,
       1,
       1},
      {"gaco", "One objective: ant colony (pagmo2)", make_gaco, ant_population_problem, true, 1, 1},
  };
}

}  // namespace

const std::vector<AlgorithmInfo>& search_algorithms() {
  static const std::vector<AlgorithmInfo> table = [] {
    std::vector<AlgorithmInfo> all;
    for (auto* part : {direct, by_predictors, of_pagmo})
      for (AlgorithmInfo& info : part()) all.push_back(std::move(info));
    return all;
  }();
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

std::string AlgorithmInfo::objectives_problem(size_t objectives) const {
  if (objectives < least_objectives)
    return name + " needs at least " + std::to_string(least_objectives) +
           " objectives, search.objectives has " + std::to_string(objectives) +
           "; for one: ehvi, nsga2, sga, cmaes, gaco or simulated-annealing";
  if (objectives > most_objectives)
    return name + " has one objective, search.objectives has " + std::to_string(objectives) +
           "; for several: ehvi, nsga2, moead, nspso or maco; or keep one and limit the others";
  return "";
}

Proposals::Proposals(SearchContext& context, size_t wanted)
    : context_(context), wanted_(std::min(wanted, context.budget_left())) {}

bool Proposals::take(const Architecture& a) {
  if (full()) return false;
  Architecture key = context_.key(a);
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
