// The once-for-all ResNet50 against search.md 2.2 and 6.
#include <gtest/gtest.h>

#include "spaces/registry.hpp"
#include "spaces/space.hpp"

namespace nas {
namespace {

TEST(OfaResNet50, PublishedCosts) {
  const auto space = load_space("ofa-resnet50");
  const auto expect = [&](const Architecture& a, int64_t macs, int64_t params) {
    const Cost cost = cost_of(space->plan(a), space->counting());
    EXPECT_EQ(cost.macs, macs) << space->text(a);
    EXPECT_EQ(cost.params, params) << space->text(a);
  };
  expect(space->largest(), 7491643904, 48105992);
  expect(space->smallest(), 962192128, 6539280);
  // ResNet50-D: depths 2,1,2,2,1, all expansions 0.25, widths 1.0.
  Architecture d = space->largest();
  const int16_t depths[] = {1, 1, 2, 2, 1};
  for (size_t i = 0; i < 5; ++i) d.genes[i] = depths[i];
  for (size_t i = 5; i < 5 + 18; ++i) d.genes[i] = 1;
  expect(space->fix_inactive(d), 4328824832, 25576264);
}

TEST(OfaResNet50, CountIsExact) {
  const BigInt stage = 9 + 27 + 81, third = 81 + 243 + 729;
  EXPECT_EQ(load_space("ofa-resnet50")->count(), stage * stage * stage * third * 729 * 2);
}

}  // namespace
}  // namespace nas
