#include "search/driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "search/feasibility.hpp"
#include "search/search_options.hpp"
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
  s.population = 1;
  EXPECT_THAT(error_of(s), HasSubstr("search.population: nsga2 needs at least 2"));
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
  EXPECT_THAT(
      config_error([&] {
        require_attainable(costs, {parse_constraint("macs < " + std::to_string(smallest))}, 0);
      }),
      HasSubstr("smallest attainable value is " + std::to_string(static_cast<int64_t>(smallest))));
}

TEST(Feasibility, NarrowBandsAreMet) {
  // A band that some architecture lies in, a hundredth of a percent wide.
  const WideSpace space;
  const CostModel costs(space);
  Rng rng(3, "band");
  for (int i = 0; i < 10; ++i) {
    const double macs = costs.of(space.sample(rng)).at("macs");
    const std::vector<Constraint> band = {
        {"macs", Constraint::Relation::kGreaterEqual, macs},
        {"macs", Constraint::Relation::kLessEqual, 1.0001 * macs}};
    const Architecture a = require_attainable(costs, band, 0);
    EXPECT_GE(costs.of(a).at("macs"), macs);
    EXPECT_LE(costs.of(a).at("macs"), 1.0001 * macs);
  }
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

TEST_F(DriverTest, ValuesOfAnotherFidelityAreRefusedOnResume) {
  Search search(space, evaluator, costs, settings);
  search.step();
  const std::string state = search.state_json();
  std::vector<std::pair<Architecture, Evaluation>> known;
  for (const Archive::Entry& entry : search.archive().entries())
    known.emplace_back(entry.architecture,
                       Evaluation{{{"accuracy", entry.values.at("accuracy")}}, ""});
  ToyEvaluator trained_further;
  trained_further.fidelity = R"({"checkpoint":"b"})";
  Search resumed(space, trained_further, costs, settings);
  try {
    resumed.restore(state, known);
    FAIL() << "values of two supernets were mixed";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("trained further"));
    EXPECT_THAT(e.what(), HasSubstr("(checkpoint nothing then, \"b\" now)"));
    EXPECT_THAT(e.what(), HasSubstr("Start a new search"));
  }
}

TEST_F(DriverTest, StatesOfTheFirstVersionGoOn) {
  Search search(space, evaluator, costs, settings);
  search.step();
  std::vector<std::pair<Architecture, Evaluation>> known;
  for (const Archive::Entry& entry : search.archive().entries())
    known.emplace_back(entry.architecture,
                       Evaluation{{{"accuracy", entry.values.at("accuracy")}}, ""});
  auto state = nlohmann::json::parse(search.state_json());
  for (const char* key : {"exhausted", "reused", "source", "fidelity"}) state.erase(key);
  state["schema"] = "nas-search-state/1";
  state["stalled"] = 0;
  state["skipped"] = {known[0].first.genes, known[1].first.genes};
  Search resumed(space, evaluator, costs, settings);
  resumed.restore(state.dump(), known);
  EXPECT_EQ(resumed.skipped(), 2u);
  while (!resumed.done()) resumed.step();
  EXPECT_EQ(resumed.archive().evaluations(), 64u);
}

TEST_F(DriverTest, WhatOtherRunsPaidForIsNotPaidAgainAndChangesNothing) {
  Search first(space, evaluator, costs, settings);
  while (!first.done()) first.step();
  ToyEvaluator fresh;
  Search second(space, fresh, costs, settings);
  size_t told = 0;
  for (const Archive::Entry& entry : first.archive().entries()) {
    if (++told > 40) break;
    second.know(entry.architecture,
                {{{"accuracy", entry.values.at("accuracy")}}, ""},
                /*elsewhere=*/true);
  }
  // Failures and values that lack a metric are no knowledge.
  const Architecture last = first.archive().entries().back().architecture;
  second.know(last, {{}, "out of memory"}, /*elsewhere=*/true);
  second.know(last, {{{"loss", 1.0}}, ""}, /*elsewhere=*/true);
  while (!second.done()) second.step();
  EXPECT_EQ(second.reused(), 40u);
  EXPECT_EQ(fresh.asked.size(), 24u);
  EXPECT_EQ(second.archive().evaluations(), 64u);
  EXPECT_EQ(second.current_hypervolume(), first.current_hypervolume());
  EXPECT_EQ(second.archive().failures(), 0u);
}

TEST_F(DriverTest, DrawsAsTheOptionsSay) {
  SearchOptions options;
  options.evaluations = 10;
  EXPECT_EQ(to_settings(options, {}, 0).initial, Initial::kChoices);
  options.initial = Initial::kArchitectures;
  EXPECT_EQ(to_settings(options, {}, 0).initial, Initial::kArchitectures);
  // In mobilenet nearly all architectures, but few of those drawn per choice, are large.
  const auto mobilenet = load_space("mobilenet");
  const CostModel mobile_costs(*mobilenet);
  for (const char* algorithm : {"random", "nsga2"})
    for (const Initial initial : {Initial::kChoices, Initial::kArchitectures}) {
      SearchSettings s = toy_settings(algorithm, 60);
      s.population = 60;
      s.initial = initial;
      ToyEvaluator truth([](const Architecture& a) { return a.genes[0]; });
      Search search(*mobilenet, truth, mobile_costs, s);
      search.step();
      int large = 0;
      for (const Archive::Entry& entry : search.archive().entries())
        large += entry.values.at("macs") > 300e6 ? 1 : 0;
      if (initial == Initial::kChoices)
        EXPECT_LT(large, 30);
      else
        EXPECT_GT(large, 48);
    }
}

TEST_F(DriverTest, SaysHowManyNetworksThereAre) {
  SearchSettings s = settings;
  EXPECT_EQ(Search(space, evaluator, costs, s).networks(), 300u);
  size_t within = 0;
  space.enumerate([&](const Architecture& a) {
    within += a == space.canonical(a) && costs.of(a).at("macs") <= 100e3 ? 1 : 0;
    return true;
  });
  s.goal.constraints = {parse_constraint("macs <= 100k")};
  EXPECT_EQ(Search(space, evaluator, costs, s).networks(), within);
  const WideSpace wide;
  const CostModel wide_costs(wide);
  EXPECT_EQ(Search(wide, evaluator, wide_costs, settings).networks(), std::nullopt);
}

}  // namespace
}  // namespace nas
