// The distinct ops of a space: lists made from choices that act together are those that going
// through all networks gives.
#include "hardware/op_cases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "hardware/latency_table.hpp"
#include "spaces/registry.hpp"
#include "tests/hardware/yaml_space.hpp"

namespace nas {
namespace {

std::set<std::string> keys_of(const SpaceOps& ops) {
  std::set<std::string> keys;
  for (const auto& [key, op] : ops.ops) keys.insert(key);
  return keys;
}

void expect_exact(const Domain& domain, const Grouping& grouping = op_grouping()) {
  SCOPED_TRACE(domain.name() + " " + std::string(grouping.name));
  OpsOptions all, scopes;
  all.listed = 1'000'000;
  scopes.listed = 0;
  const SpaceOps listed = ops_of(domain, grouping, all);
  const SpaceOps found = ops_of(domain, grouping, scopes);
  EXPECT_EQ(listed.how, SpaceOps::How::kListed);
  EXPECT_EQ(found.how, SpaceOps::How::kScopes);
  EXPECT_EQ(keys_of(found), keys_of(listed));
  for (const auto& [key, op] : found.ops) EXPECT_TRUE(domain.contains(op.architecture)) << key;
}

TEST(SpaceOps, ScopesFindWhatListingFinds) {
  for (const char* name : {"digits", "resnet20-pool", "nasbench201-n1", "nasbench-macro"})
    expect_exact(*load_space(name));
}

// Depths that close choices, image sizes that act on everything, widths that act on neighbours.
TEST(SpaceOps, ScopesFindWhatListingFindsInSmallSpacesOfLargeFamilies) {
  const auto mobile = yaml_space(
      "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.5\nkernels: [3, 5]\n"
      "expansions: [3, 6]\ndepths: [1, 2]\nresolutions: [32]\nclasses: 10\n");
  // 20^5 networks; in parts of three stages all are gone through.
  for (const char* part : {"stage4.depth=1,stage5.depth=1,stage4.*.kernel=3,stage5.*.kernel=3,"
                           "stage4.*.expand=3,stage5.*.expand=3",
                           "stage1.depth=1,stage2.depth=1,stage1.*.kernel=3,stage2.*.kernel=3,"
                           "stage1.*.expand=3,stage2.*.expand=3"}) {
    const Domain domain(*mobile, Restriction::parse(*mobile, {part}));
    expect_exact(domain);
    expect_exact(domain, *find_grouping("ofa-mobilenetv3"));
    expect_exact(domain, *find_grouping("fused"));
  }
  const auto sizes = yaml_space(
      "family: mobilenet\nvariant: mobilenetv3-32\nkernels: [3, 5]\nexpansions: [3]\n"
      "depths: [1, 2]\nresolutions: [24, 32]\nclasses: 10\n");
  expect_exact(*sizes);
  const auto resnet = load_space("ofa-resnet50");
  expect_exact(
      Domain(*resnet, Restriction::parse(*resnet, {"*.expansion=0.25", "*.more_blocks=0|2"})));
}

// Every op of random networks of spaces far too large to be listed is there, and every op listed
// stands in a network.
TEST(SpaceOps, LargeSpacesAreListedExactly) {
  for (const char* name : {"mobilenet", "mobilenet-elastic-resolution", "ofa-resnet50"}) {
    SCOPED_TRACE(name);
    const auto space = load_space(name);
    const SpaceOps ops = ops_of(*space);
    EXPECT_EQ(ops.how, SpaceOps::How::kScopes);
    Rng rng(7, "test");
    for (int i = 0; i < 300; ++i) {
      const Plan plan = space->plan(space->sample(rng));
      for (const Node& node : plan.nodes)
        if (!is_free(node.op)) {
          EXPECT_TRUE(ops.ops.contains(signature(plan, node)));
        }
    }
    for (const auto& [key, op] : ops.ops)
      EXPECT_EQ(signature(*op.plan, op.plan->nodes[op.node]), key);
  }
}

TEST(SpaceOps, CountsUsesOfListedSpaces) {
  const auto space = load_space("digits");
  const SpaceOps ops = ops_of(*space);
  std::map<std::string, std::pair<int64_t, int64_t>> expected;
  int64_t networks = 0;
  space->enumerate([&](const Architecture& a) {
    const Plan plan = space->plan(a);
    std::set<std::string> here;
    for (const Node& node : plan.nodes) {
      if (is_free(node.op)) continue;
      ++expected[signature(plan, node)].second;
      if (here.insert(signature(plan, node)).second) ++expected[signature(plan, node)].first;
    }
    ++networks;
    return true;
  });
  EXPECT_EQ(ops.looked_at, networks);
  ASSERT_EQ(ops.ops.size(), expected.size());
  for (const auto& [key, op] : ops.ops) {
    EXPECT_EQ(op.networks, expected[key].first) << key;
    EXPECT_EQ(op.uses, expected[key].second) << key;
  }
}

TEST(SpaceOps, OptionsBehindAnOpBringItAboutAndNoneIsIdle) {
  const auto space = load_space("mobilenet");
  const SpaceOps ops = ops_of(*space);
  int with = 0, tried = 0;
  for (const auto& [key, op] : ops.ops) {
    if (++tried % 25 != 0) continue;
    const auto behind = options_behind(*space, op_grouping(), key, op);
    const auto has = [&](const std::vector<std::pair<size_t, int16_t>>& options) {
      Architecture a = space->largest();
      for (const auto& [choice, option] : options) a.genes[choice] = option;
      a = space->fix_inactive(a);
      const Plan plan = space->plan(a);
      for (const Node& node : plan.nodes)
        if (signature(plan, node) == key) return true;
      return false;
    };
    EXPECT_TRUE(has(behind)) << key;
    for (size_t i = 0; i < behind.size(); ++i) {
      auto fewer = behind;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(has(fewer)) << key;
    }
    with += behind.empty() ? 0 : 1;
  }
  EXPECT_GT(with, 3);
}

// Where networks are listed, the first one with an op is a small one, whose depth is then taken
// back: what that opens must be, too.
TEST(SpaceOps, OpsOfEveryNetworkNeedNoOption) {
  const auto space = load_space("digits");
  const SpaceOps ops = ops_of(*space);
  ASSERT_EQ(ops.how, SpaceOps::How::kListed);
  const Plan largest = space->plan(space->largest());
  std::set<std::string> there;
  for (const Node& node : largest.nodes) there.insert(signature(largest, node));
  size_t everywhere = 0, one = 0;
  for (const auto& [key, op] : ops.ops) {
    const auto behind = options_behind(*space, op_grouping(), key, op);
    EXPECT_EQ(behind.empty(), there.contains(key)) << key;
    everywhere += op.networks == ops.looked_at ? 1 : 0;
    one += behind.size() == 1 ? 1 : 0;
  }
  EXPECT_GT(everywhere, 0U);
  // Most hang on one width or one kind.
  EXPECT_GT(one, 20U);
  // Of other widths the stem is needed by width alone.
  const auto narrow = std::find_if(ops.ops.begin(), ops.ops.end(), [](const auto& each) {
    return each.first.starts_with("batch_norm in=18x8x8");
  });
  ASSERT_NE(narrow, ops.ops.end());
  const auto behind = options_behind(*space, op_grouping(), narrow->first, narrow->second);
  ASSERT_EQ(behind.size(), 1U);
  EXPECT_EQ(space->choices()[behind[0].first].name, "stage1.width");
}

// Too many choices that act on everything: said, not hidden.
TEST(SpaceOps, SampledWhereChoicesDoNotComeApart) {
  const auto space = load_space("resnet20-pool");
  OpsOptions few;
  few.listed = 0;
  few.built = 3;
  const SpaceOps ops = ops_of(*space, op_grouping(), few);
  EXPECT_EQ(ops.how, SpaceOps::How::kSampled);
  EXPECT_FALSE(ops.exact());
}

}  // namespace
}  // namespace nas
