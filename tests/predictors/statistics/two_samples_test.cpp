// Known values, and how often intervals hold the truth.
#include "predictors/statistics/two_samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace nas::test {
namespace {

using List = std::vector<double>;

TEST(TwoSamples, Quantiles) {
  EXPECT_NEAR(standard_normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.302653, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 4), 2.776445, 1e-6);
  EXPECT_NEAR(student_quantile(0.95, 10), 1.812461, 1e-6);
}

TEST(TwoSamples, WelchByHand) {
  // Means 2 and 5, variances 1 and 13: 2.3059 degrees of freedom, standard error sqrt(14 / 3).
  const Change c = welch(List{1, 2, 3}, List{2, 4, 9}, 0.95);
  EXPECT_DOUBLE_EQ(c.base, 2);
  EXPECT_DOUBLE_EQ(c.head, 5);
  EXPECT_DOUBLE_EQ(c.change, 3);
  EXPECT_NEAR(c.high - 3, 8.207702, 1e-5);
  EXPECT_NEAR(3 - c.low, c.high - 3, 1e-12);
  EXPECT_THROW(welch(List{}, List{1}, 0.95), std::invalid_argument);
}

TEST(TwoSamples, PairsByHand) {
  // Differences 1, 2, 6: mean 3, variance 7.
  const Change c = paired(List{1, 2, 3}, List{2, 4, 9}, 0.95);
  EXPECT_DOUBLE_EQ(c.change, 3);
  EXPECT_NEAR(c.high - 3, 4.302653 * std::sqrt(7.0 / 3), 1e-5);
  EXPECT_THROW(paired(List{1, 2}, List{1}, 0.95), std::invalid_argument);
}

TEST(TwoSamples, TooLittleHasNoIntervalAndNoSpreadHasNoWidth) {
  EXPECT_TRUE(std::isnan(welch(List{1}, List{2}, 0.95).low));
  EXPECT_TRUE(std::isnan(welch(List{1, 2}, List{2}, 0.95).high));
  EXPECT_TRUE(std::isnan(paired(List{1}, List{2}, 0.95).low));
  const Change same = welch(List{0.1, 0.1, 0.1}, List{0.3, 0.3}, 0.95);
  EXPECT_DOUBLE_EQ(same.low, 0.3 - 0.1);
  EXPECT_DOUBLE_EQ(same.high, 0.3 - 0.1);
}

// Newcombe 1998, table II, method 10, contrasts (a) and (b).
TEST(TwoSamples, SharesAsPublished) {
  const Change a = shares(48.0 / 80, 80, 56.0 / 70, 70, 0.95);
  EXPECT_NEAR(a.change, 0.2, 1e-12);
  EXPECT_NEAR(a.low, 0.0524, 5e-5);
  EXPECT_NEAR(a.high, 0.3339, 5e-5);
  const Change b = shares(3.0 / 10, 10, 9.0 / 10, 10, 0.95);
  EXPECT_NEAR(b.low, 0.1705, 5e-5);
  EXPECT_NEAR(b.high, 0.8090, 5e-5);
  EXPECT_THROW(shares(96.1, 100, 0.9, 100, 0.95), std::invalid_argument);
}

/// Share of simulated intervals that hold the truth.
template <typename Simulate>
double coverage(int times, double truth, Simulate simulate) {
  int held = 0;
  for (int i = 0; i < times; ++i) {
    const Change c = simulate(Rng(7, "coverage", static_cast<uint64_t>(i)));
    held += c.low <= truth && truth <= c.high ? 1 : 0;
  }
  return static_cast<double>(held) / times;
}

List normals(Rng& rng, int n, double mean, double deviation) {
  List list;
  for (int i = 0; i < n; ++i) list.push_back(mean + deviation * rng.normal());
  return list;
}

// Of 4,000 intervals of 95 % the share has a deviation of 0.0034.
TEST(TwoSamples, WelchHoldsItsLevelWithFewSeedsAndUnequalSpread) {
  for (const auto& [base, head] : {std::pair{3, 3}, {5, 5}, {3, 10}}) {
    const double held = coverage(4000, 0.5, [&](Rng rng) {
      const List b = normals(rng, base, 1, 1), h = normals(rng, head, 1.5, 2);
      return welch(b, h, 0.95);
    });
    EXPECT_GT(held, 0.935) << base << " and " << head;
    EXPECT_LT(held, 0.985) << base << " and " << head;
  }
}

TEST(TwoSamples, PairsHoldTheirLevelAndAreNarrower) {
  double narrow = 0, wide = 0;
  const double held = coverage(4000, 0.5, [&](Rng rng) {
    List b, h;
    for (int seed = 0; seed < 5; ++seed) {
      const double common = 3 * rng.normal();
      b.push_back(common + 0.5 * rng.normal());
      h.push_back(common + 0.5 + 0.5 * rng.normal());
    }
    const Change pairs = paired(b, h, 0.95), apart = welch(b, h, 0.95);
    narrow += pairs.high - pairs.low;
    wide += apart.high - apart.low;
    return pairs;
  });
  EXPECT_NEAR(held, 0.95, 0.012);
  EXPECT_LT(narrow, wide / 2);
}

TEST(TwoSamples, SharesHoldTheirLevelNearOne) {
  const auto judged = [](Rng& rng, int n, double p) {
    int right = 0;
    for (int i = 0; i < n; ++i) right += rng.uniform() < p ? 1 : 0;
    return static_cast<double>(right) / n;
  };
  const double held = coverage(4000, 0.02, [&](Rng rng) {
    const double b = judged(rng, 360, 0.95), h = judged(rng, 360, 0.97);
    return shares(b, 360, h, 360, 0.95);
  });
  EXPECT_NEAR(held, 0.95, 0.02);
}

/// Area between points (both coordinates minimised) and the reference (1.1, 1.1).
double area(const std::vector<std::pair<double, double>>& points, const Kept& kept) {
  std::vector<std::pair<double, double>> sorted;
  for (size_t i = 0; i < points.size(); ++i)
    if (kept[i] && points[i].first < 1.1 && points[i].second < 1.1) sorted.push_back(points[i]);
  std::sort(sorted.begin(), sorted.end());
  double sum = 0, least = 1.1;
  for (const auto& [x, y] : sorted) {
    if (y >= least) continue;
    sum += (1.1 - x) * (least - y);
    least = y;
  }
  return sum;
}

/// Networks drawn at random: an error that falls with the cost, and luck.
std::vector<std::pair<double, double>> drawn(Rng& rng, int n, double gain) {
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < n; ++i) {
    const double cost = rng.uniform();
    const double luck = 0.3 * (rng.uniform() + rng.uniform()) / 2;
    points.emplace_back(cost, 0.2 + 0.6 * (1 - cost) * (1 - cost) + luck - gain);
  }
  return points;
}

Members apart(size_t base, size_t head) {
  Members members;
  for (size_t i = 0; i < base; ++i) members.base.push_back(static_cast<uint32_t>(i));
  for (size_t i = 0; i < head; ++i) members.head.push_back(static_cast<uint32_t>(base + i));
  return members;
}

TEST(TwoSamples, HalvesOfTwoRandomSearchesHoldTheDifferenceOfHypervolumes) {
  constexpr int kNetworks = 60;
  double truth = 0;
  Rng all(3, "truth");
  const Kept whole(kNetworks, 1);
  for (int i = 0; i < 4000; ++i)
    truth +=
        (area(drawn(all, kNetworks, 0.02), whole) - area(drawn(all, kNetworks, 0), whole)) / 4000;
  const double held = coverage(400, truth, [&](Rng rng) {
    const auto base = drawn(rng, kNetworks, 0), head = drawn(rng, kNetworks, 0.02);
    return half_samples(
        apart(base.size(), head.size()),
        [&](const Kept& b, const Kept& h) { return std::pair(area(base, b), area(head, h)); },
        0.95,
        100,
        rng);
  });
  EXPECT_GT(held, 0.93);
}

TEST(TwoSamples, EqualMembersDifferByNothing) {
  Rng rng(1, "equal");
  const auto points = drawn(rng, 40, 0);
  Members members = apart(40, 0);
  members.head = members.base;
  const Change c = half_samples(
      members,
      [&](const Kept& b, const Kept& h) { return std::pair(area(points, b), area(points, h)); },
      0.95,
      50,
      rng);
  EXPECT_EQ(c.change, 0);
  EXPECT_EQ(c.low, 0);
  EXPECT_EQ(c.high, 0);
  members.head = {1};
  const auto none = half_samples(
      members, [](const Kept&, const Kept&) { return std::pair(1.0, 2.0); }, 0.95, 50, rng);
  EXPECT_TRUE(std::isnan(none.low));
}

TEST(MembersNeeded, IsTheFirstWhoseOwnQuantileIsNarrowEnough) {
  // t(14) = 2.1448: 115928 of 15 pairs; t(13) = 2.1604: 120868 of 14.
  EXPECT_EQ(members_needed({209337.0 * 209337.0, 1}, 0.95, 117420, 1000), 15);
  EXPECT_EQ(members_needed({209337.0 * 209337.0, 1}, 0.95, 120870, 1000), 14);
  EXPECT_EQ(members_needed({209337.0 * 209337.0, 1}, 0.95, 117420, 14), 0);
  EXPECT_EQ(members_needed({1, 1}, 0.95, 0, 1000), 0);
  // What was seen is what is predicted: the interval of n such samples has that width.
  const std::vector<double> x = {1, 2, 4, 7}, y = {0, 5, 5, 6};
  const Change independent = welch(x, y, 0.9), pairs = paired(x, y, 0.9);
  for (const double more : {1.0001, 0.9999}) {
    const int n = more > 1 ? 4 : 5;
    EXPECT_EQ(
        members_needed(welch_spread(x, y), 0.9, more * (independent.high - independent.change), 99),
        n);
    EXPECT_EQ(members_needed(paired_spread(x, y), 0.9, more * (pairs.high - pairs.change), 99), n);
  }
}

}  // namespace
}  // namespace nas::test
