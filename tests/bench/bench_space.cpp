// Speed of a space without torch: bench_space SPACE [SECONDS].
// Samples valid architectures, builds the Plan, counts MACs and parameters; then, where the space
// has at most a million architectures, lists all of them with costs. Processor seconds, which other
// programs on the machine disturb less than the wall clock.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "spaces/registry.hpp"

int main(int argc, char** argv) {
  using namespace nas;
  const auto now = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_space SPACE [SECONDS]\n");
    return 2;
  }
  const double wanted = argc > 2 ? std::atof(argv[2]) : 2;
  const auto space = load_space(argv[1]);
  const auto seconds = [start = now(), &now] { return now() - start; };
  Rng rng(1, "bench");
  Plan plan;
  int64_t count = 0;
  double sum = 0;
  while (seconds() < wanted) {
    for (int i = 0; i < 256; ++i, ++count) {
      space->build(space->sample(rng), plan);
      const Cost cost = cost_of(plan, space->counting());
      sum += static_cast<double>(cost.macs + cost.params);
    }
  }
  const double rate = static_cast<double>(count) / seconds();
  std::printf("{\"space\": \"%s\", \"sampled_plans_per_second\": %.0f", argv[1], rate);
  if (space->count() <= 1000000) {
    const double start = now();
    int64_t all = 0;
    space->enumerate([&](const Architecture& a) {
      space->build(a, plan);
      sum += static_cast<double>(cost_of(plan, space->counting()).macs);
      ++all;
      return true;
    });
    std::printf(", \"enumerated\": %lld, \"enumeration_seconds\": %.4f",
                static_cast<long long>(all),
                now() - start);
  }
  std::printf(", \"checksum\": %.6g}\n", sum);
  return 0;
}
