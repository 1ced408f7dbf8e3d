// nas diff: what is compared, what is refused with a reason, verdicts and exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cli/runs/results/comparable.hpp"
#include "cli/runs/results/comparison.hpp"
#include "cli/runs/results/run_set.hpp"
#include "cli/runs/results/search_record.hpp"
#include "compare/searches.hpp"
#include "process.hpp"
#include "spaces/error.hpp"

namespace nas::test {
namespace {

using namespace nas::cli;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Compare : public ::testing::Test {
 protected:
  Compare() : store(fresh_folder() + "/nas.db") {}
  SidedRun run(const std::string& id) { return {&store, *store.run(id)}; }
  Side side(const std::vector<std::string>& ids) {
    Side list;
    for (const std::string& id : ids) list.push_back(run(id));
    return list;
  }
  /// A search of one architecture with that accuracy.
  void one(const std::string& id, double accuracy, uint64_t seed = 0) {
    add_search(store, {id, id, seed, {{"[4,3,3]", accuracy, 1e6}}});
  }
  CompareOptions limited(double value, bool relative = false) {
    CompareOptions o;
    o.limit = ChangeLimit{value, relative};
    return o;
  }
  Store store;
};

TEST_F(Compare, SeedsByWelchAndPairs) {
  one("b1", 0.90, 1);
  one("b2", 0.92, 2);
  one("b3", 0.91, 3);
  one("h1", 0.93, 1);
  one("h2", 0.95, 2);
  one("h3", 0.94, 3);
  one("o7", 0.93, 7);
  const Comparison pairs =
      compare("accuracy", side({"b1", "b2", "b3"}), side({"h3", "h1", "h2"}), {});
  EXPECT_NEAR(pairs.change->base, 0.91, 1e-12);
  EXPECT_NEAR(pairs.change->head, 0.94, 1e-12);
  EXPECT_NEAR(pairs.change->change, 0.03, 1e-12);
  EXPECT_NEAR(pairs.change->high - pairs.change->low, 0, 1e-9);  // Every pair gains 0.03.
  EXPECT_EQ(pairs.verdict, Verdict::kBetter);
  EXPECT_THAT(pairs.method, HasSubstr("3 pairs"));
  const Comparison apart =
      compare("accuracy", side({"b1", "b2", "b3"}), side({"h2", "h3", "o7"}), {});
  EXPECT_THAT(apart.method, HasSubstr("Welch"));
  EXPECT_GT(apart.change->high, apart.change->change);
}

TEST_F(Compare, LimitsDecideByTheInterval) {
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    const double wobble = 0.001 * i;
    one("b" + n, 0.90 + wobble, static_cast<uint64_t>(i));
    one("worse" + n, 0.85 + wobble, static_cast<uint64_t>(i + 10));
    one("wide" + n, 0.89 + 0.02 * (i % 2), static_cast<uint64_t>(i + 20));
    one("same" + n, 0.9005 + wobble, static_cast<uint64_t>(i + 30));
  }
  const Side base = side({"b0", "b1", "b2", "b3"});
  const auto against = [&](const std::string& name, const CompareOptions& o) {
    return compare("accuracy", base, side({name + "0", name + "1", name + "2", name + "3"}), o);
  };
  const Comparison worse = against("worse", limited(-0.01, true));
  EXPECT_EQ(worse.verdict, Verdict::kWorse);
  EXPECT_NEAR(*worse.limit, -0.01 * 0.9015, 1e-12);
  EXPECT_EQ(exit_code({worse}, true), kDiffWorse);
  const Comparison same = against("same", limited(-0.01));
  EXPECT_EQ(same.verdict, Verdict::kSame);
  EXPECT_EQ(exit_code({same}, true), kExitOk);
  const Comparison wide = against("wide", limited(-0.01));
  EXPECT_EQ(wide.verdict, Verdict::kUndecided);
  EXPECT_GT(wide.seeds_needed, 4);
  EXPECT_EQ(exit_code({wide}, true), kDiffUndecided);
  EXPECT_EQ(exit_code({wide, worse}, true), kDiffWorse);
  // Without a limit a difference is told and fails nothing.
  EXPECT_EQ(exit_code({against("worse", {})}, false), kExitOk);
}

TEST_F(Compare, SeedsNeededAreThoseOfTheirOwnQuantile) {
  for (uint64_t seed : {1, 2}) {
    const std::string n = std::to_string(seed);
    const double sign = seed == 1 ? -1 : 1;
    one("b" + n, 0.90, seed);
    one("pair" + n, 0.90 + 0.02 * sign, seed);
    one("x" + n, 0.90 + 0.01 * sign, seed);
    one("y" + n, 0.90 + 0.01 * sign, seed + 10);
  }
  // Differences of -0.02 and 0.02: s = 0.0283. t(14) s / sqrt(15) = 0.01566, t(13) s / sqrt(14) =
  // 0.01633.
  const Comparison pairs =
      compare("accuracy", side({"b1", "b2"}), side({"pair1", "pair2"}), limited(-0.016));
  EXPECT_EQ(pairs.verdict, Verdict::kUndecided);
  EXPECT_EQ(pairs.seeds_needed, 15);
  // Variances of 0.0002 each: t(6) 0.02 / sqrt(4) = 0.0245, t(4) 0.02 / sqrt(3) = 0.0321.
  const Comparison apart =
      compare("accuracy", side({"x1", "x2"}), side({"y1", "y2"}), limited(-0.03));
  EXPECT_EQ(apart.verdict, Verdict::kUndecided);
  EXPECT_THAT(apart.method, HasSubstr("Welch"));
  EXPECT_EQ(apart.seeds_needed, 4);
}

TEST_F(Compare, OneRunASideUsesItsImages) {
  one("b", 0.95);
  one("h", 0.90);
  const Comparison c = compare("accuracy", side({"b"}), side({"h"}), {});
  const Change expected = shares(0.95, 1000, 0.90, 1000, 0.95);
  EXPECT_NEAR(c.change->low, expected.low, 1e-12);
  EXPECT_NEAR(c.change->high, expected.high, 1e-12);
  EXPECT_EQ(c.verdict, Verdict::kWorse);
  EXPECT_THAT(c.method, HasSubstr("1000 images"));
}

TEST_F(Compare, OneRunAgainstSeveralIsNotEnough) {
  one("b", 0.95);
  one("h1", 0.90, 1);
  one("h2", 0.91, 2);
  const Comparison c = compare("accuracy", side({"b"}), side({"h1", "h2"}), limited(-0.01));
  EXPECT_EQ(c.verdict, Verdict::kUndecided);
  EXPECT_TRUE(std::isnan(c.change->low));
  EXPECT_EQ(exit_code({c}, true), kDiffUndecided);
}

TEST_F(Compare, HypervolumeByHand) {
  // Two points a side; all four span accuracy 0.5 .. 0.9, macs 1 .. 3: reference 0.46 and 3.2.
  add_search(store, {"b", "b", 0, {{"[4,3,3]", 0.5, 1}, {"[3,3,4]", 0.8, 3}}});
  add_search(store, {"h", "h", 0, {{"[4,3,3]", 0.6, 1}, {"[3,3,4]", 0.9, 3}}});
  const Comparison c = compare("hypervolume", side({"b"}), side({"h"}), {});
  EXPECT_NEAR(c.change->base, 0.04 * 2.2 + 0.30 * 0.2, 1e-12);
  EXPECT_NEAR(c.change->head, 0.14 * 2.2 + 0.30 * 0.2, 1e-12);
  EXPECT_THAT(c.notes, ElementsAre(HasSubstr("reference point accuracy 0.46, macs 3.2")));
  // A run against itself differs by nothing.
  const Comparison self = compare("hypervolume", side({"b"}), side({"b"}), limited(-0.01, true));
  EXPECT_EQ(self.change->low, 0);
  EXPECT_EQ(self.change->high, 0);
  EXPECT_EQ(self.verdict, Verdict::kSame);
}

TEST_F(Compare, LessIsBetterOfCosts) {
  add_search(store, {"b", "b", 0, {{"[4,3,3]", 0.9, 2e6}, {"[3,3,4]", 0.8, 1e6}}});
  add_search(store, {"h", "h", 0, {{"[4,3,3]", 0.9, 3e6}, {"[3,3,4]", 0.8, 1e6}}});
  const Comparison c = compare("macs", side({"b"}), side({"h"}), {});
  EXPECT_EQ(c.better, Better::kLower);
  EXPECT_DOUBLE_EQ(c.change->base, 2e6);  // Of the most accurate, not of the smallest.
  EXPECT_DOUBLE_EQ(c.gain(), -1e6);
  EXPECT_THAT(c.of, HasSubstr("best accuracy"));
  EXPECT_THROW(compare("strange", side({"b"}), side({"h"}), {}), ConfigError);
  EXPECT_EQ(compare("maximize:strange", side({"b"}), side({"h"}), {}).base[0].why_not,
            "has no strange");
}

struct Refused {
  const char *name, *ignore;
  MadeSearch head;
  const char* reason;
};

TEST_F(Compare, NumbersOfOtherFidelityAreRefusedWithTheReason) {
  add_training(store, {"t1", "t1", 0, 1e9, "aaaaaaaaaaaa"});
  add_training(store, {"t2", "t2", 0, 1e9, "bbbbbbbbbbbb"});
  add_training(store, {"t3", "t3", 0, 3e9, "aaaaaaaaaaaa"});
  add_training(store, {"t4", "t4", 0, 1.02e9, "aaaaaaaaaaaa"});
  const std::vector<Tried> tried = {{"[4,3,3]", 0.9, 1e6}, {"[3,3,4]", 0.8, 2e6}};
  MadeSearch base{"b", "b", 0, tried};
  base.parent = "t1";
  add_search(store, base);
  const auto other = [&](const char* id, auto change) {
    MadeSearch s = base;
    s.id = s.name = id;
    change(s);
    add_search(store, s);
    return s;
  };
  const std::vector<Refused> all = {
      {"images",
       "images",
       other("h1",
             [](auto& s) {
               s.fidelity = R"({"split":"validation","images":50,"bn":"recalibrated"})";
             }),
       "images (1000, 50)"},
      {"split",
       "split",
       other("h2",
             [](auto& s) { s.fidelity = R"({"split":"test","images":1000,"bn":"recalibrated"})"; }),
       "split (validation, test)"},
      {"hash of the split", "split", other("h3", [](auto& s) { s.parent = "t2"; }), "other images"},
      {"recalibration",
       "recalibration",
       other(
           "h4",
           [](auto& s) { s.fidelity = R"({"split":"validation","images":1000,"bn":"running"})"; }),
       "bn (recalibrated, running)"},
      {"training", "compute", other("h5", [](auto& s) { s.parent = "t3"; }), "other compute"},
      {"evaluations",
       "compute",
       other("h6", [](auto& s) { s.tried.pop_back(); }),
       "2 and 1 evaluations"},
      {"source", "source", other("h7", [](auto& s) { s.source = "external"; }), "another kind"},
      {"limits",
       "limits",
       other("h8", [](auto& s) { s.constraints = {"macs <= 5M"}; }),
       "other limits"},
      {"space", "", other("h9", [](auto& s) { s.space = "elsewhere"; }), "another space"},
      {"status", "", other("h10", [](auto& s) { s.status = "interrupted"; }), "not finished"},
  };
  for (const Refused& r : all) {
    const Comparison c = compare("accuracy", side({"b"}), side({r.head.id}), {});
    EXPECT_EQ(c.verdict, Verdict::kNoNumbers) << r.name;
    EXPECT_FALSE(c.change) << r.name;
    EXPECT_THAT(c.head[0].why_not, HasSubstr(r.reason)) << r.name;
    EXPECT_EQ(exit_code({c}, false), kDiffUndecided) << r.name;
    if (*r.ignore == 0) continue;
    CompareOptions o;
    o.ignored = {r.ignore};
    EXPECT_TRUE(compare("accuracy", side({"b"}), side({r.head.id}), o).change) << r.name;
  }
  // Nearly the same effort, other single weights: what is compared.
  other("h11", [](auto& s) {
    s.parent = "t4";
    s.fidelity = R"({"bn":"recalibrated","checkpoint":"ffff","images":1000,"split":"validation"})";
  });
  EXPECT_TRUE(compare("accuracy", side({"b"}), side({"h11"}), {}).change);
}

TEST_F(Compare, WhatSidesSpentIsTheirMeanWhateverTheOrder) {
  // Seeds of one recipe with sampled architectures: 8 % apart, and equal on average.
  const std::vector<double> of_base = {0.96e9, 1e9, 1.04e9}, of_head = {1.05e9, 0.95e9, 1e9};
  for (size_t i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    add_training(store, {"b" + n, "b" + n, i, of_base[i], "a", {{"x", 0.50 + 0.01 * i}}});
    add_training(store, {"h" + n, "h" + n, i, of_head[i], "a", {{"x", 0.53 + 0.01 * i}}});
    add_training(store, {"c" + n, "c" + n, i, of_head[i] * 1.07, "a", {{"x", 0.6 + 0.01 * i}}});
  }
  std::vector<std::string> b = {"b0", "b1", "b2"}, h = {"h0", "h1", "h2"};
  do {
    const Comparison c = compare("accuracy", side(b), side(h), {});
    ASSERT_TRUE(c.change) << c.why_not;
    EXPECT_EQ(c.runs_compared(), 6u);
    EXPECT_NEAR(c.change->change, 0.03, 1e-12);
    EXPECT_EQ(c.verdict, Verdict::kBetter);
    EXPECT_EQ(compare("accuracy", side(h), side(b), {}).verdict, Verdict::kWorse);
    // 7 % more on average is another effort, even where single runs are near.
    const Comparison more = compare("accuracy", side(b), side({"c1", "c0", "c2"}), {});
    EXPECT_EQ(more.verdict, Verdict::kNoNumbers);
    EXPECT_THAT(more.head[0].why_not,
                HasSubstr("other compute: trained with 1G and 1.07G multiply-adds, means over "
                          "runs (--ignore compute"));
    std::next_permutation(h.begin(), h.end());
  } while (std::next_permutation(b.begin(), b.end()));
}

TEST_F(Compare, TheLargestGroupThatComparesIsTakenWhateverTheOrder) {
  for (uint64_t i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    MadeTraining base{"b" + n, "b" + n, i, 1e9, "a", {{"x", 0.50 + 0.01 * i}}};
    if (i == 0) base.fidelity = R"({"split":"validation","images":50,"bn":"recalibrated"})";
    add_training(store, base);
    add_training(store, {"h" + n, "h" + n, i, 1e9, "a", {{"x", 0.53 + 0.01 * i}}});
  }
  std::vector<std::string> b = {"b0", "b1", "b2"};
  do {
    const Comparison c = compare("accuracy", side(b), side({"h2", "h1"}), {});
    EXPECT_EQ(c.runs(), 5u);
    EXPECT_EQ(c.runs_compared(), 4u) << c.why_not;
    EXPECT_EQ(c.verdict, Verdict::kBetter);
    for (const RunNumber& n : c.base)
      EXPECT_THAT(n.why_not, n.run == "b0" ? HasSubstr("images (1000, 50)") : HasSubstr(""));
  } while (std::next_permutation(b.begin(), b.end()));
}

TEST(SpentOnSides, RecipesThatCostOtherAreHeldApart) {
  const std::string none;
  // Two recipes on a side: the one that the other side's effort fits counts.
  EXPECT_THAT(other_compute({{"long", 3e9}, {"short", 1e9}}, {{"new", 1.02e9}}),
              ElementsAre(HasSubstr("trained with 1G and 3G"), none, none));
  EXPECT_THAT(other_compute({{"r", 1e9}, {"r", 1.2e9}}, {{"r", 1.1e9}}),
              ElementsAre(none, none, none));
  EXPECT_THAT(other_compute({{"r", 1e9}}, {{"r", 1.1e9}}),
              ElementsAre(none, HasSubstr("1G and 1.1G multiply-adds (--ignore compute")));
  // Evaluations are counted: equal, unless they vary from seed to seed.
  EXPECT_THAT(other_compute({{"r", 0, 40}}, {{"q", 0, 39}}),
              ElementsAre(none, HasSubstr("40 and 39 evaluations")));
  EXPECT_THAT(other_compute({{"r", 0, 40}, {"r", 0, 38}}, {{"q", 0, 40}}),
              ElementsAre(none, none, none));
  EXPECT_THAT(other_compute({{"r", 0, 40}, {"r", 0, 38}}, {{"q", 0, 80}}),
              ElementsAre(none, none, HasSubstr("39 and 80 evaluations")));
  EXPECT_THAT(other_compute({{"r", 1e9}}, {}), ElementsAre(none));
}

TEST_F(Compare, TheRecipeIsTheConfigurationButForSeedsNamesPathsAndThreads) {
  const auto recipe = [](const std::string& yaml) {
    SidedRun run;
    run.run.config_yaml = yaml;
    return effort_of(run).recipe;
  };
  const std::string plain = recipe("train: {epochs: 3, batch: 8}\nstrategy: {name: a}");
  EXPECT_EQ(recipe("name: q\nseed: 7\nthreads: 2\ndata: {path: /x, split_seed: 3}\n"
                   "train: {batch: 8, epochs: 3}\nstrategy: {name: a}"),
            recipe("data: {}\ntrain: {epochs: 3, batch: 8}\nstrategy: {name: a}"));
  EXPECT_NE(plain, recipe("train: {epochs: 4, batch: 8}\nstrategy: {name: a}"));
  EXPECT_NE(plain, recipe("train: {epochs: 3, batch: 8}\nstrategy: {name: b}"));
  EXPECT_EQ(recipe("evaluator: {run: a, set: [threads=2, x=1]}"),
            recipe("evaluator: {run: b, set: [x=1]}"));
}

TEST_F(Compare, TablesAreTheSameByTheirHashWhereverTheyLie) {
  MadeSearch base{"b", "b", 0, {{"[4,3,3]", 0.9, 1e6}}};
  base.source = "table";
  base.fidelity = R"({"file":"/here/t.csv","sha256":"aa"})";
  MadeSearch head = base;
  head.id = head.name = "h";
  head.fidelity = R"({"file":"/there/t.csv","sha256":"aa"})";
  MadeSearch other = base;
  other.id = other.name = "o";
  other.fidelity = R"({"file":"/here/t.csv","sha256":"bb"})";
  for (const MadeSearch& s : {base, head, other}) add_search(store, s);
  EXPECT_TRUE(compare("accuracy", side({"b"}), side({"h"}), {}).change);
  EXPECT_THAT(compare("accuracy", side({"b"}), side({"o"}), {}).head[0].why_not,
              HasSubstr("--ignore table"));
}

TEST_F(Compare, NothingWithinTheLimitsIsInfeasible) {
  MadeSearch base{"b", "b", 0, {{"[4,3,3]", 0.9, 1e6}}};
  base.constraints = {"macs <= 2M"};
  MadeSearch head = base;
  head.id = head.name = "h";
  head.tried[0].macs = 3e6;
  add_search(store, base);
  add_search(store, head);
  for (const char* metric : {"accuracy", "hypervolume"}) {
    const Comparison c = compare(metric, side({"b"}), side({"h"}), {});
    EXPECT_EQ(c.verdict, Verdict::kInfeasible);
    EXPECT_TRUE(c.head[0].infeasible);
    EXPECT_EQ(exit_code({c}, false), kDiffInfeasible);
    EXPECT_EQ(compare(metric, side({"h"}), side({"b"}), {}).verdict, Verdict::kNoNumbers);
  }
}

TEST_F(Compare, TauOverCommonArchitectures) {
  for (const char* id : {"t1", "t2", "t3"}) add_training(store, {id, id});
  std::vector<Ranked> good, bad;
  for (int i = 0; i < 40; ++i) {
    const std::string a = "a" + std::to_string(i);
    good.push_back({a, static_cast<double>(i), static_cast<double>(i)});
    bad.push_back({a, static_cast<double>(i % 7), static_cast<double>(i)});
  }
  good.push_back({"only here", 1, 100});
  add_ranking(store, "t1", good);
  add_ranking(store, "t2", bad);
  const Comparison c = compare("tau", side({"t1"}), side({"t2"}), {});
  EXPECT_DOUBLE_EQ(c.change->base, 1);
  EXPECT_LT(c.change->high, 0);
  EXPECT_EQ(c.verdict, Verdict::kWorse);
  EXPECT_THAT(c.of, HasSubstr("40 architectures"));
  EXPECT_THAT(compare("tau", side({"t1"}), side({"t3"}), {}).head[0].why_not,
              HasSubstr("not ranked"));
  for (Ranked& r : bad) r.truth += 0.5;
  add_ranking(store, "t2", bad);
  EXPECT_THAT(compare("tau", side({"t1"}), side({"t2"}), {}).head[0].why_not,
              HasSubstr("another truth"));
}

TEST_F(Compare, TrainingsByTheArchitecturesThatBothJudged) {
  MadeTraining base{"t1", "t1"}, head{"t2", "t2"};
  for (int i = 0; i < 20; ++i) {
    base.accuracies.emplace_back("a" + std::to_string(i), 0.5 + 0.01 * i);
    head.accuracies.emplace_back("a" + std::to_string(i + 5), 0.5 + 0.01 * (i + 5) + 0.02);
  }
  add_training(store, base);
  add_training(store, head);
  const Comparison c = compare("accuracy", side({"t1"}), side({"t2"}), {});
  EXPECT_THAT(c.of, HasSubstr("15 architectures"));
  EXPECT_NEAR(c.change->change, 0.02, 1e-12);
  EXPECT_EQ(c.verdict, Verdict::kBetter);
}

TEST_F(Compare, RunsAreFoundByNamesIdsListsAndPatterns) {
  one("s-1", 0.9);
  one("s-2", 0.9);
  one("x-3", 0.9);
  const auto ids = [&](const std::vector<std::string>& words) {
    std::vector<std::string> list;
    for (const RunRow& run : named_runs(store, words, "--base").runs) list.push_back(run.id);
    return list;
  };
  EXPECT_THAT(ids({"s-2,s-1"}), ElementsAre("s-2", "s-1"));
  EXPECT_THAT(ids({"s-*", "s-1"}), ElementsAre("s-1", "s-2"));
  EXPECT_THAT(ids({"?-[23]"}), ElementsAre("s-2", "x-3"));
  // Runs of sweeps are named with commas.
  store.rename_run("x-3", "sweep,seed=0-abc");
  EXPECT_THAT(ids({"sweep,*"}), ElementsAre("x-3"));
  EXPECT_THAT(ids({"s-1,s-[2]"}), ElementsAre("s-1", "s-2"));
  for (const char* bad : {"none", "s-*,none", "z*", "", "s-1,,s-2"})
    EXPECT_THROW(ids({bad}), ConfigError) << bad;
}

TEST_F(Compare, FrontsOfPoints) {
  EXPECT_THAT(front_of({{1, 5}, {2, 3}, {2, 4}, {3, 3}, {}, {1, 5}, {4, 1}}), ElementsAre(0, 1, 6));
  EXPECT_THAT(front_of({}), IsEmpty());
}

TEST_F(Compare, RecordsKeepOrderLimitsAndTheBaselineApart) {
  MadeSearch s{"s", "s", 0, {{"[4,3,3]", 0.9, 3e6}, {"[3,3,4]", 0.8, 1e6}}};
  s.constraints = {"macs <= 2M"};
  add_search(store, s);
  store.add_evaluations({{"s", "[2,2,6]", "accuracy", 0.99, "supernet:random", s.fidelity},
                         {"s", "[2,2,6]", "macs", 1e6, "plan", "{}"},
                         {"s", "[4,3,3]", "accuracy", 0.1, "supernet", R"({"split":"test"})"}});
  const SearchRecord record = search_record(store, *store.run("s"));
  ASSERT_EQ(record.evaluated.size(), 2U);
  EXPECT_EQ(record.evaluated[0].architecture, "[4,3,3]");
  EXPECT_FALSE(record.evaluated[0].feasible);
  EXPECT_DOUBLE_EQ(record.evaluated[0].values.at("accuracy"), 0.9);
  EXPECT_EQ(record.best()->architecture, "[3,3,4]");
  EXPECT_THAT(record.evaluated[1].point, ElementsAre(-0.8, 1e6));
  ASSERT_EQ(record.random.size(), 1U);
  EXPECT_TRUE(record.random[0].feasible);
}

}  // namespace
}  // namespace nas::test
