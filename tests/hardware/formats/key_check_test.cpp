// Keys of all spaces are keys; what contradicts itself is none, and why is said.
#include "hardware/formats/key_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardware/op_cases.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

TEST(KeyCheck, WhatSpacesNeedIsRight) {
  for (const char* name : {"digits",
                           "resnet20-pool",
                           "nasbench201-n1",
                           "mobilenet-32",
                           "mobilenet",
                           "proxyless",
                           "resnet18-stride",
                           "darts-small",
                           "nasbench-macro"})
    for (const Grouping& grouping : groupings()) {
      SCOPED_TRACE(std::string(name) + " " + std::string(grouping.name));
      const SpaceOps ops = ops_of(*load_space(name), grouping);
      EXPECT_GT(ops.ops.size(), 3U);
      for (const auto& [key, op] : ops.ops) {
        const bool block = key.find("-input:") != key.npos;
        if (std::string(grouping.name).starts_with("ofa-") != block) continue;
        EXPECT_EQ(key_problem(key, grouping.name), "") << key;
      }
    }
}

TEST(KeyCheck, KeysOfSpacesAreInTheirOwnForm) {
  for (const char* name : {"digits", "mobilenet-32", "nasbench201-n1", "darts-small"})
    for (const auto& [key, op] : ops_of(*load_space(name)).ops) {
      std::string why;
      EXPECT_EQ(canonical_op_key(key, why), key) << why;
    }
}

TEST(KeyCheck, WhatContradictsItselfIsNone) {
  const auto ops = [](const char* key) { return key_problem(key, "ops"); };
  const auto fused = [](const char* key) { return key_problem(key, "fused"); };
  EXPECT_EQ(ops("conv2d in=3x32x32 out=16x32x32 k=3 s=1 p=1 d=1 g=1 bias=0"), "");
  EXPECT_EQ(ops("linear in=64 out=10 bias=1"), "");
  EXPECT_EQ(ops("add in=8x4x4+8x4x4+8x4x4 out=8x4x4"), "");
  EXPECT_THAT(ops("frobnicate in=1x2x2 out=1x2x2"), HasSubstr("'frobnicate' is no operator"));
  EXPECT_THAT(ops("relu in=12x8x8"), HasSubstr("no out=SHAPE"));
  EXPECT_THAT(ops("relu in=12x8x8 out=99"), HasSubstr("not of its input's shape"));
  EXPECT_THAT(ops("relu in=12x8 out=12x8"), HasSubstr("'in=12x8' is no shape"));
  EXPECT_THAT(ops("conv1 + relu1"), HasSubstr("is no operator"));
  EXPECT_THAT(ops("conv2d in=3x8x8 out=4x8x8 k=banana s=1 g=1"), HasSubstr("'k=banana'"));
  EXPECT_THAT(ops("conv2d in=3x8x8 out=4x4x4 k=3 s=1 p=1 d=1 g=1"),
              HasSubstr("a window of 3 in steps of 1 does not make 4 of 8"));
  EXPECT_THAT(ops("conv2d in=16x8x8 out=24x8x8 k=3 s=1 p=1 d=1 g=16"),
              HasSubstr("24 channels do not come in 16 groups"));
  EXPECT_THAT(ops("max_pool in=3x8x8 out=4x4x4 k=2 s=2 p=0"), HasSubstr("keeps the channels"));
  EXPECT_THAT(ops("concat in=3x8x8+5x8x8 out=9x8x8"), HasSubstr("do not add up"));
  EXPECT_THAT(ops("conv2d in=3x8x8 out=4x8x8 k=3 s=1 g=1 act=relu"), HasSubstr("single ops"));
  EXPECT_EQ(fused("conv2d in=3x8x8 out=4x8x8 k=3 s=1 g=1 act=relu"), "");
  EXPECT_THAT(fused("conv2d in=3x8x8 out=4x8x8 k=3 s=1 g=1"), HasSubstr("act=none"));
  EXPECT_THAT(fused("conv2d in=3x8x8 out=4x8x8 k=3 s=1 g=1 act=what"), HasSubstr("no activation"));
  const auto block = [](const std::string& rest) {
    return key_problem("expanded_conv-input:56x56x24-output:" + rest, "ofa-mobilenetv3");
  };
  EXPECT_EQ(block("56x56x24-expand:72-kernel:5-stride:1-idskip:1-se:0-hs:0"), "");
  EXPECT_EQ(block("28x28x40-expand:72-kernel:5-stride:2-idskip:0-se:1-hs:0"), "");
  EXPECT_THAT(block("28x28x40-expand:72-kernel:5-stride:1-idskip:0-se:0-hs:0"),
              HasSubstr("stride 1 does not make 28 of 56"));
  EXPECT_THAT(block("28x28x24-expand:72-kernel:5-stride:2-idskip:1-se:0-hs:0"),
              HasSubstr("idskip:1"));
  EXPECT_THAT(block("56x56x24-expand:72-kernel:5-stride:1-idskip:1-se:7-hs:0"),
              HasSubstr("se is 0 or 1"));
}

TEST(KeyCheck, WindowsFitAsPaddingAllows) {
  // By trying every padding on either side.
  for (int64_t in = 1; in <= 12; ++in)
    for (int64_t k = 1; k <= 5; ++k)
      for (int64_t s = 1; s <= 3; ++s)
        for (int64_t out = 1; out <= 14; ++out) {
          bool fits = out == (in + s - 1) / s;
          for (int64_t left = 0; left < k; ++left)
            for (int64_t right = 0; right < k; ++right)
              fits = fits || (in + left + right >= k && (in + left + right - k) / s + 1 == out);
          EXPECT_EQ(window_fits(in, out, k, s), fits) << in << " " << out << " " << k << " " << s;
        }
}

}  // namespace
}  // namespace nas
