// The controller of the balanced mixture without networks (balanced_mixture.md 7.9). Prints, for
// each variant, how well the assignments recover the hidden groups (adjusted Rand index) and how
// evenly the models were trained.
//
//   bench_association [SEEDS]
#include "supernet/weights/association_simulation.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace nas;
using namespace nas::simulation;

std::vector<Variant> variants() {
  const AssociationOptions plain;
  AssociationOptions unbalanced = plain, tau = plain, zero = plain, hot = plain, quick = plain;
  unbalanced.balanced = false;
  tau.schedule = TemperatureSchedule::kPaperTau;
  zero.initial = 0;
  hot.t_max = 400;
  quick.beta = 0.7;
  return {{"as specified", plain},
          {"no balancing (b = 0)", unbalanced},
          {"paper-tau, T_max 100", tau},
          {"W initial 0", zero},
          {"T_max 400 with E = 100", hot},
          {"E = 10, beta 0.9", plain, 10},
          {"E = 10, beta 0.7", quick, 10},
          {"E = 30, beta 0.9", plain, 30},
          {"E = 30, beta 0.7", quick, 30},
          {"E = 50, beta 0.7", quick, 50},
          {"signal 0.1", plain, 100, 0.1},
          {"signal 0.1, E = 400", plain, 400, 0.1}};
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 8;
  if (seeds < 1) {
    std::fprintf(stderr, "usage: bench_association [SEEDS]\n");
    return 2;
  }
  std::printf(
      "| variant | adjusted Rand index: mean (min) of %d seeds | steps: largest minus "
      "smallest | architectures on the fullest model |\n|---|---|---|---|\n",
      seeds);
  for (const Variant& v : variants()) {
    double sum = 0, least = 1;
    int64_t low = INT64_MAX, high = 0;
    int fullest = 0;
    for (int s = 0; s < seeds; ++s) {
      const Outcome o = simulate(v, static_cast<uint64_t>(s));
      sum += o.rand_index;
      least = std::min(least, o.rand_index);
      low = std::min(low, o.spread);
      high = std::max(high, o.spread);
      fullest = std::max(fullest, o.largest);
    }
    std::printf("| %s | %.2f (%.2f) | %lld-%lld | %d |\n",
                v.name,
                sum / seeds,
                least,
                static_cast<long long>(low),
                static_cast<long long>(high),
                fullest);
  }
  return 0;
}
