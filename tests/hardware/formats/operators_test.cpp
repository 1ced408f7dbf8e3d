// Profiles of runtimes: every operator that networks here have is found again by its sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "hardware/formats/format.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Imported read(const std::string& text,
              std::map<std::string, std::string> columns = {},
              bool channels_last = false) {
  ImportOptions options;
  options.unit = *time_unit("ms");
  options.conditions = {{"device", "phone"}, {"batch", "1"}, {"dtype", "float32"}};
  options.columns = std::move(columns);
  options.channels_last = channels_last;
  return import_latency({{"p.csv", text}}, "operators", options);
}

std::vector<std::string> keys_of(const Imported& read) {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : read.table->entries) keys.push_back(key);
  return keys;
}

/// The value behind ` name=` in a key.
std::string part(const std::string& key, const std::string& name) {
  const size_t at = key.find(" " + name + "=");
  if (at == std::string::npos) return "";
  const size_t start = at + name.size() + 2;
  return key.substr(start, key.find(' ', start) - start);
}

/// `24x56x56` as TFLite has it: [1,56,56,24].
std::string tensor(const std::string& shape) {
  std::istringstream in(shape);
  std::string c, h, w;
  std::getline(in, c, 'x');
  std::getline(in, h, 'x');
  std::getline(in, w, 'x');
  return h.empty() ? "[1," + c + "]" : "[1," + h + "," + w + "," + c + "]";
}

/// The row of a profile of TFLite for a piece of the grouping `fused`; "" for what it has not.
std::string tflite_row(const std::string& key, int time) {
  const std::string op = key.substr(0, key.find(' '));
  const std::string act = part(key, "act");
  std::string inputs = part(key, "in"), name;
  std::string text;
  for (std::istringstream all(inputs); std::getline(all, inputs, '+');)
    text += (text.empty() ? "" : ",") + tensor(inputs);
  if (op == "conv2d")
    name = part(key, "g") == "1" ? "CONV_2D" : "DEPTHWISE_CONV_2D";
  else if (op == "linear")
    name = "FULLY_CONNECTED";
  else if (op == "max_pool")
    name = "MAX_POOL_2D";
  else if (op == "avg_pool")
    name = "AVERAGE_POOL_2D";
  else if (op == "global_avg_pool")
    name = "MEAN";
  else if (op == "add" || op == "mul" || op == "relu")
    name = op == "add" ? "ADD" : op == "mul" ? "MUL" : "RELU";
  else if (op == "concat")
    name = "CONCATENATION";
  if (name.empty()) return "";
  return name + ",\"" + text + "\",\"" + tensor(part(key, "out")) + "\"," + part(key, "k") + "," +
         part(key, "s") + "," + part(key, "d") + "," + (act == "none" ? "" : act) + "," +
         std::to_string(time) + "\n";
}

TEST(OperatorProfiles, HoldWhatWholeSpacesNeed) {
  const std::map<std::string, std::set<std::string>> without = {
      {"resnet20-pool", {"batch_norm"}},
      {"nasbench201-n1", {"batch_norm", "zero"}},
      {"mobilenet-32", {}},
      {"resnet18-stride", {"subsample"}},
      {"darts-small", {"batch_norm", "zero", "subsample"}}};
  for (const auto& [name, lacks] : without) {
    SCOPED_TRACE(name);
    const SpaceOps ops = ops_of(*load_space(name), *find_grouping("fused"));
    std::string text = "type,in,out,kernel,stride,dilation,act,avg\n";
    std::map<std::string, int> times;
    for (const auto& [key, op] : ops.ops) {
      const int time = 1 + static_cast<int>(times.size());
      const std::string row = tflite_row(key, time);
      if (!row.empty()) times[key] = time;
      text += row;
    }
    const Imported imported = read(text, {{"op", "type"}, {"time", "avg"}}, true);
    ASSERT_TRUE(imported.table);
    const auto& entries = imported.table->entries;
    for (const auto& [key, op] : ops.ops) {
      if (!entries.contains(key)) {
        EXPECT_TRUE(lacks.contains(key.substr(0, key.find(' ')))) << key;
        continue;
      }
      EXPECT_EQ(entries.at(key).median_ms, times.at(key)) << key;
    }
  }
}

TEST(OperatorProfiles, AMeanIsOfBothForms) {
  const Imported imported =
      read("op,in,out,time\nMEAN,1x64x8x8,1x64,2\nReduceMean,1x32x8x8,1x32x1x1,3\n");
  EXPECT_THAT(keys_of(imported),
              ElementsAre("global_avg_pool in=32x8x8 out=32 keep=0",
                          "global_avg_pool in=32x8x8 out=32x1x1 keep=1",
                          "global_avg_pool in=64x8x8 out=64 keep=0",
                          "global_avg_pool in=64x8x8 out=64x1x1 keep=1"));
  for (const auto& [key, entry] : imported.table->entries)
    EXPECT_EQ(entry.median_ms, key.find("=64x") != key.npos ? 2 : 3) << key;
  // Over channels: another work.
  EXPECT_THAT(read("op,in,out,time\nMEAN,1x64x8x8,1x8,2\nADD,1x64x8x8,1x64x8x8,1\n").notes,
              ElementsAre(HasSubstr("1 row of 'MEAN' left out")));
}

TEST(OperatorProfiles, PaddingFollowsFromSizes) {
  const auto key = [](const std::string& sizes) {
    const Imported imported =
        read("op,in,out,k,s,time\nMaxPool," + sizes + ",2\nRELU,1x1x1x1,1x1x1x1,,,1\n");
    return keys_of(imported).front();
  };
  EXPECT_EQ(key("1x8x32x32,1x8x16x16,2,2"), "max_pool in=8x32x32 out=8x16x16 k=2 s=2 p=0");
  EXPECT_EQ(key("1x8x32x32,1x8x32x32,3,1"), "max_pool in=8x32x32 out=8x32x32 k=3 s=1 p=1");
  EXPECT_EQ(key("1x8x32x32,1x8x16x16,3,2"), "max_pool in=8x32x32 out=8x16x16 k=3 s=2 p=1");
  // Padded on one side only: no window here does so.
  EXPECT_EQ(key("1x8x32x32,1x8x32x32,2,1"), "relu in=1x1x1 out=1x1x1");
}

TEST(OperatorProfiles, RowsOfOneOperatorAreRepeats) {
  const std::string head = "op,in,out,time\n", row = "ADD,1x8x4x4,1x8x4x4,";
  const Imported imported =
      read(head + row + "1.0\n" + row + "1.5\n" + row + "9\n" + row + "1.1\n");
  const LatencyEntry& entry = imported.table->entries.begin()->second;
  EXPECT_DOUBLE_EQ(entry.median_ms, 1.3);
  EXPECT_EQ(entry.repeats, 4);
  EXPECT_THAT(imported.notes,
              ElementsAre(HasSubstr("lines 2 and 4 differ most, by a factor of 9")));
  // Two that are far apart are of two things.
  try {
    read(head + row + "1\n" + row + "2.5\n");
    ADD_FAILURE();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("p.csv:3: "));
    EXPECT_THAT(e.what(), HasSubstr("takes 2.5 ms here and 1 in line 2"));
  }
}

TEST(OperatorProfiles, WhatNoNetworkHasIsLeftOutAndSaid) {
  const Imported imported = read(
      "op,in,out,time\nSOFTMAX,10,10,1\nPAD,1x8x4x4,1x8x6x6,1\nADD,1x8x4x4,1x8x4x4,1\n"
      "MUL,\"1x8x4x4;1x8x4x4\",1x8x4x4,1\n");
  EXPECT_THAT(keys_of(imported), ElementsAre("add in=8x4x4+8x4x4 out=8x4x4 act=none"));
  EXPECT_EQ(imported.notes.size(), 3U);
}

}  // namespace
}  // namespace nas
