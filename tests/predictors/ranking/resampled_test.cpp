// Each statistic of a resample is that of the lists written out.
#include "predictors/ranking/resampled.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace nas {
namespace {

using List = std::vector<double>;

/// n values among so many different ones.
List values(size_t n, uint64_t different, Rng& rng) {
  List list;
  for (size_t i = 0; i < n; ++i) list.push_back(static_cast<double>(rng.below(different)) / 3);
  return list;
}

struct Case {
  size_t n;
  uint64_t different_x, different_y;
};

class ResampledLists : public testing::TestWithParam<Case> {};

TEST_P(ResampledLists, AreTheListsWrittenOut) {
  const Case c = GetParam();
  Rng rng(7, "resampled");
  const List x = values(c.n, c.different_x, rng), y = values(c.n, c.different_y, rng);
  Resampled pair(x, y);
  EXPECT_EQ(pair.kendall().discordant, kendall(x, y).discordant);
  Draws draws(c.n, Rng(1, "draws"));
  Rng same(1, "draws");
  for (int d = 0; d < 20; ++d) {
    const auto counts = draws.next();
    pair.take(counts);
    List a, b;
    for (size_t i = 0; i < c.n; ++i) {
      const auto at = static_cast<size_t>(same.below(c.n));
      a.push_back(x[at]);
      b.push_back(y[at]);
    }
    const KendallCounts said = pair.kendall(), right = kendall(a, b);
    EXPECT_EQ(said.concordant, right.concordant);
    EXPECT_EQ(said.discordant, right.discordant);
    EXPECT_EQ(said.ties_x, right.ties_x);
    EXPECT_EQ(said.ties_y, right.ties_y);
    EXPECT_EQ(said.ties_both, right.ties_both);
    const auto equal = [](double p, double q) {
      return (std::isnan(p) && std::isnan(q)) || std::abs(p - q) < 1e-12;
    };
    EXPECT_TRUE(equal(pair.spearman(), spearman(a, b)));
    for (const size_t k : {size_t{1}, size_t{3}, c.n / 2, c.n, c.n + 5}) {
      EXPECT_TRUE(equal(pair.precision_at(k), precision_at(a, b, k))) << k;
      EXPECT_TRUE(equal(pair.regret_at(k), regret_at(a, b, k))) << k;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ties,
                         ResampledLists,
                         testing::Values(Case{40, 1000000, 1000000},
                                         Case{60, 5, 1000000},
                                         Case{60, 1000000, 4},
                                         Case{50, 3, 3},
                                         Case{30, 1, 10},
                                         Case{700, 40, 90},
                                         Case{700, 1000000, 3},
                                         Case{2, 2, 2}));

TEST(ResampledLists, RefusesWhatIsNoPair) {
  EXPECT_THROW(Resampled(List{1, 2}, List{1}), std::invalid_argument);
  EXPECT_THROW(Resampled(List{1, NAN}, List{1, 2}), std::invalid_argument);
  EXPECT_TRUE(std::isnan(Resampled(List{1, 2}, List{1, 2}).precision_at(0)));
}

TEST(Central, LeavesOutWhatIsNoNumber) {
  const Interval i = central({3, NAN, 1, 2, 5, 4}, 0.5);
  EXPECT_EQ(i.low, 2);
  EXPECT_EQ(i.high, 4);
  EXPECT_TRUE(std::isnan(central({NAN}, 0.9).low));
}

}  // namespace
}  // namespace nas
