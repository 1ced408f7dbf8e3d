// Every format of latency_formats(): what it reads, recognises, refuses. A new format adds an
// Example.
#include "hardware/formats/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "examples.hpp"
#include "spaces/error.hpp"
#include "spaces/text/csv.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

/// The time of the example's key, in ms.
double time_in(const Example& example, const Imported& read) {
  if (read.table) return read.table->entries.at(example.key).median_ms;
  for (const auto& row : read.rows->rows)
    if (row.front() == example.key) return std::stod(row.back());
  ADD_FAILURE() << example.key;
  return 0;
}

TEST(LatencyFormats, AllHaveAnExample) {
  for (const LatencyFormat& format : latency_formats())
    EXPECT_TRUE(std::any_of(examples().begin(), examples().end(), [&](const Example& e) {
      return e.format == format.name;
    })) << format.name;
}

TEST(LatencyFormats, ReadWhatTheFileSaysInItsUnit) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.format);
    const Imported ms = read(example, "2.5");
    EXPECT_NE(ms.table.has_value(), ms.rows.has_value());
    EXPECT_DOUBLE_EQ(time_in(example, ms), example.ms);
    EXPECT_DOUBLE_EQ(time_in(example, read(example, "2.5", "us")), example.ms / 1000);
    const auto& conditions = ms.table ? ms.table->conditions : ms.rows->conditions;
    EXPECT_EQ(conditions.at("device"), "phone");
    EXPECT_EQ(conditions.at("batch"), "1");
  }
}

TEST(LatencyFormats, AreToldByWhatTheyHold) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.format);
    const std::string text = with_time(example.text, "2.5");
    if (example.format == "operators") continue;  // Has to be named.
    EXPECT_EQ(format_of("", {"f", text}).name, example.format);
    EXPECT_EQ(format_of("", {"f", "\xef\xbb\xbf" + text}).name, example.format);
  }
  for (const char* text : {"hello", "[1, 2]", "{}", "a,b\n1,2\n"})
    EXPECT_THROW(format_of("", {"f", text}), ConfigError) << text;
  EXPECT_THROW(format_of("", {"f", ""}), DataError);
  try {
    format_of("once-for-al", {"f", ""});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("did you mean once-for-all"));
  }
}

TEST(LatencyFormats, RefuseTimesThatAreNone) {
  for (const Example& example : examples())
    for (const char* time : {"-1", "0", "\"x\"", "1e400"}) {
      SCOPED_TRACE(example.format + " " + time);
      try {
        read(example, time);
        ADD_FAILURE();
      } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::StartsWith("file.txt"));
      }
    }
  // NaN is no JSON, and no number of a cell or of YAML.
  for (const Example& example : examples()) EXPECT_THROW(read(example, "NaN"), Error);
}

TEST(LatencyFormats, NameTheLineOfABadTime) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.format);
    const size_t at = example.text.find("TIME");
    const auto line =
        1 + std::count(
                example.text.begin(), example.text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    try {
      read(example, "-1");
      ADD_FAILURE();
    } catch (const Error& e) {
      // Of an entry of several lines, its first or the time's.
      const std::string what = e.what();
      const int told = std::atoi(what.c_str() + std::string("file.txt:").size());
      EXPECT_LE(told, line) << what;
      EXPECT_GE(told, line - 2) << what;
      EXPECT_GE(told, 1) << what;
    }
  }
}

TEST(LatencyFormats, RefuseForeignEncodings) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.format);
    std::string latin = with_time(example.text, "2.5");
    latin.insert(latin.size() / 2, "\xe9");
    try {
      import_latency({{"file.txt", latin}}, example.format, options_of(example));
      ADD_FAILURE();
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("is no UTF-8"));
      EXPECT_THAT(e.what(), HasSubstr("file.txt:"));
    }
  }
}

/// Two files of one table, with one key at two times.
TEST(LatencyFormats, OneKeyHasOneTime) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.format);
    if (!read(example, "2.5").table) continue;
    const auto both = [&](const char* a, const char* b) {
      return import_latency(
          {{"a.txt", with_time(example.text, a)}, {"b.txt", with_time(example.text, b)}},
          example.format,
          options_of(example));
    };
    EXPECT_DOUBLE_EQ(time_in(example, both("2.5", "2.5")), example.ms);
    try {
      both("2.5", "2.75");
      ADD_FAILURE();
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("b.txt"));
      EXPECT_THAT(e.what(), HasSubstr("2.75"));
    }
  }
}

void refused(const std::string& format,
             const std::string& text,
             const std::string& why,
             std::map<std::string, std::string> columns = {}) {
  Example example{format, text, "", 0, std::move(columns)};
  try {
    import_latency({{"file.txt", text}}, format, options_of(example));
    ADD_FAILURE() << text;
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(why));
    EXPECT_THAT(e.what(), HasSubstr("file.txt"));
  }
}

TEST(LatencyFormats, SayWhatIsWrongWithAFile) {
  const std::string block = "expanded_conv-input:56x56x24-output:56x56x24-expand:72-kernel:5-";
  refused("once-for-all", "Konv-input:1x1x1-output:1x1x1: {mean: 1}\n", "file.txt:1: \"Konv-input");
  refused("once-for-all", "# x\n" + block + "stride:1-idskip:1-se:0: {mean: 1}\n", "file.txt:2: ");
  refused("once-for-all", block + "stride:1: {mean: 1}\n", "has no idskip");
  refused("once-for-all", block + "stride:1-idskip:1: {count: 1}\n", "has no mean");
  refused("once-for-all",
          block + "stride:1-idskip:1: {mean: 1}\n" + block +
              "stride:2-idskip:0-se:0-hs:0: {mean: "
              "1}\n",
          "file.txt:2: ");
  refused("once-for-all", "a: {mean: 1}\na: {mean: 1}\n", "file.txt:2");
  refused("once-for-all", "a: [\n", "file.txt");
  refused("dynamic-ofa",
          "{\"a\": {\"mean\": 1},\n\"a\": {\"mean\": 1}}",
          "file.txt:2: \"a\" is given twice");
  refused("fbnet", "ir_k3_e1,ir_k3_e3\n1,2\n", "has 1 layers; FBNet has 22");
  const std::string hat_head =
      "encoder_embed_dim,encoder_layer_num,encoder_ffn_embed_dim_avg,"
      "encoder_self_attention_heads_avg,decoder_embed_dim,decoder_layer_num,"
      "decoder_ffn_embed_dim_avg,decoder_self_attention_heads_avg,"
      "decoder_ende_attention_heads_avg,decoder_arbitrary_ende_attn_avg,latency_mean_encoder,"
      "latency_mean_decoder\n";
  const std::string network = "512,6,2048,8,512,3,2048,8,8,1,";
  refused("hat",
          hat_head + network + "20,200\n" + network + "20,500\n",
          "file.txt:3:31: the network of line 2 again, with another time");
  refused("hat",
          hat_head + "-640" + network.substr(3) + "20,200\n",
          "file.txt:2:1: '-640' is no encoder_embed_dim");
  refused(
      "hat", "encoder_embed_dim,latency_mean_encoder\n1,2\n", "has no column 'encoder_layer_num'");
  refused("nn-meter-kernels",
          "{\"conv-bn\": {\"a\": {\"config\": {\"HW\": 0}, \"latency\": 1}}}",
          "HW: 0 is no size");
  refused(
      "nn-meter-data", "{\"id\": \"a\", \"x\": 1, \"y\": 2}\n", "times of several devices: x, y");
  refused(
      "nn-meter-data", "{\"id\": \"a\", \"x\": 1}\n{\"id\": \"a\", \"x\": 1}\n", "file.txt:2: ");
  refused("hw-nas-bench", "arch,a_latency,b_latency\nx,1,2\n", "times of several devices");
  // Shapes that are read in the wrong order, and keys that are none.
  refused(
      "operators",
      "op,in,out,k,s,time\nCONV_2D,32x32x3,32x32x16,3,1,1\n",
      "file.txt:2:17: no convolution of 3x3 in steps of 1, 1 groups, makes 32x32x16 of 32x32x3");
  refused("operators", "key,time\nconv1 + relu1,1\n", "file.txt:2: \"conv1 + relu1\" is no key");
  refused("operators",
          "key,time\nrelu in=8x4x4 out=8x4x4,1\nconv2d in=3x8x8 out=4x8x8 k=3 s=1 g=1 "
          "act=relu,1\nconv2d in=3x8x8 out=4x8x8 k=3 s=1 p=1 d=1 g=1 bias=0,1\n",
          "file.txt:4: ");
  refused("once-for-all",
          block + "stride:2-idskip:0-se:0-hs:0: {mean: 1}\n",
          "stride 2 does not make 56 of 56");
  refused("once-for-all",
          block + "stride:1-idskip:1-se:0-hs:0: {mean: 1, count: -4}\n",
          "count: -4 is no number of repeats");
  refused("fbnet", "1.5,2.5\n1,2\n", "the first line holds a number; it names the blocks");
  refused("hw-nas-bench",
          "arch,a_latency,a_energy\nx,1,2\n",
          "file.txt:1:16: the column 'a_energy' is an energy",
          {{"latency", "a_energy"}});
  refused("hw-nas-bench", "index,a_latency\n0,1\n", "which column is the architecture");
  refused("networks", "arch,latency\nx,1\nx,2\n", "file.txt:3:3: 'x' has another time in line 2");
  refused("operators", "op,time\nCONV_2D,1\n", "which column is the input");
  refused("operators", "op,time\nCONV_2D,1\n", "no column 'avg'", {{"time", "avg"}});
  refused("operators", "op,in,out,k,s,time\nCONV_2D,2x3x8x8,2x4x8x8,1,1,1\n", "is of 2 images");
  refused("operators", "op,in,out,k,s,time\nCONV_2D,3x8,4x8x8,1,1,1\n", "is no shape");
  refused("operators", "op,in,out,k,s,time\nCONV_2D,3x8x8,4x8x8,3x5,1,1\n", "(1 of 'CONV_2D')");
}

std::string refusal(const std::string& format, const std::string& text, const std::string& unit) {
  ImportOptions options;
  options.unit = *time_unit(unit);
  options.conditions = {{"device", "d"}, {"batch", "1"}, {"dtype", "float32"}};
  try {
    import_latency({{"f.csv", text}}, format, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// What a file says of its own unit and conditions holds.
TEST(LatencyFormats, RefuseWhatContradictsTheFile) {
  const std::string rows = "arch,latency_ms\na,5\n", ops = "key,time_us\nx,5\n";
  EXPECT_EQ(refusal("networks", rows, "ms"), "");
  EXPECT_THAT(refusal("networks", rows, "s"),
              HasSubstr("f.csv:1:6: the column 'latency_ms' says its unit, and --unit says s"));
  EXPECT_EQ(refusal("networks", "arch,latency\na,5\n", "s"), "");
  EXPECT_THAT(refusal("networks", "# device: d\n# batch: 8\n" + rows, "ms"),
              HasSubstr("f.csv:2: says batch 8, and --batch says 1"));
  EXPECT_THAT(refusal("operators", "\xef\xbb\xbf# unit: ms\r\nkey,time\r\nx,5\r\n", "us"),
              HasSubstr("f.csv:1: says unit ms, and --unit says us"));
  EXPECT_EQ(
      refusal("operators", "# unit: microseconds\nkey,time\nrelu in=1x1x1 out=1x1x1,5\n", "us"),
      "");
}

// One measurement written with more or fewer digits is one.
TEST(LatencyFormats, RoundingIsNoContradiction) {
  const std::string key = "Conv-input:112x112x3-output:56x56x24: {mean: ";
  ImportOptions options;
  EXPECT_EQ(
      import_latency({{"a", key + "0.30000000000000004}\n"}, {"b", key + "0.3}\n"}}, "", options)
          .table->entries.size(),
      1U);
  EXPECT_THROW(import_latency({{"a", key + "0.31}\n"}, {"b", key + "0.3}\n"}}, "", options),
               DataError);
  EXPECT_THAT(refusal("", "# nothing\n\n", "ms"), HasSubstr("f.csv: holds nothing"));
}

// A table of blocks as operators has keys of once-for-all in it, and is none of its files.
TEST(LatencyFormats, ATableOfBlocksAsOperatorsIsReadAgain) {
  LatencyTable table;
  table.grouping = "ofa-mobilenetv3";
  table.conditions = {{"batch", "1"}};
  table.entries["Conv-input:112x112x3-output:56x56x24"] = {1, 0.9, 1.1, 7};
  const Imported again = import_latency({{"f", write_operator_csv(table)}}, "", {});
  ASSERT_TRUE(again.table);
  EXPECT_EQ(again.table->grouping, "ofa-mobilenetv3");
  EXPECT_EQ(again.table->entries.begin()->second.high_ms, 1.1);
}

TEST(LatencyFormats, ColumnsAreThoseOfTheFormat) {
  EXPECT_THROW(import_latency({{"f", "arch,latency\nx,1\n"}},
                              "networks",
                              options_of({"", "", "", 0, {{"colour", "x"}}})),
               ConfigError);
}

TEST(LatencyFormats, RepeatsOfAnOperatorAreOneMeasurement) {
  const Imported read = import_latency(
      {{"f.csv", "op,in,out,time\nADD,8x4x4,8x4x4,1\nADD,8x4x4,8x4x4,3\nADD,8x4x4,8x4x4,2\n"}},
      "operators",
      options_of({}));
  const LatencyEntry& entry = read.table->entries.at("add in=8x4x4+8x4x4 out=8x4x4 act=none");
  EXPECT_DOUBLE_EQ(entry.median_ms, 2);
  EXPECT_DOUBLE_EQ(entry.low_ms, 1.5);
  EXPECT_EQ(entry.repeats, 3);
}

TEST(LatencyFormats, ChannelsLast) {
  ImportOptions options = options_of({});
  options.channels_last = true;
  const Imported read = import_latency(
      {{"f.csv",
        "op,in,out,k,s,act,time\nDEPTHWISE_CONV_2D,\"[1, 28, 30, 8]\",\"[1, 28, 30, 8]\","
        "3,1,RELU6,1\n"}},
      "operators",
      options);
  EXPECT_EQ(read.table->entries.begin()->first,
            "conv2d in=8x28x30 out=8x28x30 k=3 s=1 g=8 act=relu6");
}

TEST(Rows, CsvHasConditionsAndIsReadBack) {
  const LatencyRows rows{
      {{"device", "a\nb"}}, {"architecture", "latency_ms"}, {{"[4,3,3]", "1.5"}}};
  const Csv csv = read_csv("rows.csv", to_csv(rows));
  EXPECT_THAT(to_csv(rows), HasSubstr("# device: a b\n"));
  ASSERT_EQ(csv.rows.size(), 1U);
  EXPECT_EQ(csv.rows[0][0].text, "[4,3,3]");
}

TEST(TimeUnits, OddTimesAreTold) {
  const TimeUnit ms = *time_unit("ms"), s = *time_unit("s"), us = *time_unit("us");
  // A phone: 10^8 multiply-adds in 5 ms.
  const std::vector<TimedWork> phone = {{5, 1e8}, {10, 2e8}, {0.01, 1e3}};
  EXPECT_EQ(judge_unit(phone, ms, false).odd, "");
  EXPECT_DOUBLE_EQ(judge_unit(phone, ms, false).rate, 2e10);
  const auto scaled = [&](double factor) {
    std::vector<TimedWork> list = phone;
    for (TimedWork& each : list) each.ms *= factor;
    return list;
  };
  // The same in seconds read as ms, in ms read as s, in us read as ms, in ms read as us.
  EXPECT_THAT(judge_unit(scaled(1e-3), ms, false).odd, HasSubstr("are they in s?"));
  EXPECT_THAT(judge_unit(scaled(1e3), s, false).odd, HasSubstr("are they in ms"));
  EXPECT_THAT(judge_unit(scaled(1e3), ms, false).odd, HasSubstr("are they in us"));
  EXPECT_THAT(judge_unit(scaled(1e-3), us, false).odd, HasSubstr("are they in ms?"));
  // A graphics processor may be that fast.
  EXPECT_EQ(judge_unit(scaled(1e-3), ms, false, "Titan RTX").odd, "");
  EXPECT_THAT(judge_unit({{300'000, 0}}, ms, true).odd, HasSubstr("us"));
  EXPECT_EQ(judge_unit({{300, 0}}, ms, true).odd, "");
  EXPECT_EQ(judge_unit({{300'000, 0}}, ms, false).odd, "");
}

}  // namespace
}  // namespace nas
