// Searches on benchmark S1: known values, known distance between algorithms.
#include "s1.hpp"

#include <gtest/gtest.h>

namespace nas::testing_s1 {
namespace {

const S1Truth& truth() {
  static const S1Truth made;
  return made;
}

TEST(S1, TruthIsThatOfTheBenchmark) {
  EXPECT_EQ(truth().networks().size(), 1045u);
  const auto space = load_space("mobilenet");
  Architecture a;
  const double expected[] = {70.744462, 75.817670, 77.719937};
  for (int16_t option = 0; option < 3; ++option) {
    a.genes.assign(kGenes, option);
    EXPECT_NEAR(truth().accuracy(s1_genes(*space, a)), expected[option], 1e-6);
  }
  const double first[] = {75.457985, 76.043412, 75.661106};
  for (size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(truth().accuracy(truth().networks()[i]), first[i], 1e-6);
}

/// Mean hypervolume in M*pp over seeds 0..4.
double mean_of(const std::string& algorithm, int64_t evaluations, Initial initial) {
  const auto space = load_space("mobilenet");
  const CostModel costs(*space);
  double sum = 0;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    S1Evaluator evaluator(*space, truth());
    SearchSettings settings = s1_settings(algorithm, evaluations, seed);
    settings.initial = initial;
    Search search(*space, evaluator, costs, settings);
    while (!search.done()) search.step();
    EXPECT_EQ(search.archive().evaluations(), static_cast<size_t>(evaluations));
    sum += search.current_hypervolume() / 1e6;
  }
  return sum / 5;
}

TEST(S1, DrawsPerChoiceBeginWell) {
  EXPECT_GT(mean_of("random", 250, Initial::kChoices), 2700);
  EXPECT_LT(mean_of("random", 250, Initial::kArchitectures), 2400);  // nearly all are deep
}

TEST(S1, Nsga2ReachesWhatIsKnownOfItsKind) {
  EXPECT_GT(mean_of("nsga2", 250, Initial::kChoices), 2750);
  EXPECT_GT(mean_of("nsga2", 500, Initial::kChoices), 2900);
}

}  // namespace
}  // namespace nas::testing_s1
