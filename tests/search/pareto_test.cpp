#include "search/pareto.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "search/archive.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using testing::ElementsAre;
constexpr double kInf = std::numeric_limits<double>::infinity();

const std::vector<Point> kTwo = {{1, 5}, {2, 3}, {4, 2}, {3, 3}, {5, 1}, {2, 4}, {6, 6}};

TEST(Pareto, TwoObjectiveOracles) {  // search.md 8.1
  EXPECT_EQ(hypervolume(kTwo, {7, 7}), 27);
  EXPECT_EQ(hypervolume(kTwo, {6, 6}), 16);
  EXPECT_EQ(hypervolume(kTwo, {5, 5}), 7);
  EXPECT_THAT(non_dominated_ranks(kTwo), ElementsAre(0, 0, 0, 1, 0, 1, 2));
  const auto crowding = crowding_distances({{1, 5}, {2, 3}, {4, 2}, {5, 1}});
  EXPECT_THAT(crowding, ElementsAre(kInf, 1.5, 1.25, kInf));
}

TEST(Pareto, ThreeObjectiveOracles) {  // search.md 8.2
  const std::vector<Point> points = {{1, 4, 3}, {2, 2, 2}, {4, 1, 1}, {3, 3, 1}, {2, 3, 4}};
  EXPECT_EQ(hypervolume(points, {5, 5, 5}), 38);
  EXPECT_THAT(non_dominated_ranks(points), ElementsAre(0, 0, 0, 0, 1));
}

TEST(Pareto, ConstrainedDominanceOracle) {  // search.md 8.11
  const std::vector<ScoredPoint> points = {{{-70, 590}, 0}, {{-90, 100}, .01}, {{-99, 50}, .2}};
  EXPECT_THAT(non_dominated_ranks(points), ElementsAre(0, 1, 2));
  // The same through the transform that leaves the sorting itself unconstrained: U_j + v.
  EXPECT_THAT(non_dominated_ranks(std::vector<Point>{{-70, 590}, {.01, 600.01}, {.2, 600.2}}),
              ElementsAre(0, 1, 2));
}

TEST(Pareto, HypervolumeEqualsCountingCells) {
  // Integer points in 2 to 4 dimensions: the volume is the number of unit cells dominated.
  Rng rng(1, "cells");
  for (size_t m = 2; m <= 4; ++m) {
    for (int round = 0; round < 10; ++round) {
      std::vector<Point> points(7, Point(m));
      for (Point& point : points)
        for (double& value : point) value = static_cast<double>(rng.below(7));
      const Point reference(m, 6.0);
      int cells = 0;
      for (int cell = 0; cell < std::pow(6, m); ++cell) {
        Point corner(m);
        int rest = cell;
        for (double& value : corner) {
          value = rest % 6;
          rest /= 6;
        }
        for (const Point& point : points) {
          bool covers = true;
          for (size_t k = 0; k < m; ++k) covers &= point[k] <= corner[k] && point[k] < 6;
          if (covers) {
            ++cells;
            break;
          }
        }
      }
      EXPECT_EQ(hypervolume(points, reference), cells);
    }
  }
}

TEST(Pareto, HypervolumeOfNothingAndOfRubbish) {
  EXPECT_EQ(hypervolume({}, {1, 1}), 0);
  EXPECT_EQ(hypervolume({{NAN, 0}, {1, 0}, {2, -1}, {0, kInf}}, {1, 1}), 0);
  EXPECT_EQ(hypervolume({{0, 0}, {0, 0}}, {1, 1}), 1);
  EXPECT_EQ(hypervolume({{3}, {2}, {9}}, {5}), 3);
}

TEST(Pareto, CrowdingOfEqualPointsIsNotANumberNowhere) {
  for (const double d : crowding_distances({{1, 1}, {1, 1}, {1, 1}})) EXPECT_EQ(d, 0);
  EXPECT_TRUE(crowding_distances({}).empty());
  EXPECT_EQ(crowding_distances({{1, 2}}).size(), 1u);
}

TEST(Pareto, DerivedReferenceLiesBehindEveryPoint) {
  EXPECT_THAT(derived_reference({{-90, 10}, {-70, 30}}), ElementsAre(-68, 32));
  EXPECT_THAT(derived_reference({{-90, 0}}), ElementsAre(-81, 1));
  EXPECT_TRUE(derived_reference({}).empty());
}

TEST(Pareto, KneeIsFarthestFromTheLineOfTheExtremes) {
  EXPECT_EQ(knee_index({{0, 10}, {1, 2}, {5, 1}, {10, 0}}), 1u);
  EXPECT_EQ(knee_index({{3, 4}}), 0u);
  EXPECT_EQ(knee_index({{0, 1000}, {.5, 900}, {.6, 100}, {1, 0}}), 2u);
}

// Definition: repeated removal of what no other dominates.
std::vector<int> ranks_by_definition(const std::vector<ScoredPoint>& points) {
  std::vector<int> ranks(points.size(), -1);
  for (int rank = 0; std::count(ranks.begin(), ranks.end(), -1) > 0; ++rank) {
    std::vector<size_t> front;
    for (size_t i = 0; i < points.size(); ++i) {
      bool beaten = ranks[i] >= 0;
      for (size_t j = 0; j < points.size(); ++j)
        beaten |= ranks[j] < 0 && constrained_dominates(points[j], points[i]);
      if (!beaten) front.push_back(i);
    }
    for (const size_t i : front) ranks[i] = rank;
  }
  return ranks;
}

TEST(Pareto, RanksAreThoseOfTheDefinition) {
  Rng rng(3, "ranks");
  for (const size_t objectives : {1u, 2u, 3u})
    for (int trial = 0; trial < 30; ++trial) {
      std::vector<ScoredPoint> points(1 + rng.below(40));
      for (ScoredPoint& point : points) {
        // Few values, so that there are ties and equal points.
        for (size_t k = 0; k < objectives; ++k)
          point.objectives.push_back(static_cast<double>(rng.below(6)));
        if (rng.below(3) == 0) point.violation = static_cast<double>(1 + rng.below(4));
        if (point.violation > 3) point.objectives.clear();  // a failure
      }
      EXPECT_EQ(non_dominated_ranks(points), ranks_by_definition(points)) << objectives;
    }
}

TEST(Pareto, ManyPointsAreRankedInAMoment) {
  Rng rng(4, "many");
  std::vector<Point> points;
  for (int i = 0; i < 200000; ++i) points.push_back({rng.uniform(), rng.uniform()});
  const auto start = std::chrono::steady_clock::now();
  const std::vector<int> ranks = non_dominated_ranks(points);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(*std::min_element(ranks.begin(), ranks.end()), 0);
}

TEST(Archive, KeepsTheFrontAsItGrows) {
  Rng rng(5, "front");
  Archive archive({{{"accuracy", true}, {"macs", false}}, {parse_constraint("macs <= 7")}});
  for (int16_t i = 0; i < 200; ++i) {
    Archive::Entry entry;
    entry.architecture.genes = {i};
    entry.values = {{"accuracy", static_cast<double>(rng.below(9))},
                    {"macs", static_cast<double>(rng.below(9))}};
    archive.insert(entry);
    std::vector<Point> expected;  // of equal points one
    for (const Point& p : archive.feasible_points()) {
      bool beaten = false;
      for (const Point& q : archive.feasible_points()) beaten |= dominates(q, p);
      if (!beaten) expected.push_back(p);
    }
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    std::vector<Point> front;
    for (const Archive::Entry* e : archive.front()) {
      front.push_back(e->score.objectives);
      for (const Archive::Entry& other : archive.entries())  // the first of its objectives
        if (other.feasible() && other.score.objectives == e->score.objectives) {
          EXPECT_EQ(&other, e);
          break;
        }
    }
    ASSERT_EQ(front, expected);
  }
}

}  // namespace
}  // namespace nas
