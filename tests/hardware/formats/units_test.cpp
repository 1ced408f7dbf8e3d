// Which units times can be in, and what files say of their conditions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace nas
