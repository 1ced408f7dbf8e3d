// Bounds of what limits leave, against all architectures of random spaces: nothing that is inside
// them, or as good as what is known, may lie beyond a bound.
#include "search/exact/relaxation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "search/exact/inside.hpp"
#include "tests/search/exact/random_case.hpp"

namespace nas {
namespace {

using exact::Aim;
using exact::Bounds;
using exact::Limit;
using exact::Relaxation;
using exact::Rest;
using test::Case;
using test::each_case;

/// A sum without what every architecture has, which the tables leave out.
double open_sum(const Case& one, size_t i, const Aim& of) {
  const int64_t constant = one.terms->units()[of.metric].constant;
  return static_cast<double>(of.sign * (one.sums[i][of.metric] - constant));
}
double weighted(const Case& one, size_t i, const std::vector<double>& weights) {
  double sum = 0;
  for (size_t m = 0; m < weights.size(); ++m) sum += weights[m] * open_sum(one, i, {m, 1});
  return sum;
}
double tolerance(double value) {
  return 1e-9 * (1 + std::abs(value));
}
/// Limits that some architectures meet, often.
std::vector<Limit> some_limits(const Case& one, Rng& rng) {
  std::vector<Limit> limits = one.random_limits(rng);
  if (limits.empty()) limits.push_back({.metric = 2, .high = one.at_share(2, 0.4)});
  // The same metric twice: the closer of the two counts.
  if (rng.below(3) == 0) limits.push_back({.metric = 2, .high = one.at_share(2, rng.uniform())});
  return limits;
}

TEST(LimitBounds, RoomIsWhatTheClosestLimitLeaves) {
  each_case("room", 150, [](const Case& one, Rng& rng) {
    const std::vector<Limit> limits = some_limits(one, rng);
    const Bounds bounds(*one.terms, limits, {});
    for (size_t i = 0; i < one.all.size(); ++i) {
      bool fits = true;
      for (size_t s = 0; s < bounds.sides().size(); ++s)
        fits = fits && open_sum(one, i, bounds.sides()[s]) <= bounds.room(s);
      EXPECT_EQ(fits, one.inside(i, limits)) << one.space->text(one.all[i]);
    }
    for (size_t s = 0; s < bounds.sides().size(); ++s)
      for (size_t other = 0; other < s; ++other)
        EXPECT_FALSE(bounds.sides()[s].metric == bounds.sides()[other].metric &&
                     bounds.sides()[s].sign == bounds.sides()[other].sign);
  });
}

TEST(LimitBounds, LimitsThatEverythingMeetsAreNone) {
  each_case("met", 40, [](const Case& one, Rng&) {
    const std::vector<Limit> limits = {
        {.metric = 0, .low = one.at_share(0, 0), .high = one.at_share(0, 1)}, {.metric = 1}};
    EXPECT_TRUE(Bounds(*one.terms, limits, {}).sides().empty());
    EXPECT_TRUE(Bounds(*one.terms, limits, {}).possible());
  });
}

TEST(LimitBounds, WhatNoLimitAloneAllowsIsImpossible) {
  each_case("possible", 150, [](const Case& one, Rng& rng) {
    std::vector<Limit> limits = some_limits(one, rng);
    if (rng.below(2) == 0) limits.push_back({.metric = 1, .high = one.at_share(1, 0) - 1});
    if (rng.below(3) == 0) limits.push_back({.metric = 0, .low = one.at_share(0, 1) + 1});
    bool each_met = true;
    for (const Limit& limit : limits) {
      // A band is two limits, each by itself.
      bool low = false, high = false;
      for (const auto& sums : one.sums) {
        low = low || sums[limit.metric] >= limit.low;
        high = high || sums[limit.metric] <= limit.high;
      }
      each_met = each_met && low && high;
    }
    EXPECT_EQ(Bounds(*one.terms, limits, {}).possible(), each_met);
  });
}

// The roots' least parts add up to the least of all, for each side and the weighted sum.
TEST(LimitBounds, PartsAddUpToTheLeastOfAll) {
  each_case("parts", 100, [](const Case& one, Rng& rng) {
    const std::vector<Limit> limits = some_limits(one, rng);
    const std::vector<double> weights = {rng.uniform() - 0.5, rng.uniform(), -rng.uniform()};
    const Bounds bounds(*one.terms, limits, weights);
    Rest all = bounds.none();
    for (const size_t root : one.terms->roots()) all += bounds.below(root, 0);
    double least = HUGE_VAL;
    std::vector<double> sides(bounds.sides().size(), HUGE_VAL);
    for (size_t i = 0; i < one.all.size(); ++i) {
      least = std::min(least, weighted(one, i, weights));
      for (size_t s = 0; s < sides.size(); ++s)
        sides[s] = std::min(sides[s], open_sum(one, i, bounds.sides()[s]));
    }
    EXPECT_NEAR(all.weighted, least, tolerance(least));
    EXPECT_EQ(all.sides, sides);
    // What stands beside a root is the rest.
    for (const size_t root : one.terms->roots()) {
      Rest both = bounds.below(root, 0);
      both += bounds.above(root, 0);
      EXPECT_NEAR(both.weighted, least, tolerance(least));
      EXPECT_EQ(both.sides, sides);
    }
  });
}

TEST(Relaxation, NothingInsideIsBetterThanItsBound) {
  int exact = 0, known = 0;
  each_case("bound", 200, [&](const Case& one, Rng& rng) {
    const Aim aim{rng.below(3), rng.below(2) == 0 ? 1 : -1};
    const std::vector<Limit> limits = some_limits(one, rng);
    const Bounds sides(*one.terms, limits, {});
    if (!sides.possible()) return;
    const Relaxation relaxed(*one.terms, aim, limits, sides);
    std::optional<int64_t> best;
    for (size_t i = 0; i < one.all.size(); ++i)
      if (one.inside(i, limits)) {
        const int64_t value = aim.sign * one.sums[i][aim.metric];
        best = std::min(best.value_or(value), value);
        EXPECT_LE(aim.sign * relaxed.bound(), value) << one.space->text(one.all[i]);
      }
    exact += best && aim.sign * relaxed.bound() == *best;
    if (!relaxed.best()) return;
    // What it found by the way is one of those, and its sums are right.
    ++known;
    ASSERT_TRUE(best);
    const auto at = std::find(one.all.begin(), one.all.end(), relaxed.best()->architecture);
    ASSERT_NE(at, one.all.end());
    const auto i = static_cast<size_t>(at - one.all.begin());
    EXPECT_TRUE(one.inside(i, limits));
    EXPECT_EQ(relaxed.best()->sums, one.sums[i]);
    EXPECT_GE(aim.sign * relaxed.best()->sums[aim.metric], *best);
  });
  // It is worth having: the bound is often reached, and something inside is mostly met.
  EXPECT_GT(exact, 60);
  EXPECT_GT(known, 120);
}

TEST(Relaxation, AllThatIsAsGoodAsTheKnownLiesBelowTheCeiling) {
  int above = 0;
  each_case("ceiling", 200, [&](const Case& one, Rng& rng) {
    const Aim aim{rng.below(3), rng.below(2) == 0 ? 1 : -1};
    const std::vector<Limit> limits = some_limits(one, rng);
    const Bounds sides(*one.terms, limits, {});
    if (!sides.possible()) return;
    const Relaxation relaxed(*one.terms, aim, limits, sides);
    if (!relaxed.best()) {
      EXPECT_EQ(relaxed.ceiling(), HUGE_VAL);  // Nothing may be left out.
      return;
    }
    for (size_t i = 0; i < one.all.size(); ++i) {
      const double sum = weighted(one, i, relaxed.weights());
      above += sum > relaxed.ceiling();
      if (one.inside(i, limits) &&
          aim.sign * one.sums[i][aim.metric] <= aim.sign * relaxed.best()->sums[aim.metric]) {
        EXPECT_LE(sum, relaxed.ceiling()) << one.space->text(one.all[i]);
      }
    }
  });
  EXPECT_GT(above, 200);  // And leaves something out.
}

// Of a sum of the aim and of sides: the same numbers, told by what they are of.
TEST(Relaxation, WeightsAreThoseOfTheAimAndOfTheSides) {
  each_case("weights", 60, [](const Case& one, Rng& rng) {
    const Aim aim{0, rng.below(2) == 0 ? 1 : -1};
    const std::vector<Limit> limits = some_limits(one, rng);
    const Bounds sides(*one.terms, limits, {});
    if (!sides.possible()) return;
    const Relaxation relaxed(*one.terms, aim, limits, sides);
    double shift = 0;
    for (size_t s = 0; s < sides.sides().size(); ++s) {
      const bool own = sides.sides()[s].metric == aim.metric && sides.sides()[s].sign == aim.sign;
      const double multiplier = relaxed.weight(sides.sides()[s]) - (own ? 1 : 0);
      EXPECT_GE(multiplier, 0);
      shift += multiplier * sides.room(s);
    }
    EXPECT_NEAR(relaxed.shift(), shift, tolerance(shift));
    for (size_t m = 0; m < 3; ++m)
      EXPECT_NEAR(relaxed.weights()[m],
                  relaxed.weight({m, 1}) - relaxed.weight({m, -1}),
                  1e-9 * (1 + std::abs(relaxed.weights()[m])));
  });
}

// By hand: two choices of 0, 1, 2, each with its gain; the price is their sum.
class TwoChoices final : public Space {
 public:
  TwoChoices() {
    name_ = "two";
    choices_ = {{"a", {"0", "1", "2"}, {}}, {"b", {"0", "1", "2"}, {}}};
  }
  void build(const Architecture&, Plan&) const override { throw InternalShapeError("none"); }
};

TEST(Relaxation, ByHand) {
  const TwoChoices space;
  // Gains 0, 3, 4 for a price of 0, 1, 2, and of the other 0, 2, 5.
  const double first[] = {0, 3, 4}, second[] = {0, 2, 5};
  const std::vector<exact::MetricFunction> metrics = {
      {"gain",
       [&](const Architecture& a) {
         return first[static_cast<size_t>(a.genes[0])] + second[static_cast<size_t>(a.genes[1])];
       }},
      {"price", [](const Architecture& a) { return double{0} + a.genes[0] + a.genes[1]; }}};
  const exact::Factorised found = exact::factorise(space, metrics, 0);
  ASSERT_TRUE(found.terms) << found.why_not;
  const Aim most{0, -1};
  // A price of 3 buys 1 and 2: 8, which the relaxation finds and proves.
  const std::vector<Limit> three = {{.metric = 1, .high = 3}};
  const Bounds sides(*found.terms, three, {});
  const Relaxation relaxed(*found.terms, most, three, sides);
  ASSERT_TRUE(relaxed.best());
  EXPECT_EQ(relaxed.best()->architecture.genes, (std::vector<int16_t>{1, 2}));
  EXPECT_EQ(relaxed.bound(), 8);
  // A price of 1 buys 3; between (0, 0), (1, 3) and (3, 8) the line at 1 is 3.
  const std::vector<Limit> one = {{.metric = 1, .high = 1}};
  EXPECT_EQ(Relaxation(*found.terms, most, one, Bounds(*found.terms, one, {})).bound(), 3);
  // A price of 2 buys 5, and the line from (1, 3) to (3, 8) is 5.5 there: no whole gain above 5.
  const std::vector<Limit> two = {{.metric = 1, .high = 2}};
  EXPECT_EQ(Relaxation(*found.terms, most, two, Bounds(*found.terms, two, {})).bound(), 5);
}

}  // namespace
}  // namespace nas
