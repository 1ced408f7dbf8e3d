// What every search algorithm promises, on a toy space whose truth is enumerated.
#include "search/algorithms/algorithm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

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

using Known = std::vector<std::pair<Architecture, Evaluation>>;

void finish(Search& search) {
  while (!search.done()) search.step();
}

/// All that was paid for, in order, as a caller would have stored it.
Known paid(const Archive& archive) {
  Known known;
  for (const Archive::Entry& entry : archive.entries()) {
    Evaluation evaluation;
    evaluation.error = entry.error;
    if (entry.error.empty()) evaluation.values["accuracy"] = entry.values.at("accuracy");
    known.emplace_back(entry.architecture, evaluation);
  }
  return known;
}

/// The toy's own, with as many objectives as the algorithm has.
SearchSettings contract_settings(const std::string& algorithm, int64_t evaluations) {
  SearchSettings settings = toy_settings(algorithm, evaluations);
  if (search_algorithm(algorithm).most_objectives == 1) {
    settings.goal.objectives = {{"accuracy", true}};
    settings.reference = {{"accuracy", 0.5}};
  }
  // Quick ones: what they promise here does not depend on how well they predict.
  settings.options.surrogate.predictor = "ridge";
  settings.options.surrogate.generations = 10;
  settings.options.surrogate.population = 40;
  return settings;
}

std::vector<Point> true_front(const ToySpace& space, const Goal& goal) {
  const CostModel costs(space);
  std::vector<Point> points;
  space.enumerate([&](const Architecture& a) {
    auto values = costs.of(a);
    values["accuracy"] = ToySpace::accuracy(a);
    Point point;
    for (const Objective& o : goal.objectives) point.push_back(o.sign() * values.at(o.metric));
    if (total_violation(goal.constraints, values) == 0) points.push_back(point);
    return true;
  });
  std::vector<Point> front;
  for (const Point& p : points)
    if (std::none_of(points.begin(), points.end(), [&](const Point& q) { return dominates(q, p); }))
      front.push_back(p);
  std::sort(front.begin(), front.end());
  front.erase(std::unique(front.begin(), front.end()), front.end());
  return front;
}

std::vector<Point> found_front(const Search& search) {
  std::vector<Point> front;
  for (const Archive::Entry* entry : search.archive().front())
    front.push_back(entry->score.objectives);
  return front;
}

class SearchContract : public testing::TestWithParam<std::string> {
 protected:
  ToySpace space;
  CostModel costs{space};
};

TEST_P(SearchContract, KeepsTheBudgetAndPaysForNothingTwice) {
  for (const int64_t budget : {1, 13, 48, 100, 200}) {
    ToyEvaluator evaluator;
    Search search(space, evaluator, costs, contract_settings(GetParam(), budget));
    finish(search);
    EXPECT_EQ(search.archive().evaluations(), static_cast<size_t>(budget));
    EXPECT_EQ(evaluator.asked.size(), static_cast<size_t>(budget));
    EXPECT_EQ(evaluator.repeats, 0);
    for (const Architecture& a : evaluator.asked) {
      EXPECT_TRUE(space.valid(a));
      EXPECT_EQ(a, space.canonical(a));
    }
  }
}

TEST_P(SearchContract, KeepsABudgetOfGenerations) {
  ToyEvaluator evaluator;
  SearchSettings settings = contract_settings(GetParam(), 1000);
  settings.evaluations.reset();
  settings.generations = 3;
  Search search(space, evaluator, costs, settings);
  finish(search);
  EXPECT_EQ(search.generations(), 3);
  EXPECT_EQ(search.why_done(), "generations done");
}

TEST_P(SearchContract, SameSeedSameSearchOtherSeedAnother) {
  const auto run = [&](uint64_t seed, int batch) {
    ToyEvaluator evaluator;
    SearchSettings settings = contract_settings(GetParam(), 80);
    settings.seed = seed;
    settings.batch = batch;
    Search search(space, evaluator, costs, settings);
    finish(search);
    std::string text = search.state_json();
    for (const auto& [a, evaluation] : paid(search.archive())) text += " " + space.text(a);
    return text;
  };
  EXPECT_EQ(run(7, 5), run(7, 5));
  EXPECT_EQ(run(7, 5), run(7, 64));  // how results are asked for changes nothing
  EXPECT_NE(run(7, 5), run(8, 5));
}

TEST_P(SearchContract, ResumedAtAnyGenerationEqualsUnbroken) {
  SearchSettings settings = contract_settings(GetParam(), 90);
  settings.goal.constraints = {parse_constraint("macs <= 250k")};
  settings.reference.clear();  // derived on the way, so part of the state
  ToyEvaluator evaluator;
  Search whole(space, evaluator, costs, settings);
  std::vector<std::pair<std::string, Known>> stops;
  while (!whole.done()) {
    stops.emplace_back(whole.state_json(), paid(whole.archive()));
    whole.step();
  }
  ASSERT_GT(stops.size(), 3u);
  for (const auto& [state, known] : stops) {
    ToyEvaluator fresh;
    Search resumed(space, fresh, costs, settings);
    resumed.restore(state, known);
    EXPECT_EQ(resumed.state_json(), state);
    finish(resumed);
    EXPECT_EQ(resumed.state_json(), whole.state_json());
    EXPECT_EQ(resumed.current_hypervolume(), whole.current_hypervolume());
    EXPECT_EQ(fresh.asked.size() + known.size(), whole.archive().evaluations());
    const Known a = paid(resumed.archive()), b = paid(whole.archive());
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].first, b[i].first);
      EXPECT_EQ(a[i].second.values, b[i].second.values);
    }
  }
}

TEST_P(SearchContract, StoppedInsideAGenerationLosesNoEvaluation) {
  const SearchSettings settings = contract_settings(GetParam(), 90);
  ToyEvaluator evaluator;
  Search whole(space, evaluator, costs, settings);
  finish(whole);
  for (const int stop_after : {1, 4, 6, 9, 14}) {
    ToyEvaluator first;
    Search broken(space, first, costs, settings);
    int batches = 0;
    broken.on_evaluated = [&](const Search::Entries&) { ++batches; };
    broken.stop = [&] { return batches >= stop_after; };
    std::string state = broken.state_json();
    try {
      while (!broken.done()) {
        broken.step();
        state = broken.state_json();
      }
      FAIL() << "was not stopped";
    } catch (const Interrupted&) {
    }
    ToyEvaluator second;
    Search resumed(space, second, costs, settings);
    resumed.restore(state, paid(broken.archive()));
    finish(resumed);
    EXPECT_EQ(resumed.state_json(), whole.state_json());
    EXPECT_EQ(first.asked.size() + second.asked.size(), whole.archive().evaluations());
  }
}

TEST_P(SearchContract, RefusesTheStateOfAnotherSearch) {
  ToyEvaluator evaluator;
  Search search(space, evaluator, costs, contract_settings(GetParam(), 40));
  search.step();
  const std::string state = search.state_json();
  Search other(space, evaluator, costs, contract_settings(GetParam(), 40));
  EXPECT_THROW(other.restore("{}", {}), DataError);
  EXPECT_THROW(other.restore("not json", {}), DataError);
  EXPECT_THROW(other.restore(state, {}), DataError);  // its evaluations are missing
  const std::string else_algorithm = GetParam() == "random" ? "nsga2" : "random";
  Search another(space, evaluator, costs, contract_settings(else_algorithm, 40));
  EXPECT_THROW(another.restore(state, paid(search.archive())), DataError);
}

TEST_P(SearchContract, FindsTheWholeFrontOfASmallSpaceAndStops) {
  for (const char* limit : {"", "macs <= 150k"}) {
    SearchSettings settings = contract_settings(GetParam(), 1000000);
    if (*limit != '\0') settings.goal.constraints = {parse_constraint(limit)};
    ToyEvaluator evaluator;
    Search search(space, evaluator, costs, settings);
    finish(search);
    EXPECT_LE(search.archive().evaluations(), 300u);
    EXPECT_EQ(found_front(search), true_front(space, settings.goal)) << limit;
  }
}

TEST_P(SearchContract, ReportsNothingInfeasibleAndPaysForNoHopelessOne) {
  SearchSettings settings = contract_settings(GetParam(), 100);
  settings.goal.constraints = {parse_constraint("macs <= 120k"),
                               parse_constraint("accuracy >= 0.75")};
  ToyEvaluator evaluator;
  Search search(space, evaluator, costs, settings);
  finish(search);
  const auto front = search.archive().front();
  ASSERT_FALSE(front.empty());
  for (const Archive::Entry* entry : front) {
    EXPECT_LE(entry->values.at("macs"), 120e3);
    EXPECT_GE(entry->values.at("accuracy"), .75);
  }
  for (const Architecture& a : evaluator.asked) EXPECT_LE(costs.of(a).at("macs"), 120e3);
}

TEST_P(SearchContract, AFailureBelongsToOneArchitecture) {
  SearchSettings settings = contract_settings(GetParam(), 100);
  ToyEvaluator evaluator;
  evaluator.fails = [](const Architecture& a) { return a.genes[1] == 3; };
  Search search(space, evaluator, costs, settings);
  finish(search);
  EXPECT_GT(search.archive().failures(), 0u);
  EXPECT_EQ(search.archive().evaluations(), 100u);
  ASSERT_FALSE(search.archive().front().empty());
  for (const Archive::Entry* entry : search.archive().front())
    EXPECT_NE(entry->architecture.genes[1], 3);

  ToyEvaluator hopeless;
  hopeless.fails = [](const Architecture&) { return true; };
  Search failing(space, hopeless, costs, settings);
  EXPECT_THROW(failing.step(), DataError);
}

TEST_P(SearchContract, NotANumberIsAFailure) {
  ToyEvaluator evaluator(
      [](const Architecture& a) { return a.genes[2] == 0 ? std::nan("") : ToySpace::accuracy(a); });
  Search search(space, evaluator, costs, contract_settings(GetParam(), 60));
  finish(search);
  EXPECT_GT(search.archive().failures(), 0u);
  EXPECT_GT(search.current_hypervolume(), 0);
  for (const Archive::Entry* entry : search.archive().front())
    EXPECT_NE(entry->architecture.genes[2], 0);
}

TEST_P(SearchContract, OneObjective) {
  if (!search_algorithm(GetParam()).objectives_problem(1).empty()) GTEST_SKIP();
  SearchSettings one = contract_settings(GetParam(), 300);
  one.goal.objectives = {{"accuracy", true}};
  one.goal.constraints = {parse_constraint("macs <= 200k")};
  one.reference.clear();
  ToyEvaluator evaluator;
  Search single(space, evaluator, costs, one);
  finish(single);
  ASSERT_EQ(single.archive().front().size(), 1u);
  double best = 0;
  space.enumerate([&](const Architecture& a) {
    if (costs.of(a).at("macs") <= 200e3) best = std::max(best, ToySpace::accuracy(a));
    return true;
  });
  EXPECT_EQ(single.archive().front()[0]->values.at("accuracy"), best);
}

TEST_P(SearchContract, ThreeAndFourObjectives) {
  if (!search_algorithm(GetParam()).objectives_problem(3).empty()) GTEST_SKIP();
  SearchSettings three = contract_settings(GetParam(), 60);
  three.goal.objectives = {{"accuracy", true}, {"macs", false}, {"params", false}};
  three.reference.clear();
  ToyEvaluator again;
  Search triple(space, again, costs, three);
  finish(triple);
  EXPECT_EQ(triple.reference().size(), 3u);
  EXPECT_GT(triple.current_hypervolume(), 0);

  SearchSettings four = three;
  four.goal.objectives.push_back({"peak_bytes", false});
  ToyEvaluator last;
  Search quadruple(space, last, costs, four);
  finish(quadruple);
  EXPECT_EQ(quadruple.archive().evaluations(), 60u);
  EXPECT_GT(quadruple.current_hypervolume(), 0);
}

TEST_P(SearchContract, ObjectivesItDoesNotHaveAreRefused) {
  const AlgorithmInfo& info = search_algorithm(GetParam());
  ToyEvaluator evaluator;
  const auto refusal = [&](std::vector<Objective> objectives) -> std::string {
    SearchSettings settings = toy_settings(GetParam(), 20);
    settings.goal.objectives = std::move(objectives);
    settings.reference.clear();
    try {
      Search search(space, evaluator, costs, settings);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  const std::string one = refusal({{"accuracy", true}});
  const std::string two = refusal({{"accuracy", true}, {"macs", false}});
  EXPECT_EQ(one.empty(), info.least_objectives <= 1);
  EXPECT_EQ(two.empty(), info.most_objectives >= 2);
  for (const std::string& why : {one, two})
    if (!why.empty()) {
      EXPECT_THAT(why, testing::HasSubstr("search.algorithm: " + GetParam()));
    }
}

TEST_P(SearchContract, HypervolumeNeverFalls) {
  ToyEvaluator evaluator;
  Search search(space, evaluator, costs, contract_settings(GetParam(), 120));
  double last = 0;
  while (!search.done()) {
    search.step();
    EXPECT_GE(search.current_hypervolume(), last * (1 - 1e-12));  // rounding
    last = search.current_hypervolume();
    EXPECT_EQ(search.telemetry().at(0).value, last);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const AlgorithmInfo& info : search_algorithms())
    // concurrent is linas that begins with an earlier run (surrogate_test.cpp).
    if (info.spends_budget && info.name != "concurrent") list.push_back(info.name);
  return list;
}
INSTANTIATE_TEST_SUITE_P(All, SearchContract, testing::ValuesIn(names()), test_name);

TEST(Nsga2, BeatsRandomAtEqualEvaluations) {
  const WideSpace space;
  const CostModel costs(space);
  double wins = 0, evolved = 0, drawn = 0;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    double values[2];
    for (const int which : {0, 1}) {
      SearchSettings settings = toy_settings(which == 0 ? "nsga2" : "random", 400);
      settings.population = 40;
      settings.seed = seed;
      settings.reference = {{"accuracy", 0.3}, {"macs", 50000}};
      ToyEvaluator evaluator(WideSpace::accuracy);
      Search search(space, evaluator, costs, settings);
      finish(search);
      values[which] = search.current_hypervolume();
    }
    evolved += values[0];
    drawn += values[1];
    wins += values[0] > values[1] ? 1 : 0;
  }
  EXPECT_EQ(wins, 5);
  EXPECT_GT(evolved, 1.02 * drawn);
}

TEST(Nsga2, AnyPopulationFromTwoOn) {
  EXPECT_EQ(nsga2_population_problem(2), "");
  EXPECT_EQ(nsga2_population_problem(50), "");
  EXPECT_THAT(nsga2_population_problem(1), testing::HasSubstr("at least 2"));
  const WideSpace space;
  const CostModel costs(space);
  for (const int population : {2, 3, 5, 7, 50}) {
    ToyEvaluator evaluator(WideSpace::accuracy);
    SearchSettings settings = toy_settings("nsga2", 101);
    settings.population = population;
    Search search(space, evaluator, costs, settings);
    while (!search.done()) {
      const size_t before = search.archive().evaluations();
      search.step();
      // Every generation pays for as many new networks as the population has, the last for the
      // rest.
      EXPECT_EQ(search.archive().evaluations(),
                std::min<size_t>(101, before + static_cast<size_t>(population)));
    }
    EXPECT_EQ(evaluator.repeats, 0);
  }
}

TEST(Nsga2, CountsWhatTheArchiveSaved) {
  const ToySpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator;
  SearchSettings settings = toy_settings("nsga2", 150);
  settings.goal.constraints = {parse_constraint("macs <= 300k")};
  Search search(space, evaluator, costs, settings);
  finish(search);
  EXPECT_GT(search.saved(), 0u);
  EXPECT_GT(search.saved_equivalent(), 0u);  // `alias` makes two genomes of each network
  EXPECT_GT(search.skipped(), 0u);
  EXPECT_EQ(search.requested(), search.saved() + search.skipped() + search.archive().evaluations());
}

TEST(RandomSearch, ListsASmallSpaceToTheEnd) {
  const ToySpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator;
  Search search(space, evaluator, costs, toy_settings("random", 10000));
  finish(search);
  EXPECT_EQ(search.archive().evaluations(), 300u);
  EXPECT_EQ(search.why_done(), "every network of the space was evaluated");
  EXPECT_LE(search.generations(), 19);  // 300 / 16, and not one generation to find out
}

TEST(RandomSearch, LargePopulationsTakeNoTimeOfTheirOwn) {
  const WideSpace space;
  const CostModel costs(space);
  ToyEvaluator evaluator(WideSpace::accuracy);
  SearchSettings settings = toy_settings("random", 60000);
  settings.population = 60000;
  settings.batch = 60000;
  const auto start = std::chrono::steady_clock::now();
  Search search(space, evaluator, costs, settings);
  finish(search);
  EXPECT_EQ(search.archive().evaluations(), 60000u);
  // Comparing all pairs took a minute.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_P(SearchContract, LimitsThatFewNetworksMeetAreSearchedWholeAndAtOnce) {
  // Too large to list: the narrowest network, and those one layer wider, meet the limit.
  const WideSpace wide;
  const CostModel wide_costs(wide);
  const Architecture least{std::vector<int16_t>(WideSpace::kLayers, 0)};
  Architecture wider = least;
  wider.genes[3] = 1;  // the next smallest: two products of 4 * 8 in place of 4 * 4
  const double limit = wide_costs.of(wider).at("macs");
  for (const bool alone : {true, false}) {
    ToyEvaluator evaluator(WideSpace::accuracy);
    SearchSettings settings = contract_settings(GetParam(), 500);
    settings.reference.clear();
    settings.goal.constraints = {
        {"macs",
         alone ? Constraint::Relation::kLess : Constraint::Relation::kLessEqual,
         alone ? wide_costs.of(least).at("macs") + 1 : limit}};
    Search search(wide, evaluator, wide_costs, settings);
    finish(search);
    EXPECT_EQ(search.archive().evaluations(),
              alone ? 1u : 14u);  // 11 inner layers, the last one with 8 or 12
    EXPECT_LE(search.generations(), 2);
    EXPECT_THAT(search.why_done(), testing::HasSubstr("no further network within the limits"));
  }
}

TEST_P(SearchContract, StateDoesNotGrowWithWhatIsRuledOut) {
  SearchSettings settings = contract_settings(GetParam(), 200);
  settings.goal.constraints = {parse_constraint("macs <= 150k")};
  ToyEvaluator evaluator;
  Search search(space, evaluator, costs, settings);
  search.step();
  for (int i = 0; i < 2; ++i) search.step();  // by then memories are as large as they get
  const size_t first = search.state_json().size();
  finish(search);
  if (GetParam() == "nsga2") {
    EXPECT_GT(search.skipped(), 0u);  // children can break limits, draws keep them
  }
  EXPECT_LT(search.state_json().size(), first + 200);
}

TEST(Algorithms, UnknownNamesAreHelped) {
  try {
    search_algorithm("nsga3");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("Did you mean 'nsga2'"));
  }
}

}  // namespace
}  // namespace nas
