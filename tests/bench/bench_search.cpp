// Search algorithms on benchmark S1 (tests/search/s1.hpp):
//   bench_search [ALGORITHM] [INITIAL] [SEEDS] [POPULATION]
// prints the hypervolume (M*pp) of each seed at 100, 250 and 500 evaluations, with mean and sd.
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "../search/s1.hpp"

int main(int argc, char** argv) {
  using namespace nas;
  using namespace nas::testing_s1;
  const std::string algorithm = argc > 1 ? argv[1] : "nsga2";
  const std::string initial = argc > 2 ? argv[2] : "choices";
  const int seeds = argc > 3 ? std::atoi(argv[3]) : 5;
  const int population = argc > 4 ? std::atoi(argv[4]) : 48;
  const auto space = load_space("mobilenet");
  const S1Truth truth;
  const CostModel costs(*space);
  for (const int64_t evaluations : {100, 250, 500}) {
    std::vector<double> values;
    for (int seed = 0; seed < seeds; ++seed) {
      S1Evaluator evaluator(*space, truth);
      SearchSettings settings = s1_settings(algorithm, evaluations, static_cast<uint64_t>(seed));
      settings.population = population;
      settings.initial = initial == "architectures" ? Initial::kArchitectures : Initial::kChoices;
      Search search(*space, evaluator, costs, settings);
      while (!search.done()) search.step();
      values.push_back(search.current_hypervolume() / 1e6);
    }
    const auto n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double square = 0;
    std::printf(
        "%s %s %lld:", algorithm.c_str(), initial.c_str(), static_cast<long long>(evaluations));
    for (const double v : values) {
      std::printf(" %.0f", v);
      square += (v - mean) * (v - mean);
    }
    std::printf("  mean %.1f sd %.1f\n", mean, n > 1 ? std::sqrt(square / (n - 1)) : 0.0);
  }
  return 0;
}
