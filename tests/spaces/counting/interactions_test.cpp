// Which choices act together, found from values alone: held to functions whose terms are known.
#include "spaces/counting/interactions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "spaces/error.hpp"

namespace nas::exact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Choices without networks.
class Bare : public Space {
 public:
  explicit Bare(std::vector<Choice> choices) {
    name_ = "bare";
    choices_ = std::move(choices);
  }
  void build(const Architecture&, Plan&) const override { throw InternalShapeError("no network"); }
};

std::vector<Choice> free_choices(size_t n, size_t options) {
  std::vector<Choice> choices;
  for (size_t c = 0; c < n; ++c) {
    choices.push_back({"c" + std::to_string(c), {}, {}});
    for (size_t o = 0; o < options; ++o) choices.back().options.push_back(std::to_string(o));
  }
  return choices;
}

/// A sum of tables with random entries, one for each scope.
struct Sum {
  std::vector<std::vector<size_t>> scopes;
  uint64_t seed = 1;
  double operator()(const Architecture& a) const {
    double sum = 0;
    for (size_t s = 0; s < scopes.size(); ++s) {
      uint64_t key = splitmix64(seed + s);
      for (const size_t c : scopes[s])
        key = splitmix64(key ^ static_cast<uint64_t>(a.genes[c] + 1));
      sum += static_cast<double>(key >> 40);
    }
    return sum;
  }
};

Neighbours found(const Space& space, const Values::Metric& metric, int contexts = 12) {
  const Domain domain(space);
  Values values(space, {metric});
  return interactions(domain, {}, values, contexts, 5);
}

Neighbours pairs_of(size_t n, const std::vector<std::vector<size_t>>& scopes) {
  std::vector<std::set<size_t>> sets(n);
  for (const auto& scope : scopes)
    for (const size_t a : scope)
      for (const size_t b : scope)
        if (a != b) sets[a].insert(b);
  Neighbours all;
  for (const auto& set : sets) all.emplace_back(set.begin(), set.end());
  return all;
}

TEST(Interactions, ASumOverSingleChoicesHasNone) {
  const Bare space(free_choices(12, 4));
  Sum sum;
  for (size_t c = 0; c < 12; ++c) sum.scopes.push_back({c});
  for (const auto& partners : found(space, sum)) EXPECT_THAT(partners, IsEmpty());
}

TEST(Interactions, PairsAndTriplesAreFoundAndNothingElse) {
  Rng rng(4, "scopes");
  for (int i = 0; i < 60; ++i) {
    const size_t n = 4 + rng.below(12);
    const Bare space(free_choices(n, 3));
    Sum sum;
    sum.seed = static_cast<uint64_t>(i);
    for (size_t c = 0; c < n; ++c) sum.scopes.push_back({c});
    for (uint64_t k = rng.below(n); k > 0; --k) {
      std::set<size_t> scope;
      while (scope.size() < 2 + rng.below(2)) scope.insert(rng.below(n));
      sum.scopes.emplace_back(scope.begin(), scope.end());
    }
    EXPECT_EQ(found(space, sum, 24), pairs_of(n, sum.scopes)) << i;
  }
}

TEST(Interactions, FewQuestionsForManyChoices) {
  // 60 choices in a chain: partners are the neighbours, and far fewer architectures are asked for
  // than pairs of options there are (1770 pairs of choices, nine combinations each).
  const Bare space(free_choices(60, 3));
  Sum chain;
  for (size_t c = 0; c + 1 < 60; ++c) chain.scopes.push_back({c, c + 1});
  Values values(space, {chain});
  EXPECT_EQ(interactions(Domain(space), {}, values, 12, 1), pairs_of(60, chain.scopes));
  EXPECT_LT(values.asked(), 1770u * 9u / 2u);
}

TEST(Interactions, SeveralMetricsAreJoined) {
  const Bare space(free_choices(6, 3));
  Sum first, second;
  first.scopes = {{0, 1}, {2}};
  second.scopes = {{1, 4}, {3, 5}};
  second.seed = 9;
  Values values(space, {first, second});
  EXPECT_EQ(values.metrics(), 2u);
  EXPECT_EQ(interactions(Domain(space), {}, values, 24, 2), pairs_of(6, {{0, 1}, {1, 4}, {3, 5}}));
}

TEST(Interactions, WhatOpensAChoiceIsItsPartner) {
  std::vector<Choice> choices = free_choices(5, 3);
  choices[3].conditions = {{1, {1, 2}}};
  choices[4].conditions = {{3, {2}}};
  const Bare space(std::move(choices));
  // Choice 4 acts with 0: then whatever opens 4 is a partner of 0, too.
  Sum sum;
  sum.scopes = {{0}, {1}, {2}, {3}, {0, 4}};
  const Neighbours partners = found(space, sum, 24);
  EXPECT_THAT(partners[0], ElementsAre(1, 3, 4));
  EXPECT_THAT(partners[1], ElementsAre(0, 3, 4));
  EXPECT_THAT(partners[2], IsEmpty());
  EXPECT_THAT(partners[3], ElementsAre(0, 1, 4));
  EXPECT_THAT(partners[4], ElementsAre(0, 1, 3));
}

TEST(Interactions, RulesTieWhatTheyNameAndWhatOpensIt) {
  std::vector<Choice> choices = free_choices(5, 3);
  choices[4].conditions = {{2, {1}}};
  const Bare space(std::move(choices));
  Sum sum;
  for (size_t c = 0; c < 5; ++c) sum.scopes.push_back({c});
  const std::vector<SpaceRule> rules = {{{0, 4}, [](const Architecture&) { return true; }}};
  Values values(space, {sum});
  const Neighbours partners = interactions(Domain(space), rules, values, 12, 3);
  EXPECT_THAT(partners[0], ElementsAre(2, 4));
  EXPECT_THAT(partners[1], IsEmpty());
  EXPECT_THAT(partners[2], ElementsAre(0, 4));
  EXPECT_THAT(partners[4], ElementsAre(0, 2));
}

TEST(Interactions, OnlyWhatIsOpenInTheDomainActs) {
  // 0 and 1 act together, but 1 has one option left.
  const Bare space(free_choices(3, 3));
  Sum sum;
  sum.scopes = {{0, 1}, {1, 2}};
  Values values(space, {sum});
  const Domain part(space, Restriction::parse(space, {"c1=2"}));
  for (const auto& partners : interactions(part, {}, values, 12, 1))
    EXPECT_THAT(partners, IsEmpty());
}

TEST(Interactions, AProductOfEverythingIsRefusedSoon) {
  const Bare space(free_choices(40, 4));
  const auto product = [](const Architecture& a) {
    double value = 1;
    for (const int16_t gene : a.genes) value *= 1 + 0.1 * gene;
    return value;
  };
  Values values(space, {product});
  try {
    interactions(Domain(space), {}, values, 12, 1);
    ADD_FAILURE();
  } catch (const NotAdditive& e) {
    EXPECT_THAT(e.what(), HasSubstr("too many choices act on it together (c"));
    EXPECT_THAT(e.what(), HasSubstr(" others)"));
  }
  EXPECT_LT(values.asked(), 20'000u) << "it should have been seen early";
}

TEST(Interactions, ValuesAreAskedForOnceForEachNetwork) {
  std::vector<Choice> choices = free_choices(3, 2);
  choices[2].conditions = {{0, {1}}};
  const Bare space(std::move(choices));
  int asked = 0;
  Values values(space, {[&asked](const Architecture& a) {
                  ++asked;
                  return 10.0 * a.genes[0] + a.genes[2];
                }});
  EXPECT_EQ(values.of(Architecture{{0, 0, 0}})[0], 0);
  EXPECT_EQ(values.of(Architecture{{0, 0, 1}})[0], 0) << "choice 2 is closed";
  EXPECT_EQ(values.of(Architecture{{1, 0, 1}})[0], 11);
  EXPECT_EQ(values.of(Architecture{{1, 0, 1}})[0], 11);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(values.asked(), 2u);
}

TEST(Interactions, DifferencesAreEqualButForRounding) {
  const Bare space(free_choices(1, 2));
  Values values(space, {[](const Architecture&) { return 1e9; }});
  values.of(Architecture{{0}});
  EXPECT_TRUE(values.same(1, 1 + 1e-3, 0)) << "1e-12 of the largest value";
  EXPECT_FALSE(values.same(1, 1.1, 0)) << "1e-10 of it";
  EXPECT_FALSE(values.same(1, std::numeric_limits<double>::quiet_NaN(), 0));
}

TEST(Interactions, WhatIsNoNumberAndWhatCannotBeBuiltIsToldForWhatItIs) {
  const Bare space(free_choices(2, 2));
  const auto reason = [&](const Values::Metric& metric) -> std::string {
    Values values(space, {metric});
    try {
      values.of(Architecture{{1, 0}});
    } catch (const NotAdditive& e) {
      return e.what();
    }
    return "none";
  };
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL})
    EXPECT_EQ(reason([value](const Architecture&) { return value; }),
              "its value is no number for c0=1,c1=0");
  EXPECT_EQ(reason([&](const Architecture& a) -> double {
              Plan plan;
              space.build(a, plan);
              return 0;
            }),
            "there are combinations of its options that cannot be built");
  EXPECT_EQ(reason([](const Architecture&) -> double { throw DataError("no row for it"); }),
            "no row for it");
}

TEST(Interactions, AncestorsAreAllThatDecideAboutAChoice) {
  std::vector<Choice> choices = free_choices(6, 2);
  choices[0].conditions = {{5, {1}}};  // On a later one.
  choices[1].conditions = {{0, {1}}, {2, {0}}};
  choices[4].conditions = {{1, {1}}, {0, {1}}};
  const auto above = ancestors(choices);
  EXPECT_THAT(above[0], ElementsAre(5));
  EXPECT_THAT(above[1], ElementsAre(0, 2, 5));
  EXPECT_THAT(above[2], IsEmpty());
  EXPECT_THAT(above[3], IsEmpty());
  EXPECT_THAT(above[4], ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(above[5], IsEmpty());
}

}  // namespace
}  // namespace nas::exact
