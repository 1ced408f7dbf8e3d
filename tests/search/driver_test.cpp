#include "search/driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <pagmo/problem.hpp>

#include "search/feasibility.hpp"
#include "search/problem.hpp"
#include "spaces/error.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using testing_toy::toy_settings;
using testing_toy::ToyEvaluator;
using testing_toy::ToySpace;
using testing_toy::WideSpace;

template <typename F>
std::string config_error(F&& f) {
  try {
    f();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

class DriverTest : public testing::Test {
 protected:
  std::string error_of(const SearchSettings& settings) {
    return config_error([&] { Search search(space, evaluator, costs, settings); });
  }
  ToySpace space;
  CostModel costs{space};
  ToyEvaluator evaluator;
  SearchSettings settings = toy_settings("nsga2", 64);
};

TEST_F(DriverTest, SettingsAreCheckedBeforeAnythingIsPaid) {
  SearchSettings s = settings;
  s.goal.objectives = {{"acuracy", true}};
  EXPECT_THAT(error_of(s), HasSubstr("Did you mean 'accuracy'"));
  s = settings;
  s.goal.objectives = {};
  EXPECT_THAT(error_of(s), HasSubstr("at least one objective"));
  s = settings;
  s.goal.objectives = {{"macs", false}, {"macs", true}};
  EXPECT_THAT(error_of(s), HasSubstr("listed twice"));
  s = settings;
  s.goal.constraints = {parse_constraint("latency_ms < 5")};
  EXPECT_THAT(error_of(s), HasSubstr("no metric 'latency_ms'"));
  s = settings;
  s.population = 50;
  EXPECT_THAT(error_of(s), HasSubstr("Use 48 or 52"));
  s = settings;
  s.evaluations.reset();
  EXPECT_THAT(error_of(s), HasSubstr("a budget is needed"));
  s = settings;
  s.reference = {{"accuracy", 1}};
  EXPECT_THAT(error_of(s), HasSubstr("no value for the objective 'macs'"));
  s.reference = {{"accuracy", 1}, {"macs", 1}, {"params", 1}};
  EXPECT_THAT(error_of(s), HasSubstr("not objectives"));
  EXPECT_EQ(evaluator.calls, 0);
}

TEST_F(DriverTest, ImpossibleLimitsNameTheNearestValueExactly) {
  double smallest = 1e18, largest = 0;
  space.enumerate([&](const Architecture& a) {
    smallest = std::min(smallest, costs.of(a).at("macs"));
    largest = std::max(largest, costs.of(a).at("params"));
    return true;
  });
  SearchSettings s = settings;
  s.goal.constraints = {parse_constraint("macs <= 1k")};
  EXPECT_THAT(error_of(s),
              HasSubstr("the smallest attainable value is " +
                        std::to_string(static_cast<int64_t>(smallest))));
  s.goal.constraints = {parse_constraint("params > 1G")};
  EXPECT_THAT(error_of(s),
              HasSubstr("the largest attainable value is " +
                        std::to_string(static_cast<int64_t>(largest))));
  // Each alone can be met, both together cannot.
  s.goal.constraints = {parse_constraint("macs <= " + std::to_string(smallest)),
                        parse_constraint("params >= " + std::to_string(largest))};
  EXPECT_THAT(error_of(s), HasSubstr("nearest to all"));
  // A limit that exactly one network meets is met.
  s.goal.constraints = {parse_constraint("macs <= " + std::to_string(smallest))};
  EXPECT_EQ(error_of(s), "");
  EXPECT_EQ(evaluator.calls, 0);
}

TEST(Feasibility, LargeSpacesAreSearched) {
  const WideSpace space;
  const CostModel costs(space);
  Architecture least;
  least.genes.assign(WideSpace::kLayers, 0);
  const double smallest = costs.of(least).at("macs");
  EXPECT_NO_THROW(
      require_attainable(costs, {parse_constraint("macs <= " + std::to_string(smallest))}, 0));
  EXPECT_THAT(config_error([&] {
                require_attainable(
                    costs, {parse_constraint("macs < " + std::to_string(smallest))}, 0);
              }),
              HasSubstr("smallest attainable value found is " +
                        std::to_string(static_cast<int64_t>(smallest))));
}

TEST_F(DriverTest, TightLimitsInALargeSpaceAreSampled) {
  // Of 16.8 million networks only the few nearest the smallest fit: draws alone would not do.
  const WideSpace wide;
  const CostModel wide_costs(wide);
  ToyEvaluator truth(WideSpace::accuracy);
  SearchSettings s = toy_settings("nsga2", 20);
  s.goal.constraints = {parse_constraint("macs <= 3600")};
  s.reference.clear();
  Search search(wide, truth, wide_costs, s);
  while (!search.done()) search.step();
  EXPECT_GT(search.archive().feasible(), 5u);
  EXPECT_EQ(search.archive().feasible(), search.archive().evaluations());
}

TEST_F(DriverTest, DerivedReferenceIsKeptForTheWholeSearch) {
  SearchSettings s = settings;
  s.reference.clear();
  Search search(space, evaluator, costs, s);
  EXPECT_TRUE(search.reference().empty());
  search.step();
  const Point reference = search.reference();
  ASSERT_EQ(reference.size(), 2u);
  while (!search.done()) search.step();
  EXPECT_EQ(search.reference(), reference);
}

TEST_F(DriverTest, RowsGoThroughTheStoreAndBack) {
  char name[] = "/tmp/nas-driver-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name);
  {
    Store store((folder / "nas.db").string());
    RunRow run;
    run.id = "s-1";
    run.command = "search";
    run.status = "running";
    run.fingerprint = "toy";
    store.add_run(run);
    evaluator.fails = [](const Architecture& a) { return a.genes[1] == 2; };
    Search search(space, evaluator, costs, settings);
    search.on_evaluated = [&](const Search::Entries& entries) {
      std::vector<EvaluationRow> rows;
      for (const Archive::Entry* entry : entries)
        for (EvaluationRow& row : search.rows("s-1", *entry)) rows.push_back(std::move(row));
      store.add_evaluations(rows);
    };
    search.step();
    search.step();
    store.add_generation("s-1", {2, search.state_json()}, {}, search.telemetry());
    while (!search.done()) search.step();

    ToyEvaluator fresh;
    fresh.fails = evaluator.fails;
    Search resumed(space, fresh, costs, settings);
    resumed.restore(store.search_state("s-1")->state_json,
                    resumed.known_from(store.evaluations("s-1")));
    while (!resumed.done()) resumed.step();
    EXPECT_EQ(resumed.state_json(), search.state_json());
    EXPECT_EQ(fresh.asked.size(), 0u);  // everything was stored
    // Other sources' rows are not taken for ours.
    EXPECT_TRUE(resumed.known_from(store.evaluations("s-1"), "/baseline").empty());
  }
  std::filesystem::remove_all(folder);
}

// ---- The pagmo side.

TEST_F(DriverTest, GeneMapLeavesSingleOptionsOutAndRepairs) {
  const GeneMap genes(space);
  EXPECT_EQ(genes.size(), 7u);
  const auto [low, high] = genes.bounds();
  for (size_t i = 0; i < genes.size(); ++i) EXPECT_LT(low[i], high[i]);
  Rng rng(1, "genes");
  for (int i = 0; i < 200; ++i) {
    const Architecture a = space.sample(rng);
    EXPECT_EQ(genes.decode(genes.encode(a)), a);
  }
  // w1=4 with w2=16 is forbidden: repaired, the same way each time.
  const std::vector<double> bad = {0, 3, 1, 1, 1, 2, 0};
  EXPECT_TRUE(space.valid(genes.decode(bad)));
  EXPECT_EQ(genes.decode(bad), genes.decode(bad));
  // Whatever an algorithm proposes becomes an architecture.
  EXPECT_TRUE(space.valid(genes.decode({-5, 99, .4, NAN, 1e300, -INFINITY, 2})));
}

TEST(FitnessScale, FeasibleAlwaysBeatsInfeasible) {
  const FitnessScale scale({{-90, 100}, {-70, 590}}, 2);
  const auto entry = [](double a, double b, double violation, Archive::State state) {
    Archive::Entry e;
    e.state = state;
    e.score = {{a, b}, violation};
    return e;
  };
  using State = Archive::State;
  const auto worst = entry(1e9, 1e12, 0, State::kEvaluated);
  const auto slight = entry(-99, 1, 1e-9, State::kEvaluated);
  const auto more = entry(-99, 1, .2, State::kSkipped);
  const auto failed = entry(0, 0, kMissing, State::kFailed);
  const std::vector<std::vector<double>> f = {scale.fitness(&worst),
                                              scale.fitness(&slight),
                                              scale.fitness(&more),
                                              scale.fitness(&failed),
                                              scale.fitness(nullptr)};
  for (size_t i = 0; i + 1 < f.size(); ++i) EXPECT_TRUE(dominates(f[i], f[i + 1])) << i;
}

TEST_F(DriverTest, ProblemIsOneThatPagmoAccepts) {
  const GeneMap genes(space);
  const FitnessScale scale({}, 2);
  const pagmo::problem problem{SearchProblem{nullptr, &genes, &scale}};
  EXPECT_EQ(problem.get_nix(), genes.size());
  EXPECT_EQ(problem.get_ncx(), 0u);
  EXPECT_EQ(problem.get_nobj(), 2u);
  EXPECT_TRUE(problem.has_batch_fitness());
  EXPECT_FALSE(problem.is_stochastic());
  EXPECT_EQ(FitnessScale({}, 1).fitness(nullptr).size(), 2u);
}

}  // namespace
}  // namespace nas
