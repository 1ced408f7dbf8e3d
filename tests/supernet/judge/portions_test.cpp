// Which networks are judged together: all of them once, within the limits.
#include "supernet/judge/portions.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "spaces/registry.hpp"

namespace nas {
namespace {

constexpr double kAny = std::numeric_limits<double>::infinity();

class Portions : public testing::Test {
 protected:
  Portions() {
    Rng rng(7, "portions");
    for (int i = 0; i < 30; ++i) {
      architectures_.push_back(space_->sample(rng));
      owners_.push_back(i % 3);
    }
  }
  std::vector<Portion> portions(const PortionLimits& limits) const {
    std::vector<Portion> all = portions_of(*space_, architectures_, owners_, limits);
    std::vector<int> seen(architectures_.size());
    for (const Portion& p : all) {
      EXPECT_EQ(p.merged.outputs.size(), p.members.size());
      EXPECT_LE(p.members.size(), limits.members);
      for (const size_t i : p.members) {
        ++seen[i];
        EXPECT_EQ(owners_[i], owners_[p.members.front()]) << "two sets";
      }
    }
    EXPECT_EQ(seen, std::vector<int>(seen.size(), 1));
    return all;
  }

  std::unique_ptr<Space> space_ = load_space("nasbench201-n1");
  std::vector<Architecture> architectures_;
  std::vector<int> owners_;
};

TEST_F(Portions, OneForEachSetWhereNothingLimits) {
  EXPECT_EQ(portions({.members = 100, .macs = kAny, .bytes = kAny}).size(), 3u);
}

TEST_F(Portions, OfSoManyMembers) {
  EXPECT_EQ(portions({.members = 4, .macs = kAny, .bytes = kAny}).size(), 9u);
  EXPECT_EQ(portions({.members = 1, .macs = kAny, .bytes = kAny}).size(), 30u);
}

TEST_F(Portions, OfSoMuchWorkOrASingleNetwork) {
  double most = 0;
  for (const Architecture& a : architectures_)
    most = std::max(most, static_cast<double>(cost_of(space_->plan(a), space_->counting()).macs));
  for (const Portion& p : portions({.members = 100, .macs = 2 * most, .bytes = kAny})) {
    double sum = 0;
    for (const size_t i : p.members)
      sum += static_cast<double>(cost_of(space_->plan(architectures_[i]), space_->counting()).macs);
    EXPECT_LE(sum, 2 * most);
  }
  EXPECT_EQ(portions({.members = 100, .macs = 1, .bytes = kAny}).size(), 30u);
}

TEST_F(Portions, WithinTheMemoryOrASingleNetwork) {
  double most = 0;
  for (const Portion& p : portions({.members = 1, .macs = kAny, .bytes = kAny}))
    most = std::max(most, static_cast<double>(peak_bytes(p.merged)));
  const std::vector<Portion> all = portions({.members = 100, .macs = kAny, .bytes = most});
  for (const Portion& p : all) EXPECT_LE(static_cast<double>(peak_bytes(p.merged)), most);
  EXPECT_LT(all.size(), 30u);
  EXPECT_EQ(portions({.members = 100, .macs = kAny, .bytes = 1}).size(), 30u);
}

}  // namespace
}  // namespace nas
