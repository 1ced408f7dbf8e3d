// Groupings: the pieces that networks are cut into, and sums over them.
#include "hardware/grouping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "hardware/kernel_key.hpp"
#include "hardware/latency_table.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "tests/hardware/yaml_space.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> keys_of(const Plan& plan, const char* grouping) {
  const Grouping& g = *find_grouping(grouping);
  Pieces pieces;
  g.split(plan, pieces);
  std::vector<std::string> keys;
  for (size_t i = 0; i < pieces.size(); ++i) keys.push_back(g.text(plan, pieces, i));
  return keys;
}

// Every node that costs something is in exactly one piece, whatever the family.
TEST(Groupings, CoverEveryNodeOnce) {
  for (const char* name : {"digits",
                           "mobilenet",
                           "proxyless",
                           "nasbench201",
                           "ofa-resnet50",
                           "darts-small",
                           "resnet20-pool"}) {
    const auto space = load_space(name);
    Rng rng(3, "groupings");
    for (const Grouping& grouping : groupings()) {
      SCOPED_TRACE(std::string(name) + " " + std::string(grouping.name));
      Pieces pieces;
      for (int i = 0; i < 5; ++i) {
        const Plan plan = space->plan(space->sample(rng));
        grouping.split(plan, pieces);
        std::vector<int> covered(plan.nodes.size(), 0);
        for (size_t p = 0; p < pieces.size(); ++p)
          for (const int32_t node : pieces.nodes(p)) ++covered[static_cast<size_t>(node)];
        for (size_t n = 0; n < covered.size(); ++n)
          EXPECT_EQ(covered[n], is_free(plan.nodes[n].op) ? 0 : 1) << n;
      }
    }
  }
}

TEST(Groupings, OpsAreSignatures) {
  const auto space = load_space("nasbench201");
  const Plan plan = space->plan(space->largest());
  std::vector<std::string> expected;
  for (const Node& node : plan.nodes)
    if (!is_free(node.op)) expected.push_back(signature(plan, node));
  EXPECT_EQ(keys_of(plan, "ops"), expected);
}

TEST(Groupings, FusedTakesInNormAndActivation) {
  const auto space = load_space("resnet20-pool");
  const Plan plan = space->plan(space->parse("[4,3,3]"));
  const std::vector<std::string> keys = keys_of(plan, "fused");
  EXPECT_EQ(keys.front(), "conv2d in=3x32x32 out=16x32x32 k=3 s=1 g=1 act=relu");
  // The second convolution of a residual block: its sum is read by the activation, not it.
  EXPECT_EQ(keys[2], "conv2d in=16x32x32 out=16x32x32 k=3 s=1 g=1 act=none");
  EXPECT_EQ(keys[3], "add in=16x32x32+16x32x32 out=16x32x32 act=relu");
  for (const std::string& key : keys) EXPECT_THAT(key, ::testing::Not(HasSubstr("batch_norm")));
}

/// Once-for-all's published procedure (latency_lookup_table.py), written down from it.
struct OfaNet {
  std::vector<int> widths, strides, se, hs, depths;
  int stem, first, expand, mix, kernel, ratio, size;
  bool proxyless;

  static std::string sizes(int size, int channels) {
    return std::to_string(size) + "x" + std::to_string(size) + "x" + std::to_string(channels);
  }
  std::string block(int in, int out, int size, int stride, int mid, int k, int s) const {
    std::string key = "expanded_conv-input:" + sizes(size, in) +
                      "-output:" + sizes((size - 1) / stride + 1, out) +
                      "-expand:" + std::to_string(proxyless ? mid / in : mid) +
                      "-kernel:" + std::to_string(k) + "-stride:" + std::to_string(stride) +
                      "-idskip:" + (stride == 1 && in == out ? "1" : "0");
    if (proxyless) return key;
    const auto stage = static_cast<size_t>(s);
    return key + "-se:" + std::to_string(s < 0 ? 0 : se[stage]) +
           "-hs:" + std::to_string(s < 0 ? 0 : hs[stage]);
  }
  std::vector<std::string> keys() const {
    int at = (size + 1) / 2, in = first;
    std::vector<std::string> list{"Conv-input:" + sizes(size, 3) + "-output:" + sizes(at, stem),
                                  block(stem, first, at, 1, stem, 3, -1)};
    for (size_t s = 0; s < widths.size(); ++s)
      for (int j = 0; j < depths[s]; ++j) {
        const int stride = j == 0 ? strides[s] : 1;
        list.push_back(block(in, widths[s], at, stride, in * ratio, kernel, static_cast<int>(s)));
        at = (at - 1) / stride + 1;
        in = widths[s];
      }
    list.push_back("Conv_1-input:" + sizes(at, in) + "-output:" + sizes(at, expand));
    if (proxyless) {
      list.push_back("Logits-input:" + sizes(at, expand) + "-output:1000");
      return list;
    }
    list.push_back("AvgPool2D-input:" + sizes(at, expand) + "-output:" + sizes(1, expand));
    list.push_back("Conv_2-input:" + sizes(1, expand) + "-output:" + sizes(1, mix));
    list.push_back("Logits-input:" + sizes(1, mix) + "-output:1000");
    return list;
  }
};

const OfaNet kMobileNet{{24, 40, 80, 112, 160},
                        {2, 2, 2, 1, 2},
                        {0, 1, 0, 1, 1},
                        {0, 0, 1, 1, 1},
                        {2, 2, 2, 2, 2},
                        16,
                        16,
                        960,
                        1280,
                        5,
                        3,
                        224,
                        false};
const OfaNet kProxyless{{32, 56, 104, 128, 248, 416},
                        {2, 2, 2, 1, 2, 1},
                        {},
                        {},
                        {2, 2, 2, 2, 2, 1},
                        40,
                        24,
                        1664,
                        0,
                        3,
                        6,
                        224,
                        true};

/// Each key its own time; the sum over a network is that of its keys.
void expect_sum_of_blocks(const Space& space,
                          const Architecture& a,
                          const OfaNet& net,
                          const char* grouping) {
  LatencyTable table;
  table.grouping = grouping;
  double next = 1, expected = 0;
  for (const std::string& key : net.keys()) {
    const auto [it, fresh] = table.entries.emplace(key, LatencyEntry{next, next, next, 1});
    if (fresh) next *= 1.25;
    expected += it->second.median_ms;
  }
  EXPECT_DOUBLE_EQ(table.predict(space.plan(a)), expected);
  std::vector<std::string> found = keys_of(space.plan(a), grouping);
  std::vector<std::string> wanted = net.keys();
  EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(wanted));
}

Architecture with_options(const Space& space,
                          const std::string& kernel,
                          const std::string& expand) {
  Architecture a = space.smallest();
  for (size_t c = 0; c < space.choices().size(); ++c) {
    const Choice& choice = space.choices()[c];
    for (const auto& [ending, option] :
         {std::pair<std::string, std::string>{".kernel", kernel}, {".expand", expand}})
      if (choice.name.ends_with(ending))
        a.genes[c] =
            static_cast<int16_t>(std::find(choice.options.begin(), choice.options.end(), option) -
                                 choice.options.begin());
  }
  return space.fix_inactive(a);
}

TEST(OnceForAll, PredictionIsTheSumOfPublishedBlocks) {
  const auto mobile = load_space("mobilenet");
  expect_sum_of_blocks(*mobile, with_options(*mobile, "5", "3"), kMobileNet, "ofa-mobilenetv3");
  const auto proxyless = yaml_space(
      "family: mobilenet\nvariant: proxyless\nwidth_mult: 1.3\nresolutions: [224]\nclasses: "
      "1000\n");
  expect_sum_of_blocks(*proxyless, with_options(*proxyless, "3", "6"), kProxyless, "ofa-proxyless");
}

// Keys of search.md 5.1 and of DynamicOFA's Jetson tables (resolution 160), width 1.2.
TEST(OnceForAll, KnowsPublishedKeys) {
  const auto space = yaml_space(
      "family: mobilenet\nvariant: mobilenetv3\nwidth_mult: 1.2\nresolutions: [160, 224]\n"
      "classes: 1000\n");
  std::set<std::string> keys;
  Rng rng(1, "keys");
  for (int i = 0; i < 400; ++i)
    for (const std::string& key : keys_of(space->plan(space->sample(rng)), "ofa-mobilenetv3"))
      keys.insert(key);
  for (const char* key :
       {"Conv-input:224x224x3-output:112x112x24",
        "expanded_conv-input:112x112x24-output:56x56x32-expand:72-kernel:5-stride:2-idskip:0-se:0-"
        "hs:0",
        "AvgPool2D-input:5x5x1152-output:1x1x1152",
        "Conv_1-input:5x5x192-output:5x5x1152",
        "Conv_2-input:1x1x1152-output:1x1x1536",
        "Logits-input:1x1x1536-output:1000",
        "expanded_conv-input:10x10x136-output:5x5x192-expand:816-kernel:7-stride:2-idskip:0-se:1-"
        "hs:1",
        "expanded_conv-input:20x20x48-output:10x10x96-expand:144-kernel:3-stride:2-idskip:0-se:0-"
        "hs:1",
        "expanded_conv-input:40x40x32-output:40x40x32-expand:96-kernel:7-stride:1-idskip:1-se:0-"
        "hs:0"})
    EXPECT_TRUE(keys.contains(key)) << key;
}

TEST(OnceForAll, AnotherFamilyIsNotAnsweredAndNearestKeysAreNamed) {
  const auto space = load_space("resnet20-pool");
  LatencyTable table;
  table.id = "blocks";
  table.grouping = "ofa-mobilenetv3";
  for (const std::string& key : kMobileNet.keys()) table.entries[key] = {1, 1, 1, 1};
  try {
    table.predict(space->plan(space->parse("[4,3,3]")));
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(),
                HasSubstr("has no time for the block `Conv-input:32x32x3-output:32x32x16`"));
    EXPECT_THAT(e.what(), HasSubstr("nearest it has: `Conv-input:224x224x3-output:112x112x16`"));
  }
}

TEST(Keys, NearestAreOfTheSameKindWithNearNumbers) {
  const std::map<std::string, int> known = {{"conv2d in=16x32x32 out=16x32x32 k=3", 0},
                                            {"conv2d in=16x32x32 out=32x16x16 k=3", 0},
                                            {"conv2d in=512x4x4 out=512x4x4 k=1", 0},
                                            {"linear in=16 out=32", 0}};
  const auto near = nearest_keys("conv2d in=16x32x32 out=24x32x32 k=3", known, 2);
  ASSERT_EQ(near.size(), 2U);
  EXPECT_EQ(near[0], "conv2d in=16x32x32 out=16x32x32 k=3");
  EXPECT_EQ(near[1], "conv2d in=16x32x32 out=32x16x16 k=3");
  EXPECT_EQ(nearest_keys("linear in=8 out=8", known, 1).front(), "linear in=16 out=32");
}

TEST(Keys, MacsOfAKeyAreThoseOfItsPiece) {
  for (const char* name : {"mobilenet", "proxyless"}) {
    const auto space = load_space(name);
    const Plan plan = space->plan(space->largest());
    for (const Grouping& grouping : groupings()) {
      if (grouping.name == "ofa-mobilenetv3" && std::string(name) == "proxyless") continue;
      if (grouping.name == "ofa-proxyless" && std::string(name) == "mobilenet") continue;
      Pieces pieces;
      grouping.split(plan, pieces);
      for (size_t i = 0; i < pieces.size(); ++i) {
        double macs = 0, gates = 0;
        for (const int32_t id : pieces.nodes(i)) {
          const Node& node = plan.nodes[static_cast<size_t>(id)];
          macs += static_cast<double>(macs_of(plan, node));
          // What a block's key does not tell: squeeze-and-excitation.
          if (pieces.nodes(i).size() > 3 && node.out.image() && node.out.h == 1)
            gates += static_cast<double>(macs_of(plan, node));
        }
        EXPECT_DOUBLE_EQ(macs_of_key(grouping.text(plan, pieces, i)), macs - gates)
            << grouping.text(plan, pieces, i);
      }
    }
  }
}

// Bit for bit, on networks whose keys were met before and on such whose were not.
TEST(LatencyLookup, EqualsTheSlowSum) {
  for (const char* name : {"digits", "nasbench201", "mobilenet"}) {
    const auto space = load_space(name);
    auto table = std::make_shared<LatencyTable>();
    table->id = "t";
    Rng rng(5, "lookup");
    std::vector<Plan> plans;
    for (int i = 0; i < 20; ++i) {
      plans.push_back(space->plan(space->sample(rng)));
      for (const std::string& key : keys_of(plans.back(), "ops")) {
        const double ms = 0.01 + rng.uniform();
        table->entries.try_emplace(key, LatencyEntry{ms, ms, ms, 1});
      }
    }
    LatencyLookup lookup(table);
    for (int round = 0; round < 2; ++round)
      for (const Plan& plan : plans) EXPECT_EQ(lookup.predict(plan), table->predict(plan));
    table->entries.erase(keys_of(plans[0], "ops").front());
    LatencyLookup lacking(table);
    for (int round = 0; round < 2; ++round) EXPECT_THROW(lacking.predict(plans[0]), DataError);
  }
}

}  // namespace
}  // namespace nas
