// Sets of partial solutions and sums of two lists, against looking at every pair.
#include "search/exact/dominance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "search/exact/sums.hpp"
#include "spaces/random.hpp"

namespace nas::exact {
namespace {

struct Part {
  std::vector<int64_t> sums;
  std::vector<int16_t> genes;
  bool operator==(const Part&) const = default;
};

std::vector<Part> parts_of(const PartSet& set) {
  std::vector<Part> parts;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto sums = set.sums_of(i);
    const auto genes = set.genes_of(i);
    parts.push_back({{sums.begin(), sums.end()}, {genes.begin(), genes.end()}});
  }
  return parts;
}

/// Those that nobody betters or equals, rising by sums; of equal ones the first by genes.
std::vector<Part> left_of(std::vector<Part> all) {
  std::sort(all.begin(), all.end(), [](const Part& a, const Part& b) {
    return std::tie(a.sums, a.genes) < std::tie(b.sums, b.genes);
  });
  std::vector<Part> left;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool beaten = std::any_of(all.begin(), all.end(), [&](const Part& other) {
      if (&other == &all[i]) return false;
      for (size_t d = 0; d < other.sums.size(); ++d)
        if (other.sums[d] > all[i].sums[d]) return false;
      return other.sums != all[i].sums || &other < &all[i];
    });
    if (!beaten) left.push_back(all[i]);
  }
  return left;
}

/// Of four choices, the first two decided (`head`), or the last two.
PartSet random_set(Rng& rng, size_t dims, size_t size, uint64_t most, bool head) {
  PartSet set(dims, 4);
  for (size_t i = 0; i < size; ++i) {
    std::vector<int64_t> sums;
    for (size_t d = 0; d < dims; ++d)
      sums.push_back(static_cast<int64_t>(rng.below(most)) - static_cast<int64_t>(most / 2));
    std::vector<int16_t> genes(4, -1);
    for (const size_t c : {head ? 0u : 2u, head ? 1u : 3u})
      genes[c] = static_cast<int16_t>(rng.below(3));
    set.add(sums, genes);
  }
  return set;
}

TEST(Dominance, LeavesWhatNobodyBetters) {
  Rng rng(1, "undominated");
  for (int i = 0; i < 600; ++i) {
    const size_t dims = 1 + rng.below(5);
    const PartSet set = random_set(rng, dims, rng.below(60), i % 2 == 0 ? 6 : 10'000, true);
    ASSERT_EQ(parts_of(undominated(set)), left_of(parts_of(set))) << dims;
  }
}

TEST(Dominance, ExtremesOfTheType) {
  PartSet set(2, 1);
  const int64_t low = std::numeric_limits<int64_t>::min(),
                high = std::numeric_limits<int64_t>::max();
  const std::vector<std::vector<int64_t>> sums = {
      {high, low}, {low, high}, {0, 0}, {high, high}, {low, low}};
  for (size_t i = 0; i < sums.size(); ++i)
    set.add(sums[i], std::vector<int16_t>{static_cast<int16_t>(i)});
  EXPECT_EQ(parts_of(undominated(set)), (std::vector<Part>{{{low, low}, {4}}}));
}

TEST(Dominance, CombinesEveryPairThatIsKept) {
  Rng rng(2, "combined");
  for (int i = 0; i < 600; ++i) {
    const size_t dims = 1 + rng.below(4);
    const uint64_t most = i % 2 == 0 ? 6 : 10'000;
    const PartSet x = undominated(random_set(rng, dims, 1 + rng.below(20), most, true));
    const PartSet y = undominated(random_set(rng, dims, 1 + rng.below(20), most, false));
    const int64_t limit = static_cast<int64_t>(rng.below(2 * most)) - static_cast<int64_t>(most);
    const Keep keep = [&](const int64_t* sums) { return sums[dims - 1] <= limit; };
    std::vector<Part> pairs;
    for (const Part& a : parts_of(x))
      for (const Part& b : parts_of(y)) {
        Part both = a;
        for (size_t d = 0; d < dims; ++d) both.sums[d] += b.sums[d];
        both.genes[2] = b.genes[2];
        both.genes[3] = b.genes[3];
        if (both.sums[dims - 1] <= limit) pairs.push_back(both);
      }
    ASSERT_EQ(parts_of(combined(x, y, keep, 1'000'000)), left_of(pairs)) << dims;
    ASSERT_EQ(parts_of(combined(y, x, keep, 1'000'000)), left_of(pairs)) << dims << " turned";
  }
}

TEST(Dominance, NothingAndTooMuch) {
  Rng rng(3, "limits");
  const Keep all = [](const int64_t*) { return true; };
  for (const size_t dims : {1u, 2u, 3u}) {
    const PartSet none(dims, 4), some = undominated(random_set(rng, dims, 5, 100, true));
    EXPECT_EQ(combined(none, some, all, 10).size(), 0u);
    EXPECT_EQ(combined(some, none, all, 10).size(), 0u);
    EXPECT_EQ(undominated(none).size(), 0u);
  }
  // Two staircases of 40 steps whose pairs are all different and none better: 1600 are left.
  PartSet x(2, 4), y(2, 4);
  for (int64_t i = 0; i < 40; ++i) {
    x.add(std::vector<int64_t>{i, -i}, std::vector<int16_t>{static_cast<int16_t>(i), 0, -1, -1});
    y.add(std::vector<int64_t>{100 * i, -100 * i},
          std::vector<int16_t>{-1, -1, static_cast<int16_t>(i), 0});
  }
  EXPECT_EQ(combined(x, y, all, 1600).size(), 1600u);
  try {
    combined(x, y, all, 1599);
    ADD_FAILURE();
  } catch (const TooMany& e) {
    EXPECT_STREQ(e.what(), "more than 1599 partial solutions");
  }
}

// ---- Sums of two lists.

Sums<uint64_t> random_sums(Rng& rng, size_t size, int64_t step, int64_t most) {
  std::map<int64_t, uint64_t> ways;
  for (size_t i = 0; i < size; ++i)
    ways[step * (static_cast<int64_t>(rng.below(static_cast<uint64_t>(most))) - most / 3)] +=
        1 + rng.below(5);
  Sums<uint64_t> sums;
  for (const auto& [value, count] : ways) {
    sums.value.push_back(value);
    sums.ways.push_back(count);
  }
  return sums;
}

TEST(Sums, ProductsCountEveryPair) {
  Rng rng(4, "product");
  const Rounding exact;
  for (int i = 0; i < 300; ++i) {
    const int64_t step = std::vector<int64_t>{1, 8, 1000, 123'456'789'012}[rng.below(4)];
    const int64_t most = rng.below(2) == 0 ? 30 : 1'000'000;
    const auto x = random_sums(rng, 1 + rng.below(30), step, most);
    const auto y = random_sums(rng, 1 + rng.below(30), step, most);
    std::map<int64_t, uint64_t> expected;
    for (size_t a = 0; a < x.size(); ++a)
      for (size_t b = 0; b < y.size(); ++b)
        expected[x.value[a] + y.value[b]] += x.ways[a] * y.ways[b];
    const Sums<uint64_t> found = product(x, y, exact);
    std::map<int64_t, uint64_t> told;
    for (size_t k = 0; k < found.size(); ++k) told[found.value[k]] += found.ways[k];
    ASSERT_EQ(told, expected) << step << " " << most;
    EXPECT_TRUE(std::is_sorted(found.value.begin(), found.value.end()));
    EXPECT_EQ(std::set<int64_t>(found.value.begin(), found.value.end()).size(), found.size());
  }
}

// Rounded down, at least as many lie at or below each limit; rounded up, at most as many.
TEST(Sums, RoundedProductsBoundTheCounts) {
  Rng rng(5, "rounded");
  for (int i = 0; i < 200; ++i) {
    const auto x = random_sums(rng, 20, 1, 100'000), y = random_sums(rng, 20, 1, 100'000);
    Rounding down;
    down.shift = 1 + static_cast<int>(rng.below(12));
    down.many = rng.below(2) == 0 ? 10 : 1000;
    Rounding up = down;
    up.up = true;
    const auto low = product(x, y, up), high = product(x, y, down),
               truth = product(x, y, Rounding());
    const auto below = [](const Sums<uint64_t>& sums, int64_t limit) {
      uint64_t count = 0;
      for (size_t k = 0; k < sums.size(); ++k)
        if (sums.value[k] <= limit) count += sums.ways[k];
      return count;
    };
    for (int k = 0; k < 20; ++k) {
      const int64_t limit = static_cast<int64_t>(rng.below(200'000)) - 70'000;
      EXPECT_LE(below(low, limit), below(truth, limit)) << limit;
      EXPECT_GE(below(high, limit), below(truth, limit)) << limit;
    }
    EXPECT_EQ(below(low, INT64_MAX), below(truth, INT64_MAX)) << "none is lost";
    EXPECT_EQ(below(high, INT64_MAX), below(truth, INT64_MAX));
  }
}

TEST(Sums, RoundingIsToMultiplesBelowOrAbove) {
  Rng rng(6, "rounding");
  for (int i = 0; i < 500; ++i) {
    Rounding down;
    down.shift = static_cast<int>(rng.below(20));
    Rounding up = down;
    up.up = true;
    const int64_t step = int64_t{1} << down.shift;
    const int64_t v = static_cast<int64_t>(rng.below(1'000'000)) - 500'000;
    EXPECT_EQ(down.of(v) % step, 0);
    EXPECT_LE(down.of(v), v);
    EXPECT_GT(down.of(v) + step, v);
    EXPECT_EQ(up.of(v) % step, 0);
    EXPECT_GE(up.of(v), v);
    EXPECT_LT(up.of(v) - step, v);
  }
}

TEST(Sums, CommonDivisorsAreThoseOfAllDifferences) {
  EXPECT_EQ(common_divisor({}), 1) << "nothing to divide";
  const std::vector<int64_t> one = {7}, even = {3, 5, 9}, eights = {-8, 0, 24}, sixes = {1, 7, 13};
  EXPECT_EQ(common_divisor({&one}), 1);
  EXPECT_EQ(common_divisor({&even}), 2);
  EXPECT_EQ(common_divisor({&eights}), 8);
  EXPECT_EQ(common_divisor({&eights, &sixes}), 2);
  EXPECT_EQ(common_divisor({&sixes, &one}), 6);
  Rng rng(7, "divisor");
  for (int i = 0; i < 200; ++i) {
    std::vector<int64_t> a, b;
    const auto g = static_cast<int64_t>(1 + rng.below(12));
    for (int k = 0; k < 5; ++k) {
      a.push_back(5 + g * static_cast<int64_t>(rng.below(1000)));
      b.push_back(-3 + g * static_cast<int64_t>(rng.below(1000)));
    }
    int64_t expected = 0;
    for (const auto* list : {&a, &b})
      for (const int64_t v : *list)
        for (const int64_t w : *list) expected = std::gcd(expected, std::abs(v - w));
    EXPECT_EQ(common_divisor({&a, &b}), std::max<int64_t>(1, expected));
  }
}

TEST(Sums, WhatDoesNotFitIsRefused) {
  // Far apart and without a common divisor: each of 40,000 pairs is a sum of its own.
  Sums<uint64_t> x, y;
  for (int64_t i = 0; i < 200; ++i) {
    x.value.push_back(i * i * 1'000'003);
    x.ways.push_back(1);
    y.value.push_back(i * 7'919'000'000'007);
    y.ways.push_back(1);
  }
  Rounding tight;
  tight.most = 9'999;
  EXPECT_THROW(product(x, y, tight), TooMany);
  EXPECT_EQ(product(x, y, Rounding()).size(), 40'000u);
  // 2^40 ways times 2^30: no longer exact in 64 bits.
  const Sums<uint64_t> many{{0}, {uint64_t{1} << 40}}, more{{0}, {uint64_t{1} << 30}};
  EXPECT_THROW(product(many, more, Rounding()), TooMany);
  const Sums<Wide> wide_many{{0}, {Wide{1} << 40}}, wide_more{{0}, {Wide{1} << 30}};
  EXPECT_TRUE(product(wide_many, wide_more, Rounding()).ways[0] == Wide{1} << 70);
}

}  // namespace
}  // namespace nas::exact
