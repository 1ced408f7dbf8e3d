// Which units times can be in, and what files say of their conditions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardware/checks/odd_rows.hpp"
#include "hardware/formats/format.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

// hat_latency.md: WMT'14 En-De on a Xeon, some hundred milliseconds a sentence.
TEST(LatencyUnits, SecondsOfTransformersAreNoMilliseconds) {
  const std::string head =
      "encoder_embed_dim,encoder_layer_num,encoder_ffn_embed_dim_avg,"
      "encoder_self_attention_heads_avg,decoder_embed_dim,decoder_layer_num,"
      "decoder_ffn_embed_dim_avg,decoder_self_attention_heads_avg,"
      "decoder_ende_attention_heads_avg,decoder_arbitrary_ende_attn_avg,latency_mean_encoder,"
      "latency_mean_decoder\n640,6,3072,8,640,6,3072,8,8,1,";
  ImportOptions options;
  options.unit = *time_unit("ms");
  const auto odd = [&](const char* times) {
    const Imported read = import_latency({{"h.csv", head + times}}, "", options);
    return judge_unit(read.work, options.unit, /*whole=*/true, "xeon").odd;
  };
  EXPECT_EQ(odd("25.1,280.4\n"), "");
  EXPECT_THAT(odd("0.0251,0.2804\n"), HasSubstr("are they in s?"));
}

TEST(LatencyUnits, ConditionsAboveAHeaderAgree) {
  const auto said = csv_conditions("# Device: phone\n# batch: 2\r\n# device: phone\na,b\n", "f");
  EXPECT_EQ(said.at("device"), std::pair(std::string("phone"), 1));
  EXPECT_EQ(said.at("batch"), std::pair(std::string("2"), 2));
  try {
    csv_conditions("# batch: 1\n# Batch: 2\na\n", "f.csv");
    ADD_FAILURE();
  } catch (const DataError& e) {
    EXPECT_STREQ(e.what(), "f.csv:2: says batch 2, and line 1 says 1");
  }
}

// What takes no arithmetic to speak of is slow by its call, and tells no unit; nothing takes a few
// nanoseconds.
TEST(LatencyUnits, SmallOpsAreNoWrongUnit) {
  const TimeUnit ms = *time_unit("ms");
  EXPECT_EQ(judge_unit({{0.042, 480}}, ms, /*whole=*/false).odd, "");
  EXPECT_THAT(judge_unit({{0.9, 442368}}, *time_unit("s"), false).odd, "");
  EXPECT_THAT(judge_unit({{900, 442368}}, ms, false).odd, HasSubstr("are they in us or ns?"));
  EXPECT_THAT(judge_unit({{4e-6, 0}, {4.5e-6, 0}, {9e-4, 442368}}, ms, false).odd,
              HasSubstr("half of these would take less than 4.5 ns; are they in s?"));
}

// Ops of some sizes on a device: ms of calls, multiply-adds and numbers moved a second.
std::vector<TimedWork> ops_on(double call_ms, double macs_a_second, double numbers_a_second) {
  std::vector<TimedWork> work;
  for (const char* key : {"relu in=16x8x8 out=16x8x8",
                          "relu in=16x16x16 out=16x16x16",
                          "add in=16x8x8+16x8x8 out=16x8x8",
                          "conv2d in=16x8x8 out=16x8x8 k=3 s=1 p=1 d=1 g=1 bias=0",
                          "conv2d in=16x16x16 out=16x16x16 k=3 s=1 p=1 d=1 g=1 bias=0",
                          "linear in=64 out=10 bias=1"}) {
    TimedWork one = work_of(key, 1, 1);
    one.ms = call_ms + 1e3 * (one.macs / macs_a_second + one.elements / numbers_a_second);
    work.push_back(one);
  }
  return work;
}

// Bounds are those of the kind of device: what a controller may take, no phone does.
TEST(LatencyUnits, DevicesOfAKindHaveBounds) {
  const TimeUnit ms = *time_unit("ms"), s = *time_unit("s"), us = *time_unit("us");
  struct Device {
    const char* name;
    double call, macs, numbers;
  };
  const Device devices[] = {{"stm32f7", .002, 5e6, 5e6},
                            {"ESP32", .01, 1e6, 1e6},
                            {"Arduino Uno", .1, 3e5, 3e5},
                            {"phone", .02, 2e9, 1e9},
                            {"raspberry pi 4", .05, 8e8, 3e8},
                            {"cpu", .003, 2e10, 4e9},
                            {"cuda:0", .008, 1e12, 2e11},
                            {"board", .01, 4e7, 2e7}};
  for (const Device& d : devices) {
    SCOPED_TRACE(d.name);
    const std::vector<TimedWork> right = ops_on(d.call, d.macs, d.numbers);
    EXPECT_EQ(judge_unit(right, ms, false, d.name).odd, "");
    // The same numbers, said to be seconds: a thousand times too long.
    std::vector<TimedWork> wrong = right;
    for (TimedWork& w : wrong) w.ms *= 1000;
    EXPECT_THAT(judge_unit(wrong, s, false, d.name).odd, HasSubstr("are they in "));
  }
  // In us what is ms: too short for a processor, if not for the fastest of controllers.
  std::vector<TimedWork> fast = ops_on(.003, 2e10, 4e9);
  for (TimedWork& w : fast) w.ms /= 1000;
  EXPECT_THAT(judge_unit(fast, us, false, "cpu").odd, HasSubstr("are they in ms?"));
  EXPECT_THAT(judge_unit(ops_on(.1, 3e5, 3e5), ms, false, "phone").odd, HasSubstr("in us"));
}

}  // namespace
}  // namespace nas
