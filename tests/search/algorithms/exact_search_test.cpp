// The tactics exact and blockwise: whole fronts against enumerated truth, refusals, budgets,
// resuming.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "search/driver.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using testing_toy::toy_settings;
using testing_toy::ToyEvaluator;
using testing_toy::ToySpace;
using testing_toy::WideSpace;

std::string refusal(const Domain& domain, Evaluator& evaluator, const SearchSettings& settings) {
  const CostModel costs(domain.space());
  try {
    Search(domain, evaluator, costs, settings);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

SearchSettings costs_only(int64_t evaluations) {
  SearchSettings settings = toy_settings("exact", evaluations);
  settings.goal.objectives = {{"macs", false}, {"params", true}};
  settings.reference = {};
  return settings;
}

std::vector<Point> found_front(const Search& search) {
  std::vector<Point> front;
  for (const Archive::Entry* entry : search.archive().front())
    front.push_back(entry->score.objectives);
  return front;
}

TEST(ExactSearch, IsTheEnumeratedFrontWithinLimits) {
  const ToySpace space;
  const CostModel costs(space);
  for (const char* limit : {"activation_bytes <= 100k", "params >= 1000", "peak_bytes <= 6000"}) {
    SearchSettings settings = costs_only(200);
    settings.goal.constraints = {parse_constraint(limit)};
    ToyEvaluator evaluator;
    Search search(space, evaluator, costs, settings);
    EXPECT_EQ(evaluator.calls, 0);
    while (!search.done()) search.step();
    std::set<Point> points, front;
    space.enumerate([&](const Architecture& a) {
      const auto values = costs.of(space.canonical(a));
      if (total_violation(settings.goal.constraints, values) == 0)
        points.insert({values.at("macs"), -values.at("params")});
      return true;
    });
    for (const Point& p : points)
      if (std::none_of(
              points.begin(), points.end(), [&](const Point& q) { return dominates(q, p); }))
        front.insert(p);
    const std::vector<Point> found = found_front(search);
    EXPECT_EQ(std::set<Point>(found.begin(), found.end()), front) << limit;
    // Nothing else was paid for.
    EXPECT_EQ(search.archive().evaluations(), front.size()) << limit;
    EXPECT_EQ(search.why_done(), "the whole front is proved");
    EXPECT_THAT(search.report_json(), HasSubstr("proved optimal"));
  }
}

TEST(ExactSearch, OptimumOfOneObjective) {
  const WideSpace space;
  const CostModel costs(space);
  SearchSettings settings = costs_only(1);
  settings.goal.objectives = {{"params", true}};
  settings.goal.constraints = {parse_constraint("macs <= 10k"),
                               parse_constraint("activation_bytes <= 5000")};
  ToyEvaluator evaluator(WideSpace::accuracy);
  Search search(space, evaluator, costs, settings);
  search.step();
  EXPECT_EQ(search.why_done(), "the optimum is proved");
  ASSERT_EQ(search.archive().feasible(), 1U);
  const double best = search.archive().front()[0]->values.at("params");
  const CostLimits limits(costs, settings.goal.constraints);
  Rng rng(1, "better");
  Architecture a = search.archive().front()[0]->architecture;
  for (const Architecture& b : space.neighbours(a))
    EXPECT_TRUE(limits.violation(b) > 0 || costs.of(b).at("params") <= best);
  for (int i = 0; i < 20'000; ++i) {
    space.sample(rng, a);
    EXPECT_TRUE(limits.violation(a) > 0 || costs.of(a).at("params") <= best);
  }
}

TEST(ExactSearch, RefusesWhatItCannotProve) {
  const WideSpace space;
  ToyEvaluator evaluator(WideSpace::accuracy);
  SearchSettings settings = toy_settings("exact", 100);
  EXPECT_THAT(refusal(space, evaluator, settings), HasSubstr("accuracy is measured"));
  settings = costs_only(100);
  settings.goal.constraints = {parse_constraint("accuracy >= 0.5")};
  EXPECT_THAT(refusal(space, evaluator, settings), HasSubstr("accuracy is measured"));
  settings = costs_only(100);
  settings.goal.objectives = {{"peak_bytes", false}, {"params", true}};
  EXPECT_THAT(refusal(space, evaluator, settings), HasSubstr("exact needs metrics that add up"));
  settings = costs_only(3);
  EXPECT_THAT(refusal(space, evaluator, settings), HasSubstr("the budget pays for 3"));
  EXPECT_EQ(evaluator.calls, 0);
}

SearchSettings blockwise(int64_t evaluations) {
  SearchSettings settings = toy_settings("blockwise", evaluations);
  settings.options.blockwise.pool = 12;
  settings.options.blockwise.distance = 1;
  return settings;
}

TEST(Blockwise, FindsTheTrueFrontOfAnAdditiveMetric) {
  const WideSpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator(WideSpace::accuracy);
  SearchSettings settings = blockwise(100);
  settings.goal.objectives = {{"accuracy", true}};
  settings.reference = {{"accuracy", 0}};
  settings.goal.constraints = {parse_constraint("macs <= 12k")};
  Search search(space, evaluator, costs, settings);
  while (!search.done()) search.step();
  EXPECT_EQ(search.generations(), 3);
  // The reference, three other options in each of twelve layers, the pool, the controls.
  EXPECT_LE(search.archive().evaluations(), 1U + 36U + 12U + 4U);
  EXPECT_EQ(evaluator.repeats, 0);
  const auto report = nlohmann::json::parse(search.report_json());
  EXPECT_EQ(report["replacements"], 36);
  EXPECT_NEAR(report["additivity"]["accuracy"]["pool"]["mape"].get<double>(), 0, 1e-9);
  EXPECT_EQ(report["additivity"]["accuracy"]["controls"]["tau_b"], 1.0);
  // Nothing that a thousand climbs find is better.
  const double best = search.archive().front()[0]->values.at("accuracy");
  const CostLimits limits(costs, settings.goal.constraints);
  Rng rng(2, "climb");
  for (int i = 0; i < 200; ++i) {
    Architecture a = space.sample(rng);
    if (!walk_to_limits(limits, a, rng)) continue;
    for (bool better = true; better;) {
      better = false;
      for (const Architecture& b : space.neighbours(a))
        if (limits.violation(b) == 0 && WideSpace::accuracy(b) > WideSpace::accuracy(a)) {
          a = b;
          better = true;
        }
    }
    EXPECT_LE(WideSpace::accuracy(a), best + 1e-12);
  }
}

TEST(Blockwise, SaysHowFarTheMetricIsFromASum) {
  const auto space = load_space("digits");
  const CostModel costs(*space);
  // Falls apart nowhere: what an option is worth hangs on all others.
  ToyEvaluator evaluator([&](const Architecture& a) {
    return 1 - 1e4 / (costs.of(a).at("macs") + static_cast<double>(a.hash() % 400'000));
  });
  SearchSettings settings = blockwise(200);
  Search search(*space, evaluator, costs, settings);
  while (!search.done()) search.step();
  const auto report = nlohmann::json::parse(search.report_json());
  EXPECT_EQ(report["left_out"], 0);
  EXPECT_GT(report["additivity"]["accuracy"]["pool"]["mape"].get<double>(), 0.001);
  EXPECT_LT(report["additivity"]["accuracy"]["pool"]["tau_b"].get<double>(), 1);
  EXPECT_GT(report["pool"], 3);
}

TEST(Blockwise, ResumedAfterAnyGenerationItIsTheSame) {
  const auto space = load_space("digits");
  const CostModel costs(*space);
  const auto accuracy = [&](const Architecture& a) {
    return 1 - 1e4 / (costs.of(a).at("macs") + static_cast<double>(a.hash() % 20'000));
  };
  ToyEvaluator evaluator(accuracy);
  Search whole(*space, evaluator, costs, blockwise(200));
  std::vector<std::string> states{whole.state_json()};
  std::vector<size_t> paid{0};
  while (!whole.done()) {
    whole.step();
    states.push_back(whole.state_json());
    paid.push_back(whole.archive().evaluations());
  }
  std::vector<std::pair<Architecture, Evaluation>> known;
  for (const Archive::Entry& entry : whole.archive().entries())
    known.emplace_back(entry.architecture,
                       Evaluation{{{"accuracy", entry.values.at("accuracy")}}, "", false});
  for (size_t g = 1; g < states.size(); ++g) {
    ToyEvaluator again(accuracy);
    Search resumed(*space, again, costs, blockwise(200));
    resumed.restore(states[g], {known.begin(), known.begin() + static_cast<long>(paid[g])});
    while (!resumed.done()) resumed.step();
    EXPECT_EQ(resumed.state_json(), whole.state_json());
    EXPECT_EQ(resumed.report_json(), whole.report_json());
    EXPECT_EQ(found_front(resumed), found_front(whole));
    EXPECT_EQ(again.asked.size(), whole.archive().evaluations() - paid[g]);
  }
}

TEST(Blockwise, RefusalsAndFailures) {
  const WideSpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator(WideSpace::accuracy);
  SearchSettings settings = blockwise(100);
  settings.goal.objectives = {{"macs", false}, {"params", true}};
  settings.reference = {};
  EXPECT_THAT(refusal(space, evaluator, settings), HasSubstr("are free costs"));
  EXPECT_THAT(refusal(space, evaluator, blockwise(20)), HasSubstr("the budget pays for 20"));
  settings = blockwise(100);
  settings.options.blockwise.reference = "no such";
  EXPECT_FALSE(refusal(space, evaluator, settings).empty());
  // Options whose evaluation fails are left out, not taken for good or bad ones.
  evaluator.fails = [](const Architecture& a) { return a.genes[3] == 1; };
  Search search(space, evaluator, costs, blockwise(100));
  while (!search.done()) search.step();
  const auto report = nlohmann::json::parse(search.report_json());
  EXPECT_EQ(report["left_out"], 1);
  // A reference that fails ends it.
  evaluator.fails = [](const Architecture& a) { return a.genes[0] == 3; };
  Search broken(space, evaluator, costs, blockwise(100));
  EXPECT_THROW(broken.step(), DataError);
}

}  // namespace
}  // namespace nas
