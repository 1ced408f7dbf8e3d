// HDBSCAN* against an independent implementation, and what it leaves of a space.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "search/narrow/popular.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

double uniform_of(uint64_t i) {
  return static_cast<double>(splitmix64(i) >> 11) / static_cast<double>(uint64_t{1} << 53);
}
double bell(uint64_t i) {
  return uniform_of(4 * i) + uniform_of(4 * i + 1) + uniform_of(4 * i + 2) + uniform_of(4 * i + 3) -
         2;
}

/// Five groups of different density, two of them close, and 60 points anywhere.
std::vector<std::pair<double, double>> plane() {
  struct Group {
    double x, y, width;
    int count;
  };
  const Group groups[] = {
      {0, 0, .3, 120}, {4, 0, .6, 90}, {4, 4, .15, 60}, {4.6, 4, .15, 60}, {0, 5, 1.2, 50}};
  std::vector<std::pair<double, double>> points;
  uint64_t k = 0;
  for (const Group& g : groups)
    for (int i = 0; i < g.count; ++i, ++k)
      points.emplace_back(g.x + g.width * bell(2 * k), g.y + g.width * bell(2 * k + 1));
  for (int i = 0; i < 60; ++i, ++k)
    points.emplace_back(-3 + 11 * uniform_of(8000 + 2 * k), -3 + 11 * uniform_of(8001 + 2 * k));
  return points;
}

DistanceRow euclid(const std::vector<std::pair<double, double>>& points) {
  return [&points](size_t i, std::span<double> row) {
    for (size_t j = 0; j < points.size(); ++j)
      row[j] = std::sqrt(std::pow(points[i].first - points[j].first, 2) +
                         std::pow(points[i].second - points[j].second, 2));
  };
}

std::vector<int> sizes(const std::vector<int>& labels) {
  std::vector<int> of;
  for (const int l : labels) {
    if (l < 0) continue;
    of.resize(std::max(of.size(), static_cast<size_t>(l) + 1));
    ++of[static_cast<size_t>(l)];
  }
  return of;
}
int64_t checksum(const std::vector<int>& labels) {
  int64_t sum = 0;
  for (size_t i = 0; i < labels.size(); ++i) sum += static_cast<int64_t>(i + 1) * (labels[i] + 1);
  return sum;
}

// scikit-learn 1.9.1, HDBSCAN(metric="precomputed"), which counts a point among its neighbours:
// min_samples one higher. Its labels numbered by first points. In the first two, point 384 hangs on
// by an edge as long as the one at which its cluster splits off, and the order of the points
// decides to which side it belongs.
TEST(Hdbscan, LabelsAreThoseOfScikitLearn) {
  const auto points = plane();
  const auto label = [&](size_t least, size_t samples) {
    return hdbscan(points.size(), euclid(points), {least, samples});
  };
  for (const size_t least : {size_t{20}, size_t{50}}) {
    std::vector<int> labels = label(least, 10);
    labels[384] = labels[431] = -1;
    EXPECT_EQ(sizes(labels), (std::vector<int>{130, 94, 60, 60, 59}));
    EXPECT_EQ(checksum(labels), 267490 - 385);
  }
  EXPECT_EQ(sizes(label(5, 3)), (std::vector<int>{133, 95, 60, 60, 49, 5, 6}));
  EXPECT_EQ(checksum(label(5, 3)), 278856);
  EXPECT_EQ(sizes(label(30, 1)), (std::vector<int>{136, 96, 60, 60, 68}));
  EXPECT_EQ(checksum(label(30, 1)), 290228);
}

TEST(Hdbscan, OrderOfThePointsChangesNothingEvenWithEqualDistances) {
  // On a grid nearly all distances are equal to others.
  std::vector<std::pair<double, double>> points;
  for (int x = 0; x < 8; ++x)
    for (int y = 0; y < 8; ++y) points.emplace_back(x, y);
  for (int x = 0; x < 6; ++x)
    for (int y = 0; y < 6; ++y) points.emplace_back(20 + 2 * x, 2 * y);
  for (int i = 0; i < 5; ++i) points.emplace_back(40 + 7 * i, 50);
  const std::vector<int> first = hdbscan(points.size(), euclid(points), {15, 4});
  EXPECT_EQ(sizes(first), (std::vector<int>{64, 36}));
  EXPECT_EQ(std::count(first.begin(), first.end(), -1), 5);
  std::vector<size_t> order(points.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  Rng rng(3, "order");
  rng.shuffle(order);
  std::vector<std::pair<double, double>> shuffled;
  for (const size_t i : order) shuffled.push_back(points[i]);
  const std::vector<int> second = hdbscan(points.size(), euclid(shuffled), {15, 4});
  for (size_t i = 0; i < order.size(); ++i)
    for (size_t j = 0; j < order.size(); ++j)
      ASSERT_EQ(second[i] == second[j], first[order[i]] == first[order[j]]);
}

TEST(Hdbscan, OneGroupTooFewPointsAndEqualPoints) {
  const DistanceRow line = [](size_t i, std::span<double> row) {
    for (size_t j = 0; j < row.size(); ++j)
      row[j] = std::abs(static_cast<double>(i) - static_cast<double>(j));
  };
  EXPECT_EQ(hdbscan(100, line, {10, 5}), std::vector<int>(100, -1)) << "nothing splits";
  EXPECT_EQ(hdbscan(3, line, {10, 5}), std::vector<int>(3, -1));
  EXPECT_TRUE(hdbscan(0, line, {10, 5}).empty());
  EXPECT_THROW(hdbscan(9, line, {1, 5}), std::invalid_argument);
  // 40 equal points, 40 others equal to each other, far away.
  const DistanceRow two = [](size_t i, std::span<double> row) {
    for (size_t j = 0; j < row.size(); ++j) row[j] = (i < 40) == (j < 40) ? 0 : 9;
  };
  const std::vector<int> label = hdbscan(80, two, {10, 5});
  EXPECT_EQ(sizes(label), (std::vector<int>{40, 40}));
}

class PopularPart : public testing::Test {
 protected:
  /// What differs from `base` in few edges only, of which the first two keep theirs.
  void gather(const std::string& base, int count, const char* stream) {
    const Architecture a = space_->parse(base);
    Rng rng(0, stream);
    std::set<Architecture> seen;
    while (static_cast<int>(seen.size()) < count) {
      Architecture b = space_->mutate(a, .2, rng);
      b.genes[0] = a.genes[0];
      b.genes[1] = a.genes[1];
      seen.insert(b);
    }
    networks_.insert(networks_.end(), seen.begin(), seen.end());
  }
  std::unique_ptr<Space> space_ = load_space("nasbench201");
  std::vector<Architecture> networks_;
};

constexpr const char* kConvs =
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~"
    "2|";
constexpr const char* kPools =
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|none~0|avg_pool_3x3~1|avg_pool_3x3~2|";

TEST_F(PopularPart, LeavesOutWhatClustersHardlyHave) {
  gather(kConvs, 150, "a");
  gather(kPools, 150, "b");
  Rng rng(1, "noise");
  for (int i = 0; i < 60; ++i) networks_.push_back(space_->sample(rng));
  PopularOptions options;
  options.clusters = {30, 5};
  options.least_share = .02;  // Of 150 networks at least.
  const Domain whole(*space_);
  const Popular p = popular_part(whole, networks_, options);
  EXPECT_EQ(p.clusters, 2U);
  EXPECT_GE(p.noise, 30U);
  EXPECT_LE(p.networks, 360U);
  EXPECT_FALSE(p.scattered);
  // The first two edges keep what the two groups have there (and what is close to them by chance
  // is less than a hundredth or kept by right of its share).
  for (const OptionShare& s : p.shares) {
    EXPECT_EQ(s.kept, s.of * .02 < 3 || s.share() >= .02) << s.choice << " " << s.option;
    EXPECT_EQ(p.part.allows(s.choice, s.option), s.kept);
    EXPECT_EQ(s.of, p.networks - p.noise);
  }
  EXPECT_TRUE(p.part.allows(0, networks_[0].genes[0]));
  EXPECT_TRUE(p.part.allows(0, networks_[200].genes[0]));
  EXPECT_LT(Domain(*space_, p.part).count(), whole.count());
  // Order and repeats mean nothing.
  std::vector<Architecture> again = networks_;
  again.insert(again.end(), networks_.begin(), networks_.begin() + 50);
  std::reverse(again.begin(), again.end());
  EXPECT_EQ(popular_part(whole, again, options).part, p.part);
}

TEST_F(PopularPart, ClustersOfTheFewAreNotTheSearch) {
  // Two small groups close to each other, and three times as many networks far from all.
  space_ = load_space("mobilenet");
  Rng rng(1, "noise");
  const Architecture a = space_->largest(), b = space_->mutate(a, .2, rng);
  for (const Architecture& base : {a, b}) {
    std::vector<Architecture> near = space_->neighbours(base);
    near.resize(60);
    networks_.insert(networks_.end(), near.begin(), near.end());
  }
  for (int i = 0; i < 360; ++i) networks_.push_back(space_->sample(rng));
  PopularOptions options;
  options.clusters = {20, 5};
  options.least_share = .02;
  const Popular p = popular_part(Domain(*space_), networks_, options);
  EXPECT_TRUE(p.scattered);
  EXPECT_EQ(p.clusters, 0U);
  EXPECT_EQ(p.noise, 0U);
  size_t most = 0;
  for (const OptionShare& s : p.shares) most = std::max(most, s.of);
  EXPECT_EQ(most, p.networks) << "a choice that is always open counts all";
}

TEST_F(PopularPart, WithoutClustersAllSaySo) {
  gather(kConvs, 80, "a");
  const Popular few = popular_part(Domain(*space_), networks_, {});
  EXPECT_TRUE(few.part.everything()) << "80 networks do not tell of 1 %";
  EXPECT_EQ(few.too_few, 6U);
  const Popular p = popular_part(Domain(*space_), networks_, {{50, 10}, .04, 20'000});
  EXPECT_EQ(p.clusters, 0U);
  EXPECT_EQ(p.noise, 0U);
  EXPECT_EQ(p.too_few, 0U);
  // The first edge is nor_conv_3x3 in all 80.
  EXPECT_EQ(Domain(*space_, p.part).options(0), std::vector<int16_t>{networks_[0].genes[0]});
}

TEST_F(PopularPart, StaysWithinItsDomainAndKeepsWhatNothingIsKnownOf) {
  const Domain part(*space_, Restriction::parse(*space_, {"1<-0=nor_conv_3x3|none"}));
  gather(kConvs, 80, "a");
  const Popular p = popular_part(part, networks_, {{}, .04, 20'000});
  EXPECT_EQ(Domain(*space_, p.part).options(0).size(), 1U);
  const Popular none = popular_part(part, {}, {});
  EXPECT_EQ(none.part, part.restriction());
  EXPECT_EQ(none.networks, 0U);
  PopularOptions high;
  high.least_share = 1;  // What not all have is left out; where no option is in all, all stay.
  for (size_t c = 0; c < 6; ++c)
    EXPECT_GE(Domain(*space_, popular_part(part, networks_, high).part).options(c).size(), 1U);
}

}  // namespace
}  // namespace nas
