#pragma once
// The controller of the balanced mixture without networks (balanced_mixture.md 7.9): 36
// architectures in four hidden groups, four models whose accuracy on a group grows with their share
// of its training.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "spaces/random.hpp"
#include "supernet/weights/math/association.hpp"

namespace nas::simulation {

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

inline constexpr int kArchitectures = 36, kGroups = 4, kSteps = 195, kBatch = 128;

/// Agreement of two partitions beyond chance; 1: equal (Hubert and Arabie 1985).
inline double adjusted_rand(const std::vector<int>& a, const std::vector<int>& b) {
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

inline Outcome simulate(const Variant& v, uint64_t seed) {
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

}  // namespace nas::simulation
