// Searches that keep to a list of networks, as those of a table with gaps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "search/algorithms/choose.hpp"
#include "search/driver.hpp"
#include "spaces/error.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using testing_toy::toy_settings;
using testing_toy::ToyEvaluator;
using testing_toy::WideSpace;

/// 60 of 4^12 networks.
std::vector<Architecture> listed(const WideSpace& space) {
  Rng rng(3, "known");
  std::set<Architecture> list;
  while (list.size() < 60) list.insert(space.sample(rng));
  return {list.begin(), list.end()};
}

class KnownOnly : public testing::TestWithParam<std::string> {};

TEST_P(KnownOnly, AllOfTheListIsFoundAndNothingElse) {
  const WideSpace space;
  const CostModel costs(space);
  const std::vector<Architecture> list = listed(space);
  ToyEvaluator evaluator(WideSpace::accuracy);
  SearchSettings settings = toy_settings(GetParam(), 500);
  if (search_algorithm(GetParam()).most_objectives == 1) {
    settings.goal.objectives = {{"accuracy", true}};
    settings.reference.clear();
  }
  settings.only = list;
  const Domain whole(space);
  Search search(whole, evaluator, costs, settings);
  for (int i = 0; i < 400 && !search.done(); ++i) search.step();
  for (const Architecture& a : evaluator.asked)
    EXPECT_TRUE(std::binary_search(list.begin(), list.end(), a)) << space.text(a);
  EXPECT_EQ(evaluator.asked.size(), 60u);
  EXPECT_EQ(evaluator.repeats, 0);
}

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const AlgorithmInfo& info : search_algorithms())
    if (info.spends_budget && info.name != "concurrent") list.push_back(info.name);
  return list;
}
INSTANTIATE_TEST_SUITE_P(All, KnownOnly, testing::ValuesIn(names()), testing_toy::test_name);

TEST(KnownOnlyList, LimitsAndAlgorithmsThatCannotAreTold) {
  const WideSpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator(WideSpace::accuracy);
  const Domain whole(space);
  const auto refusal = [&](const SearchSettings& settings) -> std::string {
    try {
      Search search(whole, evaluator, costs, settings);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  SearchSettings settings = toy_settings("nsga2", 50);
  settings.only = {Architecture{std::vector<int16_t>(12, 3)}};
  EXPECT_EQ(refusal(settings), "");
  settings.goal.constraints = {parse_constraint("macs <= 3100")};
  EXPECT_THAT(refusal(settings), HasSubstr("within the limits"));
  settings.goal.constraints.clear();
  settings.algorithm = "blockwise";
  EXPECT_THAT(refusal(settings), HasSubstr("decides itself"));
}

// What auto takes.
TEST(AutoAlgorithm, FollowsFromTheFacts) {
  const auto taken = [](SearchFacts f) { return choose_algorithm(f).name; };
  EXPECT_EQ(taken({.objectives = 2, .evaluations = 250}), "ehvi");
  EXPECT_EQ(taken({.objectives = 2, .evaluations = 1001}), "nsga2");
  EXPECT_EQ(taken({.objectives = 2, .cheap = true, .evaluations = 301}), "nsga2");
  EXPECT_EQ(taken({.objectives = 2, .cheap = true, .evaluations = 300}), "ehvi");
  EXPECT_EQ(taken({.objectives = 4, .evaluations = 250}), "nsga2");
  EXPECT_EQ(taken({.objectives = 2, .measured = false, .evaluations = 250}), "nsga2");
  EXPECT_EQ(taken({.objectives = 2, .evaluations = 250, .networks = 36}), "nsga2");
  EXPECT_EQ(taken({.objectives = 2, .warm = true, .evaluations = 5000}), "linas");
  EXPECT_EQ(taken({.objectives = 2}), "nsga2");
}

TEST(AutoAlgorithm, TheSearchTellsWhatItTook) {
  const WideSpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator(WideSpace::accuracy);
  const Domain whole(space);
  Search few(whole, evaluator, costs, toy_settings("auto", 100));
  EXPECT_EQ(few.settings().algorithm, "ehvi");
  EXPECT_THAT(few.algorithm_why(), HasSubstr("100 evaluations are few"));
  Search named(whole, evaluator, costs, toy_settings("random", 100));
  EXPECT_EQ(named.algorithm_why(), "");
}

}  // namespace
}  // namespace nas
