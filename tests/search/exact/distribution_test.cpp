// Counts, shares and draws under limits, against the oracles of search.md 11 and going through.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "search/exact/distribution.hpp"
#include "search/exact/sums.hpp"
#include "spaces/registry.hpp"
#include "tests/search/exact/oracle_space.hpp"

namespace nas {
namespace {

using exact::Distribution;
using exact::Factorised;
using exact::MetricFunction;
using exact::Share;

exact::Terms tables(const Domain& domain, const MetricFunction& metric) {
  Factorised found = exact::factorise(domain, {&metric, 1}, 0);
  if (!found.terms) throw std::runtime_error(found.why_not);
  return std::move(*found.terms);
}

TEST(Distribution, OracleA) {
  const OracleSpace space, conditional(true);
  const exact::Terms plain = tables(space, oracle_metric(space, "cost", kCost));
  const Distribution spread(plain, 0);
  EXPECT_EQ(spread.range(), (std::pair<int64_t, int64_t>{7, 39}));
  EXPECT_EQ(spread.count(0, 20), 100);
  EXPECT_EQ(spread.count(0, 1000), 243);
  EXPECT_EQ(spread.count(0, 6), 0);
  EXPECT_EQ(spread.count(40, 50), 0);
  const exact::Terms closed = tables(conditional, oracle_metric(conditional, "cost", kCost));
  EXPECT_EQ(closed.count(), 171);
  EXPECT_EQ(Distribution(closed, 0).count(0, 15), 20);
  EXPECT_EQ(Distribution(closed, 0).range(), (std::pair<int64_t, int64_t>{4, 39}));
}

TEST(Distribution, OracleB) {
  const auto space = load_space("mobilenet");
  const exact::Terms terms = tables(*space, plan_metric(*space, "macs"));
  const Distribution spread(terms, 0);
  EXPECT_EQ(spread.range(), (std::pair<int64_t, int64_t>{121278672, 566170656}));
  EXPECT_EQ(terms.count().str(), "21758655492572485851");
  EXPECT_EQ(spread.count(0, 200'000'000).str(), "8771878157810");
  EXPECT_EQ(spread.count(0, 300'000'000).str(), "856295841105991212");
  const std::vector<int64_t> limits{121278671,
                                    121278672,
                                    200'000'000,
                                    300'000'000,
                                    340'000'000,
                                    400'000'000,
                                    566170655,
                                    566170656};
  const std::vector<Share> shares = spread.shares(limits);
  const double all = 21758655492572485851.0;
  for (const Share& share : shares) {
    EXPECT_LE(share.low, share.high);
    EXPECT_LE(share.width(), 0.001);
  }
  EXPECT_EQ(shares[0].high, 0);
  EXPECT_GT(shares[1].high, 0);
  EXPECT_LE(shares[2].low, 8771878157810 / all);
  EXPECT_GE(shares[2].high, 8771878157810 / all);
  EXPECT_LE(shares[3].low, 856295841105991212 / all);
  EXPECT_GE(shares[3].high, 856295841105991212 / all);
  EXPECT_GT(shares[5].low - shares[3].high, 0.9);  // Between 300 and 400 M.
  EXPECT_LT(shares[6].low, 1);
  EXPECT_EQ(shares[7].low, 1);
}

/// Counts, shares and draws of a domain that can be gone through.
void expect_as_listed(const Domain& domain, const std::string& name) {
  const MetricFunction metric = plan_metric(domain.space(), name);
  const exact::Terms terms = tables(domain, metric);
  std::vector<int64_t> sums;
  domain.enumerate([&](const Architecture& a) {
    sums.push_back(static_cast<int64_t>(metric.value(a)));
    return true;
  });
  std::sort(sums.begin(), sums.end());
  const Distribution spread(terms, 0);
  EXPECT_EQ(spread.range(), (std::pair{sums.front(), sums.back()}));
  for (const double q : {0.0, 0.01, 0.3, 0.5, 0.9, 1.0}) {
    const int64_t limit = sums[static_cast<size_t>(q * static_cast<double>(sums.size() - 1))];
    for (const int64_t at : {limit - 1, limit, limit + 1}) {
      const auto below = std::upper_bound(sums.begin(), sums.end(), at) - sums.begin();
      EXPECT_EQ(spread.count(0, at), below) << domain.name() << " " << name << " <= " << at;
      const Share share = spread.shares(std::vector<int64_t>{at})[0];
      const double truth = static_cast<double>(below) / static_cast<double>(sums.size());
      EXPECT_LE(share.low, truth);
      EXPECT_GE(share.high, truth);
      EXPECT_LE(share.width(), 0.001);
    }
    EXPECT_EQ(spread.count(limit, limit),
              std::upper_bound(sums.begin(), sums.end(), limit) -
                  std::lower_bound(sums.begin(), sums.end(), limit));
  }
}

TEST(Distribution, AsGoingThroughSpacesAndParts) {
  for (const char* name : {"digits", "nasbench201-n1", "nasbench-macro", "resnet50-stride"}) {
    const auto space = load_space(name);
    expect_as_listed(*space, "macs");
    expect_as_listed(*space, "params");
  }
  const auto custom = load_space("custom-cifar10");
  expect_as_listed({*custom,
                    Restriction::parse(*custom,
                                       {"late.depth=2",
                                        "middle.depth=1|2",
                                        "middle.*.mb.expand=2",
                                        "early.depth=1",
                                        "late.layer2=mb|none"})},
                   "macs");
  const auto resnet = load_space("ofa-resnet50");
  expect_as_listed(
      {*resnet, Restriction::parse(*resnet, {"*.expansion=0.2", "stage1.more_blocks=0|2"})},
      "macs");
}

TEST(Distribution, DrawsInsideAreUniform) {
  const auto space = load_space("digits");
  const MetricFunction macs = plan_metric(*space, "macs");
  const exact::Terms terms = tables(*space, macs);
  std::map<Architecture, int> inside;
  const int64_t low = 150'000, high = 260'000;
  space->enumerate([&](const Architecture& a) {
    if (macs.value(a) >= low && macs.value(a) <= high) inside[a] = 0;
    return true;
  });
  ASSERT_GT(inside.size(), 50U);
  constexpr int kEach = 20;
  Rng rng(4, "inside");
  const std::vector<Architecture> drawn =
      sample_between(terms, 0, low, high, kEach * inside.size(), rng);
  ASSERT_EQ(drawn.size(), kEach * inside.size());
  for (const Architecture& a : drawn) {
    const auto at = inside.find(a);
    ASSERT_NE(at, inside.end()) << space->text(a);
    ++at->second;
  }
  double chi = 0;
  for (const auto& [a, n] : inside) chi += (n - kEach) * (n - kEach) / static_cast<double>(kEach);
  const auto cells = static_cast<double>(inside.size());
  EXPECT_LT(std::abs(chi - (cells - 1)), 5 * std::sqrt(2 * (cells - 1)));
  EXPECT_TRUE(sample_between(terms, 0, 0, 5, 10, rng).empty());
}

TEST(Distribution, DrawsOfTheRareCornerOfALargeSpace) {
  const auto space = load_space("mobilenet");
  const MetricFunction macs = plan_metric(*space, "macs");
  // Four stages stand, so that the corner can be counted at once.
  const Domain part(
      *space,
      Restriction::parse(*space, {"stage3.*.kernel=3|5", "stage4.depth=2|3", "stage5.depth=2"}));
  const exact::Terms terms = tables(part, macs);
  Rng rng(1, "corner");
  const int64_t limit = 140'000'000;
  const std::vector<Architecture> drawn = sample_between(terms, 0, 0, limit, 200, rng);
  ASSERT_EQ(drawn.size(), 200U);
  for (const Architecture& a : drawn) {
    EXPECT_TRUE(part.contains(a));
    EXPECT_EQ(space->fix_inactive(a), a);
    EXPECT_LE(macs.value(a), static_cast<double>(limit));
  }
  // The share of draws below a lower limit is that of the counts.
  const Distribution spread(terms, 0);
  const double share = static_cast<double>(spread.count(0, 137'000'000).to_long_double() /
                                           spread.count(0, limit).to_long_double());
  const auto below = std::count_if(
      drawn.begin(), drawn.end(), [&](const Architecture& a) { return macs.value(a) <= 137e6; });
  EXPECT_NEAR(static_cast<double>(below) / 200, share, 4 * std::sqrt(share * (1 - share) / 200));
}

}  // namespace
}  // namespace nas
