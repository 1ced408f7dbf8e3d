// Keys of tables: their numbers, how unlike they are, what they cost, what once-for-all's say; and
// what moved between two random tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "hardware/grouping.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/latency_diff.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

// ---- Numbers of keys.

TEST(KeyIndex, NumbersKeysInTheOrderTheyAreSeen) {
  Rng rng(1, "index");
  KeyIndex index;
  std::map<std::vector<uint64_t>, uint32_t> known;
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint64_t> key(rng.below(5));
    // Few values, so that keys come again; and high bits alone, which a hash may lose.
    for (uint64_t& word : key) word = rng.below(2) == 0 ? rng.below(6) : rng.below(6) << 60;
    const auto [at, fresh] = known.emplace(key, static_cast<uint32_t>(known.size()));
    ASSERT_EQ(index.id_of(key), at->second);
    ASSERT_EQ(index.size(), known.size());
  }
  EXPECT_GT(known.size(), 3000u) << "enough to grow several times";
}

TEST(KeyIndex, APartOfAKeyIsAnotherKey) {
  KeyIndex index;
  const std::vector<uint64_t> words = {7, 7, 7, 7};
  std::set<uint32_t> ids;
  for (size_t n = 0; n <= 4; ++n) ids.insert(index.id_of({words.data(), n}));
  EXPECT_EQ(ids.size(), 5u);
  for (size_t n = 0; n <= 4; ++n) EXPECT_EQ(index.id_of({words.data(), n}), n);
}

TEST(Pieces, KeepTheirWordsAndNodesApart) {
  Pieces pieces;
  for (int round = 0; round < 2; ++round) {
    pieces.clear();
    EXPECT_EQ(pieces.size(), 0u);
    for (uint64_t p = 0; p < 5; ++p) {
      pieces.begin();
      for (uint64_t w = 0; w < p; ++w) pieces.word(10 * p + w);
      for (uint64_t n = 0; n < 5 - p; ++n) pieces.node(100 * p + n);
    }
    ASSERT_EQ(pieces.size(), 5u);
    for (size_t p = 0; p < 5; ++p) {
      ASSERT_EQ(pieces.key(p).size(), p);
      ASSERT_EQ(pieces.nodes(p).size(), 5 - p);
      for (size_t w = 0; w < p; ++w) EXPECT_EQ(pieces.key(p)[w], 10 * p + w);
      for (size_t n = 0; n < 5 - p; ++n)
        EXPECT_EQ(pieces.nodes(p)[n], static_cast<int32_t>(100 * p + n));
    }
  }
}

// ---- How unlike keys are.

std::string random_key(Rng& rng) {
  const auto size = [&] { return std::to_string(1 + rng.below(64)); };
  switch (rng.below(4)) {
    case 0:
      return "conv2d in=" + size() + "x8x8 out=" + size() + "x8x8 k=3 s=1 g=1 act=relu";
    case 1:
      return "conv2d in=" + size() + "x8x8 out=" + size() + "x4x4 k=5 s=2 g=1 act=none";
    case 2:
      return "linear in=" + size() + " out=" + size() + " act=none";
    default:
      return "expanded_conv-input:7x7x" + size() + "-output:7x7x" + size() +
             "-expand:3-kernel:5-stride:1-idskip:0";
  }
}

TEST(KeyDistance, IsZeroForOneKeySymmetricAndGrowsWithTheNumbers) {
  Rng rng(2, "distance");
  for (int i = 0; i < 500; ++i) {
    const std::string a = random_key(rng), b = random_key(rng), c = random_key(rng);
    EXPECT_EQ(key_distance(a, a), 0);
    EXPECT_NEAR(key_distance(a, b), key_distance(b, a), 1e-12);
    EXPECT_EQ(key_distance(a, b) == 0, a == b) << a << " " << b;
    EXPECT_LE(key_distance(a, c), key_distance(a, b) + key_distance(b, c) + 1e-12);
  }
  // In proportion: 16 to 32 is as far as 32 to 64, but for the one that keeps 0 a number.
  EXPECT_DOUBLE_EQ(key_distance("linear in=3 out=1", "linear in=7 out=1"), std::log(2));
  EXPECT_DOUBLE_EQ(key_distance("x 15", "x 31"), std::log(2));
  EXPECT_DOUBLE_EQ(key_distance("x 0", "x 1"), std::log(2));
  // Another kind is further than any other number of the same kind.
  EXPECT_GT(key_distance("linear in=1 out=1", "conv2d in=1 out=1"),
            key_distance("linear in=1 out=1", "linear in=999999999 out=999999999"));
}

TEST(KeyDistance, TheNearestAreThoseOfSortingAll) {
  Rng rng(3, "nearest");
  for (int i = 0; i < 60; ++i) {
    std::map<std::string, int> known;
    for (int k = 0; k < 30; ++k) known[random_key(rng)] = k;
    const std::string key = random_key(rng);
    std::vector<double> distances;
    for (const auto& [other, value] : known) distances.push_back(key_distance(key, other));
    std::sort(distances.begin(), distances.end());
    const size_t most = 1 + rng.below(5);
    const std::vector<std::string> near = nearest_keys(key, known, most);
    ASSERT_EQ(near.size(), most);
    for (size_t k = 0; k < most; ++k) EXPECT_EQ(key_distance(key, near[k]), distances[k]);
    EXPECT_EQ(std::set<std::string>(near.begin(), near.end()).size(), most);
  }
  EXPECT_TRUE(nearest_keys("x", std::map<std::string, int>()).empty());
}

// ---- What keys cost.

TEST(MacsOfKeys, AreThoseOfTheirSizes) {
  Rng rng(4, "macs");
  for (int i = 0; i < 300; ++i) {
    const auto size = [&](uint64_t most) { return static_cast<int32_t>(1 + rng.below(most)); };
    FusedKernel kernel;
    kernel.op = "conv2d";
    const int32_t groups = size(4), in = groups * size(9), out = groups * size(9);
    kernel.inputs = {{in, size(20), size(20)}};
    kernel.out = {out, size(20), size(20)};
    kernel.kernel = size(7);
    kernel.stride = size(3);
    kernel.groups = groups;
    kernel.dilation = size(2);
    kernel.act = rng.below(2) == 0 ? "relu6" : "";
    const std::string key = to_string(kernel);
    double macs = 0;
    for (int o = 0; o < out; ++o)  // Each output channel reads the channels of its group.
      macs += static_cast<double>(kernel.out.h) * kernel.out.w * (in / groups) *
              static_cast<double>(kernel.kernel * kernel.kernel);
    EXPECT_DOUBLE_EQ(macs_of_key(key), macs) << key;
    EXPECT_EQ(key.find(" d=") != key.npos, kernel.dilation != 1) << key;
    FusedKernel linear;
    linear.op = "linear";
    linear.inputs = {{in, 1, 1, Form::kVector}};
    linear.out = {out, 1, 1, Form::kVector};
    EXPECT_DOUBLE_EQ(macs_of_key(to_string(linear)), static_cast<double>(in) * out);
  }
  FusedKernel add;
  add.op = "add";
  add.inputs = {{8, 4, 4}, {8, 4, 4}};
  add.out = {8, 4, 4};
  EXPECT_EQ(to_string(add), "add in=8x4x4+8x4x4 out=8x4x4 act=none");
  for (const char* key : {"add in=8x4x4+8x4x4 out=8x4x4 act=none",
                          "batch_norm in=8x4x4 out=8x4x4 affine=1 running=1",
                          "conv2d in=8x4 out=8x4x4 k=1 g=1",
                          "conv2d in=8x4x4 out=8x4x4 g=1",
                          "conv2d in=8x4x4 out=8x4x4 k=1 g=0",
                          "conv2d in=8x0x4 out=8x4x4 k=1 g=1",
                          "conv2d out=8x4x4 k=1 g=1",
                          "linear in=x out=3",
                          "linear in=99999999999 out=3",
                          "",
                          "nonsense"})
    EXPECT_EQ(macs_of_key(key), 0) << key;
}

// ---- Once-for-all's keys.

TEST(OfaKeys, AreReadAsTheyAreWritten) {
  OfaBlock block;
  ASSERT_TRUE(
      read_ofa_key("expanded_conv-input:56x28x24-output:28x14x40-expand:72-kernel:5-"
                   "stride:2-idskip:0-se:1-hs:0",
                   block));
  EXPECT_EQ(block.type, "expanded_conv");
  EXPECT_EQ(block.input, (std::vector<int64_t>{56, 28, 24}));
  EXPECT_EQ(block.output, (std::vector<int64_t>{28, 14, 40}));
  EXPECT_EQ(
      block.attributes,
      (std::map<std::string, int64_t>{
          {"expand", 72}, {"kernel", 5}, {"stride", 2}, {"idskip", 0}, {"se", 1}, {"hs", 0}}));
  EXPECT_FALSE(block.proxyless());
  ASSERT_TRUE(
      read_ofa_key("expanded_conv-input:7x7x8-output:7x7x8-expand:6-kernel:3-stride:1-"
                   "idskip:1",
                   block));
  EXPECT_TRUE(block.proxyless());
  ASSERT_TRUE(read_ofa_key("Logits-input:1x1x1280-output:1000", block));
  EXPECT_EQ(block.output, std::vector<int64_t>{1000});
  EXPECT_TRUE(block.attributes.empty());
}

TEST(OfaKeys, CostTheirLayers) {
  // Expand 24 to 72 on 56x56, 5x5 depthwise and 72 to 40 on 28x28.
  EXPECT_DOUBLE_EQ(macs_of_key("expanded_conv-input:56x56x24-output:28x28x40-expand:72-kernel:5-"
                               "stride:2-idskip:0-se:1-hs:0"),
                   56 * 56 * 24 * 72 + 28 * 28 * 72 * (25 + 40));
  // ProxylessNAS writes the ratio; without expansion the first convolution is not there.
  EXPECT_DOUBLE_EQ(macs_of_key("expanded_conv-input:7x7x8-output:7x7x16-expand:6-kernel:3-stride:1-"
                               "idskip:0"),
                   49 * 8 * 48 + 49 * 48 * (9 + 16));
  EXPECT_DOUBLE_EQ(macs_of_key("expanded_conv-input:7x7x8-output:7x7x16-expand:1-kernel:3-stride:1-"
                               "idskip:0"),
                   49 * 8 * (9 + 16));
  EXPECT_DOUBLE_EQ(macs_of_key("Conv-input:224x224x3-output:112x112x16"), 112. * 112 * 16 * 27);
  EXPECT_DOUBLE_EQ(macs_of_key("Conv_1-input:7x7x160-output:7x7x960"), 49. * 160 * 960);
  EXPECT_DOUBLE_EQ(macs_of_key("Conv_2-input:1x1x960-output:1x1x1280"), 960. * 1280);
  EXPECT_DOUBLE_EQ(macs_of_key("Logits-input:1x1x1280-output:1000"), 1280. * 1000);
  EXPECT_EQ(macs_of_key("AvgPool2D-input:7x7x960-output:1x1x960"), 0);
}

TEST(OfaKeys, WhatIsNearlyOneIsToldForWhatItIs) {
  const std::string start = "expanded_conv-input:7x7x8-output:7x7x8-expand:6-kernel:3";
  for (const auto& [key, why] : std::vector<std::pair<std::string, std::string>>{
           {"conv2d in=3 out=4", "has no `-input:`"},
           {"Konv-input:7x7x8-output:7x7x8", "'Konv' is none of Conv, expanded_conv"},
           {start + "-stride:1", "has no idskip"},
           {start + "-idskip:1", "has no stride"},
           {start + "-stride:1-idskip:1-se:0", "has one of se and hs"},
           {start + "-stride:1-idskip:1-hs:1", "has one of se and hs"},
           {start + "-stride:1-idskip:1-color:1", "'color:1' is no attribute of a block"},
           {start + "-stride:1-stride:1-idskip:1", "'stride:1' is no attribute of a block"},
           {start + "-stride:x-idskip:1", "'stride:x' is no attribute"},
           {start + "-stride:-1-idskip:1", "'stride:' is no attribute"},
           {"Conv-input:7x7-output:7x7x8", "sizes are height x width x channels"},
           {"Conv-input:7x7x8", "sizes are height x width x channels"},
           {"Conv-input:7x0x8-output:7x7x8", "'input:7x0x8' is no size such as input:56x56x24"},
           {"Conv-input:7x7xx-output:7x7x8", "'input:7x7xx' is no size"},
           {"Conv-input:7x7x8-output:7x7x8-kernel:3", "only expanded_conv has attributes"}}) {
    OfaBlock block;
    std::string said = "left over";
    EXPECT_EQ(read_ofa_key(key, block, &said), said.empty()) << key;
    EXPECT_THAT(said, HasSubstr(why)) << key;
    EXPECT_FALSE(read_ofa_key(key, block) && why.find("only") == why.npos) << key;
  }
}

// ---- What moved between two tables.

LatencyTable random_table(Rng& rng) {
  LatencyTable table;
  for (int i = 0; i < 30; ++i) {
    if (rng.below(4) == 0) continue;
    const std::string kind = std::vector<std::string>{"conv2d", "relu", "linear"}[rng.below(3)];
    const double ms = 0.01 + rng.uniform(), half = 0.3 * ms * rng.uniform();
    table.entries[kind + " in=" + std::to_string(rng.below(15))] = {ms, ms - half, ms + half, 5};
  }
  return table;
}

TEST(LatencyDiffOf, RandomTables) {
  Rng rng(5, "diff");
  for (int i = 0; i < 100; ++i) {
    const LatencyTable a = random_table(rng), b = random_table(rng);
    const LatencyDiff diff = diff_of(a, b);
    std::set<std::string> both, only_a, only_b;
    double sum_a = 0, sum_b = 0;
    std::vector<double> ratios;
    for (const auto& [key, entry] : a.entries) {
      if (!b.entries.contains(key)) {
        only_a.insert(key);
        continue;
      }
      both.insert(key);
      sum_a += entry.median_ms;
      sum_b += b.entries.at(key).median_ms;
      ratios.push_back(b.entries.at(key).median_ms / entry.median_ms);
    }
    for (const auto& [key, entry] : b.entries)
      if (!a.entries.contains(key)) only_b.insert(key);
    EXPECT_EQ(std::set<std::string>(diff.only_a.begin(), diff.only_a.end()), only_a);
    EXPECT_EQ(std::set<std::string>(diff.only_b.begin(), diff.only_b.end()), only_b);
    ASSERT_EQ(diff.both.size(), both.size());
    size_t kinds = 0, beyond = 0;
    for (const KindChange& kind : diff.kinds) {
      kinds += kind.keys;
      beyond += kind.beyond;
    }
    EXPECT_EQ(kinds, both.size());
    double last = HUGE_VAL;
    for (const LatencyChange& change : diff.both) {
      EXPECT_TRUE(both.count(change.key));
      EXPECT_DOUBLE_EQ(change.ratio, change.b.median_ms / change.a.median_ms);
      const double moved = std::abs(std::log(change.ratio));
      EXPECT_LE(moved, last) << "the largest first";
      last = moved;
      const bool apart = change.a.high_ms < change.b.low_ms || change.b.high_ms < change.a.low_ms;
      EXPECT_EQ(change.beyond, apart);
      beyond -= change.beyond ? 1 : 0;
    }
    EXPECT_EQ(beyond, 0u);
    if (both.empty()) continue;
    EXPECT_NEAR(diff.total_ratio, sum_b / sum_a, 1e-12);
    // As many lie above the median as below.
    const auto above = std::count_if(ratios.begin(), ratios.end(), [&](double r) {
      return r > diff.median_ratio * (1 + 1e-12);
    });
    const auto below = std::count_if(ratios.begin(), ratios.end(), [&](double r) {
      return r < diff.median_ratio * (1 - 1e-12);
    });
    EXPECT_EQ(above, below);
    // Turned round, everything is its inverse.
    const LatencyDiff turned = diff_of(b, a);
    EXPECT_NEAR(turned.median_ratio, 1 / diff.median_ratio, 1e-9);
    EXPECT_NEAR(turned.total_ratio, 1 / diff.total_ratio, 1e-9);
    EXPECT_EQ(turned.only_a, diff.only_b);
  }
}

TEST(LatencyDiffOf, ATableAndItselfAreEqual) {
  Rng rng(6, "same");
  const LatencyTable a = random_table(rng);
  const LatencyDiff diff = diff_of(a, a);
  EXPECT_EQ(diff.median_ratio, 1);
  EXPECT_EQ(diff.total_ratio, 1);
  for (const LatencyChange& change : diff.both) EXPECT_FALSE(change.beyond);
  EXPECT_TRUE(diff.conditions.empty());
  const LatencyDiff none = diff_of({}, {});
  EXPECT_EQ(none.median_ratio, 1);
  EXPECT_TRUE(none.kinds.empty());
}

}  // namespace
}  // namespace nas
