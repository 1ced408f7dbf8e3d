// Searches that predict: expected improvement against plain integration, choices from a pool, what
// a surrogate knows, beginning from an earlier run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "predictors/statistics/two_samples.hpp"
#include "search/algorithms/surrogate/improvement.hpp"
#include "search/algorithms/surrogate/inner_search.hpp"
#include "search/algorithms/surrogate/surrogate_search.hpp"
#include "search/driver.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing_toy::toy_settings;
using testing_toy::ToyEvaluator;
using testing_toy::ToySpace;
using testing_toy::WideSpace;

/// Mean of f over a normal variable, by a fine sum.
template <typename F>
double normal_mean(double mean, double spread, const F& f) {
  double sum = 0, weight = 0;
  for (int i = -8000; i <= 8000; ++i) {
    const double z = i / 1000.0, w = std::exp(-z * z / 2);
    sum += w * f(mean + spread * z);
    weight += w;
  }
  return sum / weight;
}

TEST(Improvement, ExpectationOfOneObjectiveIsTheClosedForm) {
  EXPECT_EQ(expected_below(3, 1, 0), 2);
  EXPECT_EQ(expected_below(1, 3, 0), 0);
  EXPECT_NEAR(expected_below(0, 0, 1), 1 / std::sqrt(2 * std::acos(-1.0)), 1e-12);
  for (const double level : {-1.0, 0.5, 2.0})
    EXPECT_NEAR(expected_below(level, 0.3, 0.7),
                normal_mean(0.3, 0.7, [&](double x) { return std::max(0.0, level - x); }),
                1e-6);
  EXPECT_NEAR(standard_normal_quantile(0.975), 1.959963985, 1e-9);
  const Improvement one({{2.0}}, {5.0});
  EXPECT_NEAR(one.of({{1.5}, {0.4}, 0.5}), 0.5 * expected_below(2, 1.5, 0.4), 1e-12);
}

// The front of search.md 8.1 in its box of 27.
const std::vector<Point> kFront = {{1, 5}, {2, 3}, {4, 2}, {5, 1}};

TEST(Improvement, ACertainPointAddsWhatTheHypervolumeGrows) {
  const Improvement two(kFront, {7, 7});
  for (const Point& p : {Point{3, 2.5}, Point{0.5, 6}, Point{6, 0.5}, Point{4, 4}, Point{8, 1}}) {
    std::vector<Point> with = kFront;
    with.push_back(p);
    EXPECT_NEAR(two.of({p, {0, 0}, 1}), hypervolume(with, {7, 7}) - 27, 1e-12);
  }
  const std::vector<Point> three = {{1, 4, 3}, {2, 2, 2}, {4, 1, 1}, {3, 3, 1}};
  const Improvement cube(three, {5, 5, 5});
  std::vector<Point> with = three;
  with.push_back({1.5, 1.5, 4});
  EXPECT_NEAR(cube.of({{1.5, 1.5, 4}, {0, 0, 0}, 1}),
              hypervolume(with, {5, 5, 5}) - hypervolume(three, {5, 5, 5}),
              1e-12);
}

TEST(Improvement, OneUncertainObjectiveOfTwoIsExactWhicheverItIs) {
  const Improvement two(kFront, {7, 7});
  const double base = hypervolume(kFront, {7, 7});
  for (const size_t uncertain : {0u, 1u})
    for (const double known : {0.5, 2.5, 4.5, 6.5})
      for (const double mean : {1.0, 3.0, 6.0}) {
        BelievedPoint b{Point(2, known), Point(2, 0), 1};
        b.mean[uncertain] = mean;
        b.spread[uncertain] = 0.8;
        const double integral = normal_mean(mean, 0.8, [&](double x) {
          Point p(2, known);
          p[uncertain] = x;
          std::vector<Point> with = kFront;
          with.push_back(p);
          return hypervolume(with, {7, 7}) - base;
        });
        EXPECT_NEAR(two.of(b), integral, 1e-4) << uncertain << " " << known << " " << mean;
        // By quantiles, as with more objectives, it is near enough to rank by.
        b.spread[1 - uncertain] = 1e-9;
        EXPECT_NEAR(two.of(b), integral, 0.05 * integral + 0.1);
      }
}

TEST(Improvement, WhatIsTakenInAddsNothingMore) {
  Improvement two(kFront, {7, 7});
  const BelievedPoint near{{3, 2.5}, {0, 0}, 1};
  EXPECT_GT(two.of(near), 0);
  two.add({2.9, 2.4});
  EXPECT_EQ(two.of(near), 0);
}

TEST(BestByFronts, WholeFrontsThenTheLeastCrowdedOfTheLast) {
  // Ranks 0, 0, 0, 0, then 1: the first front whole, of the second the ends before the middle.
  const std::vector<ScoredPoint> points = {{{1, 5}, 0},
                                           {{2, 3}, 0},
                                           {{4, 2}, 0},
                                           {{5, 1}, 0},
                                           {{2, 6}, 0},
                                           {{3, 4}, 0},
                                           {{3.1, 3.9}, 0},
                                           {{6, 2}, 0},
                                           {{0, 0}, 1},
                                           {{0, 0}, 0.5}};
  auto best = best_by_fronts(points, 7);
  EXPECT_THAT(std::vector<size_t>(best.begin(), best.begin() + 4),
              testing::UnorderedElementsAre(0, 1, 2, 3));
  EXPECT_THAT(std::vector<size_t>(best.begin() + 4, best.end()),
              testing::AllOf(testing::Contains(4), testing::Contains(7), testing::SizeIs(3)));
  best = best_by_fronts(points, 10);
  EXPECT_EQ(best.size(), 10u);
  EXPECT_EQ(best[8], 9u);  // infeasible last, by violation
  EXPECT_EQ(best[9], 8u);
  EXPECT_EQ(best_by_fronts(points, 100).size(), 10u);
}

struct Made {
  explicit Made(const SearchSettings& settings, std::function<double(const Architecture&)> truth)
      : costs(space), evaluator(std::move(truth)), search(space, evaluator, costs, settings) {}
  WideSpace space;
  CostModel costs;
  ToyEvaluator evaluator;
  Search search;
};

SearchSettings wide_settings(const std::string& algorithm, int64_t evaluations) {
  SearchSettings settings = toy_settings(algorithm, evaluations);
  settings.population = 24;
  settings.reference = {{"accuracy", 0.3}, {"macs", 50000}};
  return settings;
}

TEST(Surrogate, KnowsFreeCostsAndLearnsSums) {
  Made made(wide_settings("random", 96), WideSpace::accuracy);
  while (!made.search.done()) made.search.step();
  Surrogate surrogate(made.search.context());
  ASSERT_TRUE(surrogate.fit("ridge"));
  EXPECT_TRUE(surrogate.additive());
  EXPECT_EQ(surrogate.model_of(surrogate.metric_index("accuracy")), "ridge");
  Rng rng(1, "test");
  for (int i = 0; i < 50; ++i) {
    const Architecture a = Domain(made.space).sample(rng);
    const Guess guess = surrogate.guess(std::span(&a, 1), false);
    EXPECT_EQ(guess.mean[surrogate.metric_index("macs")][0], made.costs.of(a).at("macs"));
    // The truth is a sum over choices: ridge is off by its shrinkage alone.
    EXPECT_NEAR(guess.mean[surrogate.metric_index("accuracy")][0], WideSpace::accuracy(a), 0.01);
  }
}

// As cells without a path to their output: one network in fifteen is worth nothing, whatever its
// neighbours are worth.
TEST(Surrogate, BrokenNetworksDoNotSpoilWhatIsSaidOfTheRest) {
  const auto broken = [](const Architecture& a) { return splitmix64(a.hash()) % 15 == 0; };
  Made made(wide_settings("random", 120),
            [&](const Architecture& a) { return broken(a) ? -8.0 : WideSpace::accuracy(a); });
  while (!made.search.done()) made.search.step();
  const auto error = [&](bool fenced) {
    Surrogate surrogate(made.search.context());
    if (fenced) surrogate.fence_losers();
    EXPECT_TRUE(surrogate.fit("gp"));
    Rng rng(1, "test");
    double sum = 0;
    for (int i = 0; i < 200; ++i) {
      const Architecture a = Domain(made.space).sample(rng);
      if (broken(a)) continue;
      const Guess guess = surrogate.guess(std::span(&a, 1), false);
      sum += std::abs(guess.mean[surrogate.metric_index("accuracy")][0] - WideSpace::accuracy(a));
    }
    return sum / 200;
  };
  const double fenced = error(true), plain = error(false);
  EXPECT_LT(fenced, plain / 2) << plain;
}

TEST(Surrogate, TheInnerSearchComesNearTheProvedFront) {
  Made made(wide_settings("random", 96), WideSpace::accuracy);
  while (!made.search.done()) made.search.step();
  Surrogate surrogate(made.search.context());
  ASSERT_TRUE(surrogate.fit("ridge"));
  const auto optimum = surrogate_optimum(made.search.context(), surrogate);
  ASSERT_FALSE(optimum.is_null());
  EXPECT_GT(optimum["networks"].get<int>(), 10);
  const double share = optimum["hypervolume_share_of_inner_search"].get<double>();
  EXPECT_GT(share, 0.995);
  EXPECT_LE(share, 1 + 1e-9);  // nothing beats what is proved
}

TEST(Surrogate, SearchesReportTheirPredictorsAndTheSurrogatesOptimum) {
  for (const std::string algorithm : {"linas", "linas-released", "ehvi"}) {
    SearchSettings settings = wide_settings(algorithm, 72);
    settings.options.surrogate.predictor = "ridge";
    settings.options.surrogate.generations = 30;
    Made made(settings, WideSpace::accuracy);
    while (!made.search.done()) made.search.step();
    const auto report = nlohmann::json::parse(made.search.report_json());
    EXPECT_EQ(report["algorithm"], algorithm);
    EXPECT_EQ(report["predictors"]["accuracy"]["model"], "ridge");
    EXPECT_EQ(report["foresight"]["networks"], 48);
    EXPECT_EQ(report.contains("surrogate_optimum"), algorithm != "linas-released") << algorithm;
  }
}

TEST(Linas, IsFarBeyondEvolutionWhereItsPredictorIsRight) {
  const auto result = [](const std::string& algorithm) {
    double sum = 0;
    for (uint64_t seed = 0; seed < 2; ++seed) {
      SearchSettings settings = wide_settings(algorithm, 96);
      settings.seed = seed;
      settings.options.surrogate.generations = 40;
      if (algorithm == "linas") settings.options.surrogate.predictor = "ridge";
      Made made(settings, WideSpace::accuracy);
      while (!made.search.done()) made.search.step();
      sum += made.search.current_hypervolume();
    }
    return sum / 2;
  };
  const double evolved = result("nsga2");
  EXPECT_GT(result("linas"), 1.01 * evolved);
  EXPECT_GT(result("ehvi"), 1.01 * evolved);
}

TEST(Concurrent, BeginsWithTheBestOfTheEarlierRunMeasuredAnew) {
  Made earlier(wide_settings("nsga2", 200), WideSpace::accuracy);
  while (!earlier.search.done()) earlier.search.step();
  SearchSettings settings = wide_settings("concurrent", 48);
  EXPECT_THROW(Made(settings, WideSpace::accuracy), ConfigError);
  for (const Archive::Entry& entry : earlier.search.archive().entries())
    settings.warm.push_back({entry.architecture, entry.values});
  // Another device: the same order, other numbers.
  const auto truth = [](const Architecture& a) { return 0.5 * WideSpace::accuracy(a) + 0.2; };
  Made made(settings, truth);
  made.search.step();
  std::set<Architecture> first;
  for (const Archive::Entry& entry : made.search.archive().entries())
    first.insert(entry.architecture);
  size_t among = 0;
  for (const Archive::Entry* entry : earlier.search.archive().front())
    among += first.contains(entry->architecture) ? 1 : 0;
  EXPECT_EQ(among, std::min<size_t>(24, earlier.search.archive().front().size()));
  while (!made.search.done()) made.search.step();
  EXPECT_EQ(made.evaluator.repeats, 0);
}

TEST(Concurrent, TransferLearnsTheDifferenceFromFewRows) {
  // Not a sum over choices, so that 24 rows do not tell it, but 200 earlier ones do.
  const auto earlier = [](const Architecture& a) {
    return WideSpace::accuracy(a) + 0.05 * ((a.genes[0] + a.genes[1]) % 2) * a.genes[2];
  };
  const auto later = [&](const Architecture& a) { return 0.7 * earlier(a) + 0.1; };
  SearchSettings settings = wide_settings("random", 24);
  Rng rng(5, "test");
  const WideSpace space;
  for (int i = 0; i < 200; ++i) {
    const Architecture a = Domain(space).sample(rng);
    settings.warm.push_back({a, {{"accuracy", earlier(a)}}});
  }
  Made made(settings, later);
  made.search.step();
  double errors[2];
  for (const bool transfer : {false, true}) {
    Surrogate surrogate(made.search.context());
    if (transfer) surrogate.transfer_from(settings.warm);
    ASSERT_TRUE(surrogate.fit("ridge"));
    double square = 0;
    for (int i = 0; i < 300; ++i) {
      const Architecture a = Domain(made.space).sample(rng);
      square += std::pow(
          surrogate.guess(std::span(&a, 1), false).mean[surrogate.metric_index("accuracy")][0] -
              later(a),
          2);
    }
    errors[transfer ? 1 : 0] = std::sqrt(square / 300);
  }
  EXPECT_LT(errors[1], 0.7 * errors[0]);
}

TEST(Ofa, MeasuresTheBestOfItsPredictorInsideTheLimitsAndEnds) {
  SearchSettings settings = wide_settings("ofa", 100);
  settings.goal.objectives = {{"accuracy", true}};
  settings.reference = {{"accuracy", 0.3}};
  settings.goal.constraints = {parse_constraint("macs <= 8k")};
  settings.options.ofa.iterations = 60;
  settings.options.surrogate.predictor = "ridge";
  Made made(settings, WideSpace::accuracy);
  while (!made.search.done()) made.search.step();
  EXPECT_EQ(made.search.archive().evaluations(), 100u);
  EXPECT_THAT(made.search.why_done(),
              testing::AnyOf("the best by prediction were measured", "evaluations spent"));
  for (const Architecture& a : made.evaluator.asked) EXPECT_LE(made.costs.of(a).at("macs"), 8000);
  const auto report = nlohmann::json::parse(made.search.report_json());
  // Its predictor learns sums, so the proved optimum of the surrogate is that of the truth.
  const auto& front = made.search.archive().front();
  ASSERT_EQ(front.size(), 1u);
  EXPECT_NEAR(
      report["surrogate_optimum"]["value"].get<double>(), front[0]->values.at("accuracy"), 0.02);
}

TEST(SurrogateSearch, FreeObjectivesAloneAreRefused) {
  SearchSettings settings = wide_settings("linas", 40);
  settings.goal.objectives = {{"macs", false}, {"params", true}};
  settings.reference.clear();
  try {
    Made made(settings, WideSpace::accuracy);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("linas predicts measured metrics"));
  }
}

}  // namespace
}  // namespace nas
