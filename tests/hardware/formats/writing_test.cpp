// What formats write is what they read: tables and whole networks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "examples.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

TEST(LatencyFormats, WhatIsWrittenIsReadAgain) {
  for (const Example& example : examples()) {
    const LatencyFormat& format = format_of(example.format, {"f", ""});
    const Imported imported = read(example, "2.5");
    if (format.write == nullptr || !imported.table) continue;
    if (example.format == "fbnet") continue;  // Writes whole tables only: see below.
    SCOPED_TRACE(example.format);
    Example again = example;
    again.columns.clear();
    const Imported second = import_latency(
        {{"again.txt", format.write(*imported.table)}}, format.name, options_of(again));
    ASSERT_TRUE(second.table);
    EXPECT_EQ(second.table->grouping, imported.table->grouping);
    EXPECT_EQ(second.table->entries.size(), imported.table->entries.size());
    for (const auto& [key, entry] : imported.table->entries)
      EXPECT_DOUBLE_EQ(second.table->entries.at(key).median_ms, entry.median_ms) << key;
  }
}

TEST(LatencyFormats, AllFormsAreWrittenAndRowsComeBackEqual) {
  for (const LatencyFormat& format : latency_formats())
    EXPECT_TRUE((format.write == nullptr) != (format.write_rows == nullptr)) << format.name;
  for (const Example& example : examples()) {
    const LatencyFormat& format = format_of(example.format, {"f", ""});
    if (format.write_rows == nullptr) continue;
    SCOPED_TRACE(example.format);
    const LatencyRows rows = *read(example, "0.1234567890123").rows;
    // Through the file that `import --out` writes.
    const LatencyRows kept = rows_from_csv({"rows.csv", to_csv(rows)});
    EXPECT_EQ(kept.header, rows.header);
    EXPECT_EQ(kept.rows, rows.rows);
    EXPECT_EQ(kept.conditions, rows.conditions);
    Example again = example;
    again.columns.clear();
    const Imported second =
        import_latency({{"again", format.write_rows(kept)}}, "", options_of(again));
    EXPECT_EQ(second.rows->header, rows.header);
    EXPECT_EQ(second.rows->rows, rows.rows);
    EXPECT_EQ(second.rows->conditions, rows.conditions);
  }
}

TEST(LatencyFormats, WhatAFormCannotHoldIsSaidWithThoseThatCan) {
  const auto refused = [](const char* format, const LatencyRows& rows, const char* why) {
    try {
      format_of(format, {"f", ""}).write_rows(rows);
      ADD_FAILURE() << format;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr(why));
    }
  };
  const LatencyRows archs{{}, {"architecture", "latency_ms"}, {{"a", "1"}}};
  refused("hat", archs, "needs a column encoder_embed_dim");
  refused("nn-meter-data", archs, "can be written as hw-nas-bench or networks");
  refused("networks", {{}, {"network", "latency_ms"}, {{"a", "1"}}}, "written as nn-meter-data");
  try {
    rows_from_csv({"r.csv", "# batch: 1\na,latency_ms\nx,0\n"});
    ADD_FAILURE();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("r.csv:3:3: '0' is no time"));
  }
  EXPECT_THROW(rows_from_csv({"r.csv", "a,b\nx,1\n"}), DataError);
  // Kernels that nn-Meter does not have.
  LatencyTable fused;
  fused.grouping = "fused";
  fused.entries["conv2d in=8x9x9 out=16x5x5 k=3 s=2 g=1 act=relu6"] = {2, 1.5, 2.5, 9};
  fused.entries["conv2d in=8x9x9 out=8x9x9 k=5 s=1 g=8 act=h_swish"] = {3, 3, 3, 9};
  fused.entries["linear in=8 out=4 act=none"] = {1, 1, 1, 9};
  fused.entries["add in=8x9x9+8x9x9 out=8x9x9 act=relu"] = {1.5, 1.5, 1.5, 9};
  fused.entries["max_pool in=8x9x9 out=8x5x5 k=3 s=2 p=1"] = {1.25, 1.25, 1.25, 9};
  ImportOptions options;
  options.unit = *time_unit("ms");
  const LatencyFormat& kernels = format_of("nn-meter-kernels", {"f", ""});
  const auto again = import_latency({{"k.json", kernels.write(fused)}}, "", options).table;
  ASSERT_EQ(again->entries.size(), fused.entries.size());
  for (const auto& [key, entry] : fused.entries) {
    EXPECT_DOUBLE_EQ(again->entries.at(key).median_ms, entry.median_ms) << key;
    EXPECT_NEAR(again->entries.at(key).low_ms, entry.low_ms, 1e-9) << key;
  }
  for (const char* key : {"conv2d in=8x9x9 out=16x4x4 k=3 s=2 g=1 act=relu6",
                          "conv2d in=8x9x9 out=16x9x9 k=3 s=1 g=2 act=none",
                          "mul in=8x9x9+8x1x1 out=8x9x9"}) {
    LatencyTable more = fused;
    more.entries[key] = {1, 1, 1, 1};
    try {
      kernels.write(more);
      ADD_FAILURE() << key;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("no kernel for 1 of the 6 of the table"));
      EXPECT_THAT(e.what(), HasSubstr("--format operators"));
    }
  }
}

TEST(LatencyFormats, AWholeTableOfFbnetIsWrittenAndReadAgain) {
  std::string text = "ir_k3_e1,ir_k3_e3,ir_k3_e6,ir_k5_e1,ir_k5_e3,ir_k5_e6\n";
  for (int layer = 0; layer < 22; ++layer)
    for (int block = 0; block < 6; ++block)
      text += std::to_string(1 + layer) + "." + std::to_string(block) + (block < 5 ? "," : "\n");
  ImportOptions options;
  options.unit = *time_unit("ms");
  const Imported first = import_latency({{"f.csv", text}}, "fbnet", options);
  const std::string written = format_of("fbnet", {"f", ""}).write(*first.table);
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 23);
  const Imported second = import_latency({{"again.csv", written}}, "", options);
  ASSERT_EQ(second.table->entries.size(), first.table->entries.size());
  for (const auto& [key, entry] : first.table->entries)
    EXPECT_DOUBLE_EQ(second.table->entries.at(key).median_ms, entry.median_ms) << key;
  LatencyTable less = *first.table;
  less.entries.erase(less.entries.begin());
  EXPECT_THROW(format_of("fbnet", {"f", ""}).write(less), DataError);
}

}  // namespace
}  // namespace nas
