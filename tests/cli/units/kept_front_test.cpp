// Fronts of stored results, against comparing each with each.
#include "cli/runs/results/kept_front.hpp"

#include <gmock/gmock.h>

#include <set>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas::cli {
namespace {

using ::testing::ElementsAre;

Results table_of(const std::vector<std::map<std::string, double>>& rows) {
  Results table;
  for (const auto& values : rows)
    table.entries.push_back({std::to_string(table.entries.size()), 0, values});
  return table;
}
std::vector<std::string> names(const Results& table) {
  std::vector<std::string> all;
  for (const Entry& entry : table.entries) all.push_back(entry.architecture);
  return all;
}
const std::vector<Objective> kGoals = {{"accuracy", true}, {"macs", false}};

TEST(KeptFronts, AreWhatComparingAllLeaves) {
  Rng rng(1, "fronts");
  size_t equals = 0;
  for (int k = 0; k < 300; ++k) {
    std::vector<std::map<std::string, double>> rows(1 + rng.below(25));
    for (auto& row : rows)
      row = {{"accuracy", static_cast<double>(rng.below(6))},
             {"macs", static_cast<double>(rng.below(6))},
             {"params", rng.uniform()}};
    std::vector<std::string> first, all;
    std::set<std::pair<double, double>> seen;
    for (size_t i = 0; i < rows.size(); ++i) {
      bool dominated = false;
      for (auto& other : rows)
        dominated |= other["accuracy"] >= rows[i]["accuracy"] && other["macs"] <= rows[i]["macs"] &&
                     (other["accuracy"] > rows[i]["accuracy"] || other["macs"] < rows[i]["macs"]);
      if (dominated) continue;
      all.push_back(std::to_string(i));
      if (seen.emplace(rows[i]["accuracy"], rows[i]["macs"]).second)
        first.push_back(std::to_string(i));
    }
    Results one = table_of(rows), every = table_of(rows);
    const FrontFacts facts = keep_front({}, one, kGoals);
    EXPECT_EQ(names(one), first);
    EXPECT_EQ(facts.equal, all.size() - first.size());
    EXPECT_EQ(facts.uncertain, 0U);
    EXPECT_EQ(keep_front({.equal = true}, every, kGoals).equal, 0U);
    EXPECT_EQ(names(every), all);
    equals += facts.equal;
  }
  EXPECT_GT(equals, 50U);
}

TEST(KeptFronts, WithoutObjectivesAllStays) {
  Results table = table_of({{{"accuracy", 1}}, {{"accuracy", 2}}});
  keep_front({}, table, {});
  EXPECT_THAT(names(table), ElementsAre("0", "1"));
  Results none;
  EXPECT_EQ(keep_front({.noise = 0.9}, none, kGoals).equal, 0U);
}

// Measured four times each, with a deviation of 2: a mean is off by 1. The first is better than the
// second by a tenth of that, and than the third by far.
TEST(KeptFronts, WhatNoiseCouldTurnRoundIsKeptAndCounted) {
  const std::vector<std::map<std::string, double>> rows = {
      {{"accuracy", 90}, {"accuracy_spread", 2}, {"accuracy_n", 4}, {"macs", 5}},
      {{"accuracy", 89.9}, {"accuracy_spread", 2}, {"accuracy_n", 4}, {"macs", 6}},
      {{"accuracy", 70}, {"accuracy_spread", 2}, {"accuracy_n", 4}, {"macs", 7}}};
  Results plain = table_of(rows), noisy = table_of(rows);
  EXPECT_EQ(keep_front({}, plain, kGoals).uncertain, 0U);
  EXPECT_THAT(names(plain), ElementsAre("0"));
  EXPECT_EQ(keep_front({.noise = 0.95}, noisy, kGoals).uncertain, 1U);
  EXPECT_THAT(names(noisy), ElementsAre("0", "1"));
}

TEST(KeptFronts, NoiseThatNothingTellsIsRefused) {
  Results table = table_of({{{"accuracy", 1}, {"macs", 1}}, {{"accuracy", 2}, {"macs", 1}}});
  try {
    keep_front({.noise = 0.95}, table, kGoals);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.problems().at(0).message,
              "--noise: no architecture was measured more than once, so that nothing is known of "
              "noise");
  }
  EXPECT_EQ(table.entries.size(), 2U);
}

}  // namespace
}  // namespace nas::cli
