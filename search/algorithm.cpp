#include "search/algorithm.hpp"

#include "spaces/error.hpp"

namespace nas {

const std::vector<AlgorithmInfo>& search_algorithms() {
  static const std::vector<AlgorithmInfo> table = {
      {"nsga2",
       "Evolution by non-dominated sorting and crowding (NSGA-II of pagmo)",
       make_nsga2,
       nsga2_population_problem},
      {"random",
       "Uniform draws over the space, each architecture once: the baseline",
       make_random_search,
       random_population_problem},
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

}  // namespace nas
