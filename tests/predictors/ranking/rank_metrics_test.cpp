// panda.md 7.10, balanced_mixture.md 8.2, and brute force.
#include "predictors/ranking/rank_metrics.hpp"

#include "predictors/ranking/resampled.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nas {
namespace {

using List = std::vector<double>;

TEST(RankMetrics, SmallOracles) {
  const List x = {1, 2, 3, 4, 5}, y = {3, 1, 2, 5, 4};
  EXPECT_NEAR(kendall(x, y).tau_b(), 0.4, 1e-12);
  EXPECT_NEAR(spearman(x, y), 0.6, 1e-12);
  const List a = {90.1, 90.1, 91, 92.5, 89, 91}, b = {70, 72, 72, 80, 60, 75};
  EXPECT_NEAR(kendall(a, b).tau_a(), 0.8, 1e-12);
  EXPECT_NEAR(kendall(a, b).tau_b(), 0.8894991800, 1e-10);
  EXPECT_NEAR(spearman(a, b), 0.9254762227, 1e-10);
}

// Truth and the estimates of one supernet (M=1) and of a mixture of four, table 8.1.
const List kTruth = {87.4467, 87.69,   87.8917, 88.6017, 89.3833, 90.1267, 90.1633, 89.406,
                     88.7833, 89.025,  90.415,  90.5683, 90.8917, 91.005,  90.2167, 89.1017,
                     89.7017, 90.6067, 90.9217, 90.875,  90.14,   89.6783, 90.3417, 90.5167,
                     90.845,  89.705,  91.0483, 90.9567, 91.5467, 89.84,   91.775,  91.83,
                     90.9633, 92.0117, 90.4683, 89.9917};
const List kM1 = {76.43, 78.12, 79.62, 80.78, 80.42, 79.85, 79.37, 78.87, 79.77,
                  81.01, 82.85, 82.64, 82.12, 82.16, 81.73, 80.24, 83.08, 82.98,
                  82.58, 82.22, 81.86, 83.64, 83.71, 83.11, 83.18, 82.83, 82.35,
                  81.83, 82.29, 82.03, 79.78, 80.20, 79.61, 78.06, 77.49, 73.73};
const List kM4 = {79.0667, 80.3433, 81.20,   81.25,   82.1433, 82.29,   82.1833, 81.8633, 81.17,
                  81.9633, 83.3933, 83.6767, 84.1267, 83.34,   83.1967, 81.7867, 83.4167, 83.8933,
                  84.1067, 83.54,   83.3367, 83.6933, 84.67,   84.3567, 84.08,   84.0133, 84.76,
                  84.8267, 84.3533, 84.15,   84.0033, 84.4033, 84.31,   83.51,   83.3433, 81.26};

TEST(RankMetrics, PublishedTable) {
  EXPECT_NEAR(kendall(kM1, kTruth).tau_b(), 0.142857, 1e-6);
  EXPECT_NEAR(spearman(kM1, kTruth), 0.232947, 1e-6);
  EXPECT_NEAR(kendall(kM4, kTruth).tau_b(), 0.596825, 1e-6);
  EXPECT_NEAR(spearman(kM4, kTruth), 0.756757, 1e-6);
  EXPECT_NEAR(kendall(kM1, kM4).tau_b(), 0.419048, 1e-6);
  EXPECT_NEAR(regret_at(kM1, kTruth, 1), 1.6700, 1e-4);
  EXPECT_NEAR(regret_at(kM1, kTruth, 3), 1.1667, 1e-4);
  EXPECT_NEAR(regret_at(kM4, kTruth, 5), 0.1817, 1e-4);
  EXPECT_DOUBLE_EQ(precision_at(kM4, kTruth, 5), 0.4);
  EXPECT_DOUBLE_EQ(precision_at(kM4, kTruth, 10), 0.7);
  EXPECT_DOUBLE_EQ(precision_at(kM1, kTruth, 10), 0.1);
}

/// All ways to break the ties of `predicted` at its k-th place, equally likely.
template <typename F>
double over_tie_breaks(const List& predicted, size_t k, const F& f) {
  std::vector<size_t> order(predicted.size());
  std::iota(order.begin(), order.end(), size_t{0});
  double sum = 0;
  int count = 0;
  do {
    const auto descends = [&](size_t a, size_t b) { return predicted[a] > predicted[b]; };
    if (!std::is_sorted(order.begin(), order.end(), descends)) continue;
    sum += f(std::vector<size_t>(order.begin(), order.begin() + static_cast<int64_t>(k)));
    ++count;
  } while (std::next_permutation(order.begin(), order.end()));
  return sum / count;
}

TEST(RankMetrics, TiesAtTheCutCountByChance) {
  Rng rng(5, "test");
  for (int round = 0; round < 30; ++round) {
    const size_t n = 6, k = 1 + rng.below(5);
    List x(n), y(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = static_cast<double>(rng.below(3));
      y[i] = static_cast<double>(rng.below(10));
    }
    const auto top = [&](const std::vector<size_t>& picked) {
      double best = y[picked[0]];
      for (const size_t i : picked) best = std::max(best, y[i]);
      return best;
    };
    const double most = *std::max_element(y.begin(), y.end());
    EXPECT_NEAR(regret_at(x, y, k),
                over_tie_breaks(x, k, [&](const auto& picked) { return most - top(picked); }),
                1e-12);
    EXPECT_NEAR(best_rank_at(x, y, k),
                over_tie_breaks(
                    x,
                    k,
                    [&](const auto& picked) {
                      const double best = top(picked);
                      return 1.0 + static_cast<double>(std::count_if(
                                       y.begin(), y.end(), [best](double v) { return v > best; }));
                    }),
                1e-12);
    EXPECT_NEAR(precision_at(x, y, k),
                over_tie_breaks(x,
                                k,
                                [&](const auto& picked) {
                                  return over_tie_breaks(y, k, [&](const auto& best) {
                                    double common = 0;
                                    for (const size_t i : picked)
                                      common += static_cast<double>(
                                          std::count(best.begin(), best.end(), i));
                                    return common / static_cast<double>(k);
                                  });
                                }),
                1e-12);
    // The order of the list plays no part.
    const List backwards_x(x.rbegin(), x.rend()), backwards_y(y.rbegin(), y.rend());
    EXPECT_NEAR(precision_at(backwards_x, backwards_y, k), precision_at(x, y, k), 1e-12);
  }
  EXPECT_TRUE(std::isnan(regret_at(List{1}, List{1}, 0)));
}

TEST(RankMetrics, FullAgreementIsOneAndNeverMore) {
  // Without ties C = n (n - 1) / 2, and two roots of it need not give it back.
  for (size_t n = 2; n <= 300; ++n) {
    List x(n), reversed(n);
    std::iota(x.begin(), x.end(), 0.0);
    std::copy(x.rbegin(), x.rend(), reversed.begin());
    EXPECT_EQ(kendall(x, x).tau_b(), 1) << n;
    EXPECT_EQ(kendall(x, reversed).tau_b(), -1) << n;
    EXPECT_EQ(spearman(x, x), 1) << n;
    EXPECT_EQ(spearman(x, reversed), -1) << n;
  }
}

TEST(RankMetrics, EqualsBruteForceWithManyTies) {
  Rng rng(3, "test");
  for (int round = 0; round < 50; ++round) {
    const size_t n = 2 + rng.below(60);
    List x(n), y(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = static_cast<double>(rng.below(6));
      y[i] = static_cast<double>(rng.below(9));
    }
    KendallCounts brute;
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < i; ++j) {
        const double s = (x[i] - x[j]) * (y[i] - y[j]);
        if (x[i] == x[j] && y[i] == y[j])
          ++brute.ties_both;
        else if (x[i] == x[j])
          ++brute.ties_x;
        else if (y[i] == y[j])
          ++brute.ties_y;
        else if (s > 0)
          ++brute.concordant;
        else
          ++brute.discordant;
      }
    const KendallCounts fast = kendall(x, y);
    EXPECT_EQ(fast.concordant, brute.concordant);
    EXPECT_EQ(fast.discordant, brute.discordant);
    EXPECT_EQ(fast.ties_x, brute.ties_x);
    EXPECT_EQ(fast.ties_y, brute.ties_y);
    EXPECT_EQ(fast.ties_both, brute.ties_both);
  }
}

TEST(RankMetrics, ConstantListsHaveNoCorrelation) {
  EXPECT_TRUE(std::isnan(kendall(List{1, 1, 1}, List{1, 2, 3}).tau_b()));
  EXPECT_TRUE(std::isnan(spearman(List{1, 1, 1}, List{1, 2, 3})));
  EXPECT_THROW(kendall(List{1, 2}, List{1}), std::invalid_argument);
  EXPECT_THROW(kendall(List{1, NAN}, List{1, 2}), std::invalid_argument);
}

// balanced_mixture.md 8.2: bootstrap of the tau difference M=4 to M=1, 5-95 %: 0.294..0.613.
TEST(RankMetrics, BootstrapOfAPairedDifference) {
  Resampled one(kM1, kTruth), four(kM4, kTruth);
  Draws draws(36, Rng(1, "bootstrap"));
  List differences;
  for (int d = 0; d < 4000; ++d) {
    const auto counts = draws.next();
    one.take(counts);
    four.take(counts);
    differences.push_back(four.kendall().tau_b() - one.kendall().tau_b());
  }
  const Interval i = central(std::move(differences), 0.9);
  EXPECT_NEAR(i.low, 0.294, 0.03);
  EXPECT_NEAR(i.high, 0.613, 0.03);
}

}  // namespace
}  // namespace nas
