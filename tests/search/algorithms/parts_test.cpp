// What search algorithms are made of: genomes of pagmo, scales, standings, choices from fronts,
// expected growth of the hypervolume; each against its definition on random inputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "search/algorithms/pagmo/pagmo_problem.hpp"
#include "search/algorithms/standing.hpp"
#include "search/algorithms/surrogate/improvement.hpp"
#include "search/algorithms/surrogate/inner_search.hpp"
#include "spaces/error.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing_toy::ToySpace;
using testing_toy::WideSpace;

// ---- Genomes.

TEST(Genome, DecodesWhatItEncodes) {
  const ToySpace space;
  for (const char* part : {"", "w1=8|16, depth=3", "k1=3, alias=b"})
    for (const bool integers : {true, false}) {
      const Domain domain(
          space,
          std::string(part).empty() ? Restriction(space) : Restriction::parse(space, {part}));
      const Genome genome(domain, integers);
      size_t open = 0;
      for (size_t c = 0; c < space.choices().size(); ++c)
        open += domain.option_count(c) > 1 ? 1 : 0;
      EXPECT_EQ(genome.size(), open) << "choices of one option are no numbers";
      const auto [low, high] = genome.bounds();
      Rng rng(1, "genome");
      for (int i = 0; i < 200; ++i) {
        const Architecture a = domain.sample(rng);
        const pagmo::vector_double x = genome.encode(a, rng);
        ASSERT_EQ(x.size(), open);
        for (size_t k = 0; k < open; ++k) {
          EXPECT_GE(x[k], low[k]);
          EXPECT_LE(x[k], high[k]);
          EXPECT_EQ(x[k], std::round(x[k]));
        }
        EXPECT_EQ(genome.decode(x), a);
        // Anything that rounds to the same numbers is the same architecture.
        pagmo::vector_double near = x;
        for (double& v : near) v += 0.98 * (rng.uniform() - 0.5);
        EXPECT_EQ(genome.decode(near), a);
      }
    }
}

TEST(Genome, EveryOptionHasAnIntervalOfLengthOne) {
  const WideSpace space;
  const Domain domain(space);
  const Genome real(domain, false), whole(domain, true);
  EXPECT_EQ(real.bounds().first[0], -0.5);
  EXPECT_EQ(real.bounds().second[0], 3.5);
  EXPECT_EQ(whole.bounds().first[0], 0);
  EXPECT_EQ(whole.bounds().second[0], 3);
  std::map<int16_t, int> seen;
  for (int i = 0; i < 400; ++i) {
    pagmo::vector_double x(real.size(), 0);
    x[0] = -0.5 + (i + 0.5) / 100;
    ++seen[real.decode(x)->genes[0]];
  }
  for (const auto& [gene, n] : seen) EXPECT_EQ(n, 100) << gene;
}

TEST(Genome, NumbersThatAreNoneAreOptionsAndRulesStillForbid) {
  const ToySpace space;
  const Domain domain(space);
  const Genome genome(domain, true);
  for (const double odd : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300, -1e300, 99.0, -7.0}) {
    const auto a = genome.decode(pagmo::vector_double(genome.size(), odd));
    EXPECT_TRUE(!a || domain.contains(*a)) << odd;
  }
  // w1=4 cannot feed w2=16: the first and second number.
  pagmo::vector_double x(genome.size(), 0);
  x[1] = 3;
  EXPECT_EQ(genome.decode(x), std::nullopt);
}

TEST(ObjectiveScale, KeepsTheOrderAndItsBound) {
  const ObjectiveScale scale{{-5, 0}, {15, 1}};
  EXPECT_EQ(scale.scaled(0, -5), 0);
  EXPECT_EQ(scale.scaled(0, 15), 1);
  EXPECT_EQ(scale.scaled(0, -25), -1) << "below it is linear";
  EXPECT_EQ(scale.scaled(0, 35), 1.5) << "2 - 1/t at t = 2";
  double before = -HUGE_VAL;
  for (double v = -100; v < 1e6; v += std::max(0.5, std::abs(v) / 50)) {
    const double now = scale.scaled(0, v);
    EXPECT_GT(now, before) << v;
    EXPECT_LT(now, 2);
    before = now;
  }
  EXPECT_EQ(scale.scaled(1, HUGE_VAL), 2);
}

// ---- Standings.

std::vector<ScoredPoint> random_points(Rng& rng, size_t n, size_t m, bool ties) {
  std::vector<ScoredPoint> points(n);
  for (ScoredPoint& p : points) {
    for (size_t k = 0; k < m; ++k)
      p.objectives.push_back(ties ? static_cast<double>(rng.below(4)) : rng.uniform());
    if (rng.below(4) == 0) p.violation = rng.uniform();
  }
  return points;
}

TEST(Standings, RanksAreRepeatedRemoval) {
  Rng rng(2, "standing");
  for (int i = 0; i < 150; ++i) {
    const auto points = random_points(rng, 1 + rng.below(20), 1 + rng.below(3), i % 2 == 0);
    const Standing s = standing_of(points);
    std::vector<int> ranks(points.size(), -1);
    for (int rank = 0; std::count(ranks.begin(), ranks.end(), -1) > 0; ++rank) {
      std::vector<size_t> front;
      for (size_t a = 0; a < points.size(); ++a) {
        if (ranks[a] >= 0) continue;
        bool beaten = false;
        for (size_t b = 0; b < points.size(); ++b)
          beaten = beaten || (ranks[b] < 0 && constrained_dominates(points[b], points[a]));
        if (!beaten) front.push_back(a);
      }
      for (const size_t a : front) ranks[a] = rank;
    }
    EXPECT_EQ(s.ranks, ranks);
    // The order: by rank, then by crowding; a permutation.
    const std::vector<size_t> order = s.order();
    std::vector<size_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (size_t k = 0; k < sorted.size(); ++k) EXPECT_EQ(sorted[k], k);
    for (size_t k = 1; k < order.size(); ++k) {
      EXPECT_FALSE(s.better(order[k], order[k - 1]));
      // Whoever keeps the limits stands before whoever does not.
      EXPECT_LE(points[order[k - 1]].violation > 0, points[order[k]].violation > 0);
    }
  }
}

TEST(Standings, TheBestByFrontsAreWholeFrontsThenTheLeastCrowded) {
  Rng rng(3, "fronts");
  for (int i = 0; i < 150; ++i) {
    const auto points = random_points(rng, 2 + rng.below(25), 2, false);
    const size_t wanted = 1 + rng.below(points.size());
    std::vector<size_t> best = best_by_fronts(points, wanted);
    ASSERT_EQ(best.size(), wanted);
    // The definition, with crowding counted anew after each removal.
    const std::vector<int> ranks = standing_of(points).ranks;
    std::vector<size_t> expected;
    for (int rank = 0; expected.size() < wanted; ++rank) {
      std::vector<size_t> front;
      for (size_t k = 0; k < points.size(); ++k)
        if (ranks[k] == rank) front.push_back(k);
      const bool feasible = points[front[0]].violation == 0;
      while (expected.size() + front.size() > wanted) {
        if (!feasible) {
          front.pop_back();
          continue;
        }
        std::vector<Point> objectives;
        for (const size_t k : front) objectives.push_back(points[k].objectives);
        const std::vector<double> crowding = crowding_distances(objectives);
        const auto least = std::min_element(crowding.begin(), crowding.end()) - crowding.begin();
        if (std::isinf(crowding[static_cast<size_t>(least)])) break;  // Ends only: any of them.
        front.erase(front.begin() + least);
      }
      if (expected.size() + front.size() > wanted) {
        // Of two ends one is left: whichever, it is one of them.
        EXPECT_TRUE(std::count(front.begin(), front.end(), best.back()) > 0);
        best.pop_back();
        break;
      }
      expected.insert(expected.end(), front.begin(), front.end());
    }
    std::sort(expected.begin(), expected.end());
    std::sort(best.begin(), best.end());
    EXPECT_EQ(best, expected) << i;
  }
}

TEST(Standings, ChangesAreAsLikelyAsEnumerated) {
  const ToySpace space;
  const Domain domain(space);
  for (const double rate : {0.0, 0.1, 0.5, 1.0}) {
    // Each choice redrawn with this rate keeps its option with one of its options.
    double same = 1;
    for (size_t c = 0; c < space.choices().size(); ++c) {
      const auto options = static_cast<double>(domain.option_count(c));
      same *= (1 - rate) + rate / options;
    }
    EXPECT_NEAR(change_probability(domain, rate), 1 - same, 1e-12);
  }
}

TEST(Standings, GenesGoThroughTextAndOthersAreRefused) {
  const ToySpace space;
  Rng rng(4, "genes");
  std::vector<Architecture> all;
  for (int i = 0; i < 20; ++i) all.push_back(space.sample(rng));
  EXPECT_EQ(architectures_of(space, genes_json(all)), all);
  EXPECT_TRUE(architectures_of(space, "[]").empty());
  for (const char* text :
       {"", "[", "[[1, 2]]", "[[0,9,0,0,0,0,0,0]]", "[\"x\"]", "[[0,0,3,0,0,0,0,0]]", "3"})
    EXPECT_THROW(architectures_of(space, text), DataError) << text;
}

// ---- Expected improvement.

TEST(ExpectedImprovement, OfACertainPointIsTheGrowthOfTheHypervolume) {
  Rng rng(5, "growth");
  for (int i = 0; i < 120; ++i) {
    const size_t m = 1 + rng.below(4);
    const auto point = [&] {
      Point p(m);
      for (double& v : p) v = rng.uniform() * 1.2;
      return p;
    };
    std::vector<Point> front;
    for (uint64_t k = rng.below(8); k > 0; --k) front.push_back(point());
    const Point reference(m, 1);
    Improvement improvement(front, reference);
    for (int k = 0; k < 4; ++k) {
      const Point p = point();
      std::vector<Point> with = front;
      with.push_back(p);
      const double growth = hypervolume(with, reference) - hypervolume(front, reference);
      EXPECT_NEAR(improvement.of({p, Point(m, 0), 1}), growth, 1e-9);
      EXPECT_NEAR(improvement.of({p, Point(m, 0), 0.25}), 0.25 * growth, 1e-9);
      // Taken in, it adds nothing more.
      improvement.add(p);
      EXPECT_NEAR(improvement.of({p, Point(m, 0), 1}), 0, 1e-12);
      front = with;
    }
  }
}

TEST(ExpectedImprovement, RisesWithTheSpreadAndFallsWithTheMean) {
  Rng rng(6, "monotone");
  const std::vector<Point> front = {{0.2, 0.8}, {0.5, 0.5}, {0.8, 0.2}};
  const Improvement improvement(front, {1, 1});
  for (int i = 0; i < 60; ++i) {
    const Point mean = {rng.uniform(), rng.uniform()};
    double before = -1;
    for (const double spread : {0.0, 0.05, 0.1, 0.3, 1.0}) {
      // A convex function of what is uncertain: more spread, more hope.
      const double now = improvement.of({mean, {spread, 0}, 1});
      EXPECT_GE(now, before - 1e-9) << spread;
      before = now;
    }
    const double here = improvement.of({mean, {0.2, 0}, 1});
    EXPECT_LE(improvement.of({{mean[0] + 0.1, mean[1]}, {0.2, 0}, 1}), here + 1e-9);
    EXPECT_LE(improvement.of({{mean[0], mean[1] + 0.1}, {0.2, 0}, 1}), here + 1e-9);
  }
}

TEST(ExpectedImprovement, ShortfallsHaveTheirDerivatives) {
  // d/dlevel E max(0, level - X) = P(X < level); at the mean a half. Far above it: level - mean.
  for (const double spread : {0.3, 1.0, 5.0}) {
    const double h = 1e-5 * spread;
    const auto slope = [&](double level) {
      return (expected_below(level + h, 2, spread) - expected_below(level - h, 2, spread)) /
             (2 * h);
    };
    EXPECT_NEAR(slope(2), 0.5, 1e-5);
    EXPECT_NEAR(slope(2 + 1.6448536 * spread), 0.95, 1e-5);
    EXPECT_NEAR(expected_below(2 + 40 * spread, 2, spread), 40 * spread, 1e-9 * spread);
    EXPECT_NEAR(expected_below(2 - 40 * spread, 2, spread), 0, 1e-12);
    // E max(0, X - level) follows by symmetry: their difference is level - mean.
    const double level = 2.7;
    EXPECT_NEAR(
        expected_below(level, 2, spread) - expected_below(-level, -2, spread), level - 2, 1e-9);
  }
}

}  // namespace
}  // namespace nas
