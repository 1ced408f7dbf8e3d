// What a search keeps of its architectures, and the front it keeps of them.
#include "search/archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "spaces/random.hpp"

namespace nas {
namespace {

Archive archive() {
  return Archive({{{"accuracy", true}, {"macs", false}}, {parse_constraint("macs <= 80")}});
}

Archive::Entry entry(int16_t gene, double accuracy, double macs) {
  Archive::Entry e;
  e.architecture.genes = {gene};
  e.values = {{"accuracy", accuracy}, {"macs", macs}};
  return e;
}

TEST(Archive, TheFrontIsWhatComparingAllSays) {
  Archive kept = archive();
  Rng rng(4, "archive");
  for (int16_t i = 0; i < 300; ++i)
    // Few values, so that many are equal.
    kept.insert(
        entry(i, 0.1 * static_cast<double>(rng.below(8)), static_cast<double>(rng.below(100))));
  std::vector<const Archive::Entry*> front;
  for (const Archive::Entry& e : kept.entries()) {
    bool in = e.feasible();
    for (const Archive::Entry& other : kept.entries()) {
      if (!other.feasible() || !in) continue;
      const bool equal_before = other.score.objectives == e.score.objectives &&
                                other.architecture.genes < e.architecture.genes;
      in = !dominates(other.score.objectives, e.score.objectives) && !equal_before;
    }
    if (in) front.push_back(&e);
  }
  EXPECT_THAT(kept.front(), testing::UnorderedElementsAreArray(front));
  for (size_t i = 1; i < kept.front().size(); ++i)
    EXPECT_LT(kept.front()[i - 1]->score.objectives[0], kept.front()[i]->score.objectives[0]);
  EXPECT_EQ(kept.evaluations(), 300u);
  EXPECT_EQ(kept.feasible_points().size(), kept.feasible());
}

TEST(Archive, ObjectivesPointDownAndLimitsAreMeasured) {
  Archive kept = archive();
  const Archive::Entry& e = kept.insert(entry(1, 0.75, 60));
  EXPECT_EQ(e.score.objectives, (Point{-0.75, 60}));
  EXPECT_EQ(e.score.violation, 0);
  const Archive::Entry& over = kept.insert(entry(2, 0.9, 100));
  EXPECT_NEAR(over.score.violation, 0.25, 1e-12);  // 20 beyond 80.
  EXPECT_FALSE(over.feasible());
  EXPECT_EQ(kept.feasible(), 1u);
  EXPECT_EQ(kept.find(over.architecture), &over);
  EXPECT_EQ(kept.find(Architecture{{9}}), nullptr);
}

TEST(Archive, WhatLacksAnObjectiveHasFailed) {
  Archive kept = archive();
  Archive::Entry lacking = entry(1, 0.5, 10);
  lacking.values.erase("accuracy");
  EXPECT_EQ(kept.insert(lacking).state, Archive::State::kFailed);
  EXPECT_THAT(kept.entries()[0].error, testing::HasSubstr("not measured"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(kept.insert(entry(2, nan, 10)).state, Archive::State::kFailed);
  EXPECT_EQ(kept.failures(), 2u);
  EXPECT_FALSE(kept.any_feasible());
  EXPECT_TRUE(kept.front().empty());
}

TEST(Archive, TheNearestMissIsThatOfLeastViolation) {
  Archive kept = archive();
  EXPECT_EQ(kept.nearest_miss(), nullptr);
  kept.insert(entry(3, 0.5, 120));
  kept.insert(entry(2, 0.5, 90));
  kept.insert(entry(1, 0.5, 90));  // As near: the first in gene order.
  ASSERT_NE(kept.nearest_miss(), nullptr);
  EXPECT_EQ(kept.nearest_miss()->architecture.genes[0], 1);
}

TEST(Archive, NothingIsKeptTwice) {
  Archive kept = archive();
  kept.insert(entry(1, 0.5, 10));
  EXPECT_THROW(kept.insert(entry(1, 0.6, 10)), std::logic_error);
}

}  // namespace
}  // namespace nas
