// The controller of the balanced mixture without networks (balanced_mixture.md 7.9): 36
// architectures in four hidden groups, four models whose accuracy on a group grows with their share
// of its training. Prints, for each variant, how well the assignments recover the groups (adjusted
// Rand index) and how evenly the models were trained.
//
//   bench_association [SEEDS]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "spaces/random.hpp"
#include "supernet/weights/association.hpp"

namespace {

using namespace nas;

struct Variant {
  const char* name;
  AssociationOptions options;
  int64_t last_epoch = 100;
  double signal = 0.2;
};

struct Outcome {
  double rand_index = 0;
  int64_t spread = 0;  ///< Largest minus smallest number of steps of a model.
  int largest = 0;     ///< Architectures on the fullest model.
};

constexpr int kArchitectures = 36, kGroups = 4, kSteps = 195, kBatch = 128;

/// Agreement of two partitions beyond chance; 1: equal (Hubert and Arabie 1985).
double adjusted_rand(const std::vector<int>& a, const std::vector<int>& b) {
  const auto pairs = [](double n) { return n * (n - 1) / 2; };
  double both[kGroups][kGroups] = {}, rows[kGroups] = {}, columns[kGroups] = {};
  for (size_t i = 0; i < a.size(); ++i) {
    ++both[a[i]][b[i]];
    ++rows[a[i]];
    ++columns[b[i]];
  }
  double together = 0, in_a = 0, in_b = 0;
  for (int i = 0; i < kGroups; ++i) {
    for (int j = 0; j < kGroups; ++j) together += pairs(both[i][j]);
    in_a += pairs(rows[i]);
    in_b += pairs(columns[i]);
  }
  const double chance = in_a * in_b / pairs(static_cast<double>(a.size()));
  const double most = (in_a + in_b) / 2;
  return most == chance ? 1 : (together - chance) / (most - chance);
}

Outcome simulate(const Variant& v, uint64_t seed) {
  Rng rng(seed, "simulation");
  std::vector<int> group;
  std::vector<double> offset;
  for (int a = 0; a < kArchitectures; ++a) {
    group.push_back(a % kGroups);
    offset.push_back(0.04 * rng.uniform() - 0.02);
  }
  rng.shuffle(group);
  Association association(kArchitectures, v.options, v.last_epoch + 1);
  double share[kGroups][kGroups];
  int64_t steps[kGroups] = {};
  for (auto& row : share)
    for (double& s : row) s = 0.25;
  for (int64_t e = 0; e <= v.last_epoch; ++e) {
    association.begin_epoch(e);
    for (int k = 0; k < kSteps; ++k) {
      const auto a = static_cast<size_t>(rng.below(kArchitectures));
      const int m = association.draw(a, rng.uniform());
      association.visit(a, m);
      ++steps[m];
      for (double& s : share[m]) s *= 0.98;
      share[m][group[a]] += 0.02;
      const double p = 0.3 + 0.4 * (1 - std::exp(-static_cast<double>(steps[m]) / 1500)) +
                       offset[a] + v.signal * (share[m][group[a]] - 0.25);
      int right = 0;
      for (int i = 0; i < kBatch; ++i) right += rng.uniform() < p ? 1 : 0;
      association.observe(a, m, static_cast<double>(right) / kBatch);
    }
  }
  Outcome outcome;
  const std::vector<int> models = association.assignment();
  outcome.rand_index = adjusted_rand(models, group);
  outcome.spread =
      *std::max_element(steps, steps + kGroups) - *std::min_element(steps, steps + kGroups);
  for (int m = 0; m < kGroups; ++m)
    outcome.largest =
        std::max(outcome.largest, static_cast<int>(std::count(models.begin(), models.end(), m)));
  return outcome;
}

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
