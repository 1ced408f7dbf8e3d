// Exact counts and uniform draws, held to what listing says.
#include "spaces/counting/space_tables.hpp"

#include <gtest/gtest.h>

#include <map>

#include "spaces/counting/big_int.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

Choice choice(const std::string& name, int options, std::vector<Condition> conditions = {}) {
  Choice c{name, {}, std::move(conditions)};
  for (int o = 0; o < options; ++o) c.options.push_back(std::to_string(o));
  return c;
}

std::string counted(const std::vector<Choice>& choices, const std::vector<SpaceRule>& rules = {}) {
  return SamplingTables(choices, rules).count().str();
}

std::vector<Architecture> listed(const std::vector<Choice>& choices,
                                 const std::vector<SpaceRule>& rules = {}) {
  std::vector<Architecture> all;
  enumerate_by_conditions(choices, [&](const Architecture& a) {
    const bool holds = std::all_of(
        rules.begin(), rules.end(), [&](const SpaceRule& rule) { return rule.holds(a); });
    if (holds) all.push_back(a);
    return true;
  });
  return all;
}

TEST(SpaceTables, CountsByHand) {
  EXPECT_EQ(counted({choice("a", 3), choice("b", 2)}), "6");
  // b only at a in {1, 2}: 1 + 2 * 4.
  EXPECT_EQ(counted({choice("a", 3), choice("b", 4, {{0, {1, 2}}})}), "9");
  // c hangs on b = 0, b on a: 1 + 2 * (3 + 5).
  EXPECT_EQ(counted({choice("a", 3), choice("b", 4, {{0, {1, 2}}}), choice("c", 5, {{1, {0}}})}),
            "17");
  // Conditions may point to later choices.
  EXPECT_EQ(counted({choice("b", 4, {{1, {1, 2}}}), choice("a", 3)}), "9");
  // Two conditions at once: 3 where both hold, else 1.
  EXPECT_EQ(counted({choice("a", 2), choice("e", 2), choice("d", 3, {{0, {1}}, {1, {0}}})}), "6");
  // Far more than 64 bits hold.
  EXPECT_EQ(counted(std::vector<Choice>(30, choice("x", 10))), "1" + std::string(30, '0'));
}

TEST(SpaceTables, RulesAreCountedExactly) {
  const std::vector<Choice> two = {choice("x", 3), choice("y", 3), choice("free", 7)};
  const SpaceRule sum{{0, 1}, [](const Architecture& a) { return a.genes[0] + a.genes[1] <= 2; }};
  EXPECT_EQ(counted(two, {sum}), std::to_string(6 * 7));
  const SpaceRule never{{0}, [](const Architecture&) { return false; }};
  EXPECT_EQ(counted(two, {never}), "0");
}

// A forest, a choice with two conditions and a rule across them, all at once.
TEST(SpaceTables, DrawsAreUniformOverWhatIsListed) {
  const std::vector<Choice> choices = {choice("a", 3),
                                       choice("b", 2, {{0, {1, 2}}}),
                                       choice("c", 3),
                                       choice("d", 2, {{0, {2}}, {2, {0, 1}}}),
                                       choice("e", 2, {{3, {1}}})};
  const std::vector<SpaceRule> rules = {
      {{0, 2}, [](const Architecture& a) { return a.genes[0] != a.genes[2]; }}};
  const std::vector<Architecture> all = listed(choices, rules);
  const SamplingTables tables(choices, rules);
  ASSERT_EQ(tables.count().str(), std::to_string(all.size()));
  std::map<std::vector<int16_t>, int> seen;
  for (const Architecture& a : all) seen[a.genes] = 0;
  Rng rng(3, "tables");
  Architecture a;
  constexpr int kEach = 400;
  const int draws = kEach * static_cast<int>(all.size());
  for (int i = 0; i < draws; ++i) {
    tables.sample(choices, rng, a);
    const auto at = seen.find(a.genes);
    ASSERT_NE(at, seen.end());
    ++at->second;
  }
  double chi = 0;
  for (const auto& [genes, count] : seen) chi += std::pow(count - kEach, 2) / kEach;
  // Mean n - 1, standard deviation sqrt(2 (n - 1)): five of them.
  const double freedom = static_cast<double>(all.size()) - 1;
  EXPECT_LT(chi, freedom + 5 * std::sqrt(2 * freedom));
}

TEST(SpaceTables, ListsInOrderAndOnlyWhatIsChosen) {
  const std::vector<Choice> choices = {choice("b", 4, {{1, {1, 2}}}), choice("a", 3)};
  const std::vector<Architecture> all = listed(choices);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(all.size(), 9u);
  std::vector<Architecture> some;
  enumerate_by_conditions(
      choices,
      [&](const Architecture& a) {
        some.push_back(a);
        return true;
      },
      ChosenOption{0, 3});
  ASSERT_EQ(some.size(), 2u);  // b = 3 needs a = 1 or 2.
  EXPECT_EQ(some[0].genes, (std::vector<int16_t>{3, 1}));
  EXPECT_EQ(some[1].genes, (std::vector<int16_t>{3, 2}));
}

TEST(SpaceTables, WhatCannotBeCountedIsTold) {
  EXPECT_THROW(counted({choice("a", 2, {{1, {0}}}), choice("b", 2, {{0, {0}}})}), ConfigError);
  const std::vector<Choice> many(20, choice("x", 4));
  SpaceRule all{{}, [](const Architecture&) { return true; }};
  for (size_t c = 0; c < many.size(); ++c) all.choices.push_back(c);
  EXPECT_THROW(counted(many, {all}), ConfigError);
}

TEST(SpaceTables, ActivityFollowsEveryConditionOfTheChain) {
  const std::vector<Choice> choices = {
      choice("a", 2), choice("b", 2, {{0, {1}}}), choice("c", 2, {{1, {1}}, {0, {1}}})};
  for (int16_t a = 0; a < 2; ++a)
    for (int16_t b = 0; b < 2; ++b) {
      const Architecture arch{{a, b, 0}};
      const std::vector<char> active = active_choices(choices, arch);
      EXPECT_EQ(active_by_conditions(choices, arch, 1), a == 1);
      EXPECT_EQ(active_by_conditions(choices, arch, 2), a == 1 && b == 1);
      for (size_t c = 0; c < 3; ++c)
        EXPECT_EQ(active[c] != 0, active_by_conditions(choices, arch, c)) << c;
    }
}

TEST(Demands, AreWokenTogetherAndUndone) {
  const std::vector<Choice> choices = {choice("a", 3),
                                       choice("b", 2, {{0, {1, 2}}}),
                                       choice("c", 2, {{1, {1}}}),
                                       choice("d", 2, {{0, {0}}})};
  Demands demands(choices);
  const size_t mark = demands.mark();
  EXPECT_TRUE(demands.wake(2));  // c, hence b = 1, hence a in {1, 2}.
  EXPECT_TRUE(demands.awake(1));
  EXPECT_FALSE(demands.allows(0, 0));
  EXPECT_TRUE(demands.allows(0, 2));
  EXPECT_FALSE(demands.allows(1, 0));
  const size_t before = demands.mark();
  EXPECT_FALSE(demands.wake(3));  // d wants a = 0.
  demands.undo(before);
  EXPECT_TRUE(demands.allows(0, 2));
  demands.undo(mark);
  EXPECT_TRUE(demands.allows(0, 0));
  EXPECT_FALSE(demands.awake(1));
}

}  // namespace
}  // namespace nas
