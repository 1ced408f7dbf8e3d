#include "spaces/random.hpp"

#include <gtest/gtest.h>

#include "spaces/error.hpp"

namespace nas {
namespace {

TEST(Splitmix64, PublishedValues) {
  EXPECT_EQ(splitmix64(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(splitmix64(1), 0x910a2dec89025cc1ULL);
}

TEST(Rng, StreamsAreNamedAndSerialisable) {
  Rng a(7, "paths");
  Rng b(7, "data");
  EXPECT_NE(a.next(), b.next());
  Rng c(0, "other");
  c.restore(a.state());
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a.next(), c.next());
  EXPECT_THROW(c.restore("xyz"), DataError);
}

TEST(Rng, BelowIsUniform) {
  Rng rng(1, "test");
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[rng.below(7)];
  for (const int n : counts) EXPECT_NEAR(n, 10000, 500);
}

// panda.md 7.6
TEST(InverseCdf, Oracle) {
  const auto c = cumulative_of({.25, .08, .02, .40, .25});
  const std::vector<std::pair<double, size_t>> expected = {{0, 0},
                                                           {.1, 0},
                                                           {.2499, 0},
                                                           {.25, 1},
                                                           {.3299, 1},
                                                           {.3301, 2},
                                                           {.3499, 2},
                                                           {.3501, 3},
                                                           {.7499, 3},
                                                           {.7501, 4},
                                                           {.999999, 4}};
  for (const auto& [u, index] : expected) EXPECT_EQ(draw_from_cumulative(c, u), index) << u;
  const auto z = cumulative_of({0, .3, 0, .7, 0});
  const std::vector<std::pair<double, size_t>> zeros = {
      {0, 1}, {.1, 1}, {.2999, 1}, {.3001, 3}, {.9999999, 3}};
  for (const auto& [u, index] : zeros) EXPECT_EQ(draw_from_cumulative(z, u), index) << u;
}

}  // namespace
}  // namespace nas
