// Speed of exact answers: bench_exact SPACE METRIC LIMIT [REPEATS]. Processor seconds of each step
// (median over the repeats), one line of JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "search/exact/distribution.hpp"
#include "search/exact/factorise.hpp"
#include "spaces/registry.hpp"

int main(int argc, char** argv) {
  using namespace nas;
  const auto now = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_exact SPACE macs|params LIMIT [REPEATS]\n");
    return 2;
  }
  const auto space = load_space(argv[1]);
  const Domain domain(*space);
  const std::string name = argv[2];
  const auto limit = static_cast<int64_t>(std::atof(argv[3]));
  const int repeats = argc > 4 ? std::atoi(argv[4]) : 1;
  Plan plan;
  const exact::MetricFunction metric{name, [&](const Architecture& a) {
                                       space->build(a, plan);
                                       const Cost cost = cost_of(plan, space->counting());
                                       return static_cast<double>(name == "macs" ? cost.macs
                                                                                 : cost.params);
                                     }};
  std::vector<double> tables, shares, counts;
  std::string count, low, high, range;
  for (int r = 0; r < repeats; ++r) {
    double start = now();
    const exact::Factorised found = exact::factorise(domain, {&metric, 1});
    if (!found.terms) {
      std::fprintf(stderr, "%s\n", found.why_not.c_str());
      return 1;
    }
    tables.push_back(now() - start);
    start = now();
    const exact::Distribution spread(*found.terms, 0);
    const auto [least, most] = spread.range();
    std::vector<int64_t> edges{limit};
    for (int i = 1; i < 20; ++i) edges.push_back(least + (most - least) * i / 20);
    const std::vector<exact::Share> share = spread.shares(edges);
    shares.push_back(now() - start);
    range = std::to_string(least) + ", " + std::to_string(most);
    low = std::to_string(share[0].low);
    high = std::to_string(share[0].high);
    start = now();
    count = spread.count(least, limit).str();
    counts.push_back(now() - start);
  }
  const auto median = [](std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
  };
  std::printf(
      "{\"space\": \"%s\", \"metric\": \"%s\", \"range\": [%s], \"share\": [%s, %s], \"count\": "
      "\"%s\", \"factorise_s\": %.4f, \"extremes_bounds_histogram_s\": %.4f, \"count_s\": %.3f}\n",
      argv[1],
      name.c_str(),
      range.c_str(),
      low.c_str(),
      high.c_str(),
      count.c_str(),
      median(tables),
      median(shares),
      median(counts));
  return 0;
}
