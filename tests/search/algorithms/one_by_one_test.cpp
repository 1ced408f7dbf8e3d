// What is particular to single algorithms without predictors: ageing, local optima, temperatures,
// pagmo's under our limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "search/algorithms/algorithm.hpp"
#include "search/driver.hpp"
#include "spaces/error.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing_toy::test_name;
using testing_toy::toy_settings;
using testing_toy::ToyEvaluator;
using testing_toy::ToySpace;
using testing_toy::WideSpace;

SearchSettings one_objective(const std::string& algorithm, int64_t evaluations) {
  SearchSettings settings = toy_settings(algorithm, evaluations);
  settings.goal.objectives = {{"accuracy", true}};
  settings.reference = {{"accuracy", 0.3}};
  return settings;
}

nlohmann::json algorithm_state(const Search& search) {
  const auto whole = nlohmann::json::parse(search.state_json());
  return nlohmann::json::parse(whole.at("algorithm").get<std::string>());
}

TEST(RegularizedEvolution, TheOldestDiesHoweverGood) {
  const WideSpace space;
  const CostModel costs(space);
  for (const int parallel : {1, 5}) {
    ToyEvaluator evaluator(WideSpace::accuracy);
    SearchSettings settings = one_objective("regularized-evolution", 120);
    settings.options.parallel = parallel;
    Search search(space, evaluator, costs, settings);
    while (!search.done()) {
      search.step();
      const auto queue = algorithm_state(search).at("queue");
      const auto& entries = search.archive().entries();
      ASSERT_EQ(queue.size(), std::min<size_t>(16, entries.size()));
      for (size_t i = 0; i < queue.size(); ++i)
        EXPECT_EQ(queue[i].get<std::vector<int16_t>>(),
                  entries[entries.size() - queue.size() + i].architecture.genes);
    }
    EXPECT_EQ(search.archive().evaluations(), 120u);
  }
}

TEST(LocalSearch, EachDescentEndsInALocalOptimum) {
  const WideSpace space;
  const CostModel costs(space);
  // Rugged: many local optima.
  const auto rugged = [](const Architecture& a) {
    uint64_t hash = 1;
    for (const int16_t gene : a.genes) hash = splitmix64(hash ^ static_cast<uint64_t>(gene));
    return WideSpace::accuracy(a) + 0.2 * static_cast<double>(hash % 1000) / 1000;
  };
  ToyEvaluator evaluator(rugged);
  SearchSettings settings = one_objective("local-search", 400);
  settings.population = 1;  // the state is seen after every evaluation
  settings.options.local_search.starts = 1;
  Search search(space, evaluator, costs, settings);
  size_t start = 0;
  int descents = 0;
  while (!search.done()) {
    search.step();
    const size_t now = algorithm_state(search).at("start").get<size_t>();
    if (now == start) continue;
    const auto& entries = search.archive().entries();
    const Archive::Entry* best = &entries[start];
    for (size_t i = start; i < now; ++i)
      if (entries[i].values.at("accuracy") > best->values.at("accuracy")) best = &entries[i];
    for (const Architecture& a : Domain(space).neighbours(best->architecture))
      EXPECT_LE(rugged(a), best->values.at("accuracy"));
    start = now;
    ++descents;
  }
  EXPECT_GE(descents, 2);
}

double chain_accuracy(const Search& search) {
  const auto genes = algorithm_state(search).at("chains").at(0).get<std::vector<int16_t>>();
  return search.archive()
      .find(search.domain().canonical(Architecture{genes}))
      ->values.at("accuracy");
}

TEST(SimulatedAnnealing, TakesWorseOnesOnlyWhileItIsHot) {
  const WideSpace space;
  const CostModel costs(space);
  for (const bool hot : {false, true}) {
    ToyEvaluator evaluator(WideSpace::accuracy);
    SearchSettings settings = one_objective("simulated-annealing", 300);
    settings.population = 4;
    settings.options.simulated_annealing = {1, hot ? 1e6 : 1e-9, hot ? 1e6 : 1e-9};
    Search search(space, evaluator, costs, settings);
    search.step();
    double last = chain_accuracy(search);
    int falls = 0;
    while (!search.done()) {
      search.step();
      falls += chain_accuracy(search) < last ? 1 : 0;
      last = chain_accuracy(search);
    }
    if (hot)
      EXPECT_GT(falls, 10);
    else
      EXPECT_EQ(falls, 0);
  }
}

/// Mean over seeds of the best accuracy, or with two objectives of the hypervolume.
double mean_result(const std::string& algorithm, bool two, int64_t evaluations) {
  const WideSpace space;
  const CostModel costs(space);
  double sum = 0;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    SearchSettings settings = one_objective(algorithm, evaluations);
    settings.population = 20;
    settings.seed = seed;
    if (two) {
      settings.goal.objectives.push_back({"macs", false});
      settings.reference = {{"accuracy", 0.3}, {"macs", 50000}};
    } else {
      settings.goal.constraints = {parse_constraint("macs <= 16k")};
    }
    ToyEvaluator evaluator(WideSpace::accuracy);
    Search search(space, evaluator, costs, settings);
    while (!search.done()) search.step();
    EXPECT_EQ(search.archive().evaluations(), static_cast<size_t>(evaluations));
    EXPECT_EQ(evaluator.repeats, 0);
    sum += search.current_hypervolume();
  }
  return sum / 5;
}

class OneObjective : public testing::TestWithParam<std::string> {};
TEST_P(OneObjective, BeatsRandomUnderALimit) {
  static const double random = mean_result("random", false, 400);
  EXPECT_GT(mean_result(GetParam(), false, 400), random);
}
INSTANTIATE_TEST_SUITE_P(
    All,
    OneObjective,
    testing::Values("sga", "cmaes", "gaco", "simulated-annealing", "regularized-evolution"),
    test_name);

class TwoObjectives : public testing::TestWithParam<std::string> {};
TEST_P(TwoObjectives, BeatsRandom) {
  static const double random = mean_result("random", true, 400);
  EXPECT_GT(mean_result(GetParam(), true, 400), random);
}
INSTANTIATE_TEST_SUITE_P(
    All,
    TwoObjectives,
    testing::Values("moead", "nspso", "maco", "regularized-evolution", "local-search"),
    test_name);

TEST(Pagmo, WhatItRefusesIsToldBeforeAnythingIsPaid) {
  const WideSpace space;
  const CostModel costs(space);
  const auto refusal = [&](SearchSettings settings) -> std::string {
    ToyEvaluator evaluator(WideSpace::accuracy);
    try {
      Search search(space, evaluator, costs, settings);
    } catch (const ConfigError& e) {
      EXPECT_EQ(evaluator.calls, 0);
      return e.what();
    }
    return "";
  };
  SearchSettings kernels = one_objective("gaco", 100);
  kernels.options.gaco.kernels = 17;
  EXPECT_THAT(refusal(kernels), testing::HasSubstr("kernels = 17 are more than search.population"));
  kernels.options.gaco.kernels = 16;
  EXPECT_EQ(refusal(kernels), "");
  SearchSettings few = one_objective("cmaes", 100);
  few.population = 4;
  EXPECT_THAT(refusal(few), testing::HasSubstr("cmaes needs at least 5"));
  SearchSettings two = toy_settings("moead", 100);
  two.population = 4;
  EXPECT_THAT(refusal(two), testing::HasSubstr("moead needs at least 5"));
}

TEST(Pagmo, APartOfASpaceIsSearchedByItsOpenChoices) {
  const WideSpace space;
  const CostModel costs(space);
  const Domain part(space, Restriction::parse(space, {"w0=16", "w1=4|8", "w3!=4"}));
  for (const std::string algorithm : {"sga", "cmaes", "gaco"}) {
    ToyEvaluator evaluator(WideSpace::accuracy);
    Search search(part, evaluator, costs, one_objective(algorithm, 100));
    while (!search.done()) search.step();
    EXPECT_EQ(search.archive().evaluations(), 100u) << algorithm;
    for (const Architecture& a : evaluator.asked) EXPECT_TRUE(part.contains(a)) << algorithm;
  }
}

}  // namespace
}  // namespace nas
