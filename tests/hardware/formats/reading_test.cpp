// What readers of foreign tables share: numbers, columns, places in JSON, collected entries; and
// random tables through every form that is written.
#include "hardware/formats/reading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hardware/located_json.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

template <typename F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "read";
}

// ---- Numbers and units.

TEST(Reading, NumbersAreWholeTexts) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, double>>{{"1", 1},
                                                                               {" 2.5\t", 2.5},
                                                                               {"+3", 3},
                                                                               {"-4", -4},
                                                                               {".5", .5},
                                                                               {"5.", 5},
                                                                               {"1e-3", .001},
                                                                               {"007", 7},
                                                                               {"0", 0}})
    EXPECT_EQ(number_of(text), value) << text;
  for (const char* text : {"",
                           " ",
                           "1 2",
                           "1ms",
                           "x",
                           "1,5",
                           "nan",
                           "inf",
                           "-inf",
                           "1e999",
                           "0x10",
                           "+-5",
                           "--5",
                           "++5",
                           "1e",
                           "\n1"})
    EXPECT_EQ(number_of(text), std::nullopt) << text;
}

TEST(Reading, NumbersAreWrittenShortestAndReadBack) {
  for (const auto& [value, text] :
       std::vector<std::pair<double, std::string>>{{0.1, "0.1"},
                                                   {3, "3"},
                                                   {1e-9, "1e-09"},
                                                   {-2.5, "-2.5"},
                                                   {1.0 / 3, "0.3333333333333333"}})
    EXPECT_EQ(number_text(value), text);
  EXPECT_EQ(number_text(NAN), "NaN");
  EXPECT_EQ(number_text(HUGE_VAL), "inf");
  EXPECT_EQ(number_text(-HUGE_VAL), "-inf");
  Rng rng(1, "numbers");
  for (int i = 0; i < 1000; ++i) {
    const double value = std::pow(10, 40 * rng.uniform() - 20) * (rng.below(2) == 0 ? 1 : -1);
    EXPECT_EQ(number_of(number_text(value)), value);
  }
}

TEST(Reading, UnitsAreThoseOfTheTable) {
  for (const auto& [name, ms] : std::vector<std::pair<std::string, double>>{{"s", 2000},
                                                                            {"SEC", 2000},
                                                                            {"seconds", 2000},
                                                                            {"ms", 2},
                                                                            {"Milliseconds", 2},
                                                                            {"us", .002},
                                                                            {"usec", .002},
                                                                            {"\u00b5s", .002},
                                                                            {"\u03bcs", .002},
                                                                            {"ns", 2e-6},
                                                                            {"nanosecond", 2e-6}}) {
    ASSERT_TRUE(time_unit(name)) << name;
    EXPECT_DOUBLE_EQ(time_unit(name)->to_ms(2), ms) << name;
  }
  for (const char* name : {"", "m", "min", "hours", "s ", "msec.", "ks"})
    EXPECT_FALSE(time_unit(name)) << name;
  // A decimal fraction is rounded once: 0.3 us is the double nearest to 0.0003.
  EXPECT_EQ(time_unit("us")->to_ms(0.3), 0.0003);
  EXPECT_EQ(time_unit("ns")->to_ms(7), 7e-6);
}

TEST(Reading, TimesThatCanHardlyBeAreTold) {
  const auto odd =
      [](double ms, double macs, const char* unit, bool whole, const char* device = "") {
        return judge_unit({{ms, macs}}, *time_unit(unit), whole, device).odd;
      };
  // 300 M multiply-adds in 20 ms: 15 G a second.
  EXPECT_EQ(odd(20, 3e8, "ms", true), "");
  EXPECT_DOUBLE_EQ(judge_unit({{20, 3e8}}, *time_unit("ms"), true).rate, 1.5e10);
  // The same said in seconds is too slow for anything.
  EXPECT_THAT(
      odd(20'000, 3e8, "s", true),
      HasSubstr("in s the largest of these would run at 1.5e+07 multiply-adds a second; are "
                "they in ms"));
  EXPECT_THAT(odd(2e-5, 3e8, "us", true), HasSubstr("are they in"));
  // 100 T a second: a graphics processor may, a phone may not.
  EXPECT_THAT(odd(0.003, 3e8, "ms", true), HasSubstr("1e+14 multiply-adds a second"));
  EXPECT_EQ(odd(0.003, 3e8, "ms", true, "RTX 4090"), "");
  // Without MACs whole networks take from 20 microseconds to a minute.
  EXPECT_EQ(odd(50, 0, "ms", true), "");
  EXPECT_THAT(odd(0.001, 0, "ms", true), HasSubstr("half of these networks would take less than"));
  EXPECT_THAT(odd(1e6, 0, "s", true), HasSubstr("are they in ms"));
  // Of single ops without MACs nothing can be said.
  EXPECT_EQ(odd(1e-9, 0, "ms", false), "");
  EXPECT_EQ(judge_unit({}, *time_unit("ms"), true).odd, "");
}

// ---- Columns and cells.

TEST(Reading, ColumnsAreFoundWhateverTheirCase) {
  const Csv csv = read_csv("f", "Name, Avg_MS ,x\na,1,2\n");
  EXPECT_EQ(find_column(csv, "name"), 0u);
  EXPECT_EQ(find_column(csv, "AVG_ms"), 1u);
  EXPECT_EQ(find_column(csv, "avg"), std::nullopt);
  EXPECT_EQ(header_text(csv), "Name, Avg_MS, x");
  const ForeignFile file{"f.csv", ""};
  ImportOptions options;
  EXPECT_EQ(column_for(file, csv, options, "time", {"latency", "avg_ms", "x"}), 1u)
      << "the first of the usual ones that is there";
  EXPECT_EQ(column_for(file, csv, options, "time", {"latency"}), std::nullopt);
  options.columns["time"] = "X";
  EXPECT_EQ(column_for(file, csv, options, "time", {"avg_ms"}), 2u);
  options.columns["time"] = "y";
  EXPECT_EQ(refusal([&] { column_for(file, csv, options, "time", {"avg_ms"}); }),
            "f.csv:1: there is no column 'y' (--column time=...); columns: Name, Avg_MS, x");
}

TEST(Reading, CellsAreTimesOrTellTheirPlace) {
  const ForeignFile file{"f.csv", ""};
  const TimeUnit us = *time_unit("us");
  EXPECT_DOUBLE_EQ(time_of_cell(file, {"1500", 3, 7}, us), 1.5);
  for (const char* text : {"0", "-1", "", "x", "nan", "1e999"})
    EXPECT_EQ(
        refusal([&] {
          time_of_cell(file, {text, 3, 7}, us);
        }),
        "f.csv:3:7: '" + std::string(text) + "' is no time; expected a number greater than 0");
}

TEST(Reading, TheFirstLineIsTheFirstThatHoldsSomething) {
  EXPECT_EQ(first_line("a,b\nc"), "a,b");
  EXPECT_EQ(first_line("\xef\xbb\xbf\n \t\r\n# note\n{\n"), "{");
  EXPECT_EQ(first_line(""), "");
  EXPECT_EQ(first_line("#\n#"), "");
}

// ---- Entries.

TEST(EntryReader, KeepsTimesTheirSpreadAndTheirPlaces) {
  const std::string odd_key = "relu in=1x1x1 out=1x1x1", other = "relu in=2x1x1 out=2x1x1";
  const ForeignFile file{"f.csv", ""};
  ImportOptions options;
  options.unit = *time_unit("us");
  options.conditions = {{"batch", "4"}};
  EntryReader reader(file, options, "fused");
  reader.add("conv2d in=2x4x4 out=3x4x4 k=1 s=1 g=1 act=none", {2000, 100, 7}, 5);
  reader.add(odd_key, {10, 1000, int64_t{1} << 40}, 6);
  reader.add(odd_key, {10, 0, 1}, 9);
  EXPECT_EQ(refusal([&] {
              reader.add(odd_key, {11, 0, 1}, 12);
            }),
            "f.csv:12: \"" + odd_key + "\" has the time 11 us here, but another in line 6");
  EXPECT_EQ(refusal([&] {
              reader.add(other, {-3, 0, 1}, 13);
            }),
            "f.csv:13: \"" + other + "\": -3 is no time; expected a number greater than 0");
  EXPECT_EQ(refusal([&] {
              reader.add(other, {NAN, 0, 1}, 0);
            }),
            "f.csv: \"" + other + "\": NaN is no time; expected a number greater than 0");
  EXPECT_EQ(refusal([&] {
              reader.add(other, {1, -1, 1}, 14);
            }),
            "f.csv:14: \"" + other + "\": -1 is no deviation");
  const Imported read = reader.finish();
  const LatencyEntry& conv = read.table->entries.begin()->second;
  EXPECT_DOUBLE_EQ(conv.median_ms, 2);
  // Quartiles of a normal law lie 0.6745 deviations from its mean.
  EXPECT_NEAR(conv.low_ms, 2 - 0.067448975, 1e-9);
  EXPECT_NEAR(conv.high_ms, 2 + 0.067448975, 1e-9);
  EXPECT_EQ(conv.repeats, 7);
  const LatencyEntry& odd = read.table->entries.at(odd_key);
  EXPECT_GT(odd.low_ms, 0) << "a spread larger than the time leaves it positive";
  EXPECT_EQ(odd.repeats, 1'000'000'000);
  EXPECT_THAT(read.notes, testing::ElementsAre("1 row(s) stand twice with the same time"));
  ASSERT_EQ(read.work.size(), 2u);
  EXPECT_DOUBLE_EQ(read.work[0].macs, 4 * 2 * 3 * 16) << "of the whole batch";
  EXPECT_EQ(read.table->grouping, "fused");
  EXPECT_EQ(refusal([&] { EntryReader(file, options, "ops").finish(); }), "f.csv: holds no times");
}

// ---- Random tables through what is written.

TEST(WrittenTables, AreReadBack) {
  Rng rng(2, "tables");
  for (int i = 0; i < 60; ++i)
    for (const char* format : {"operators", "once-for-all", "dynamic-ofa"}) {
      LatencyTable table;
      table.grouping =
          std::string(format) == "operators"
              ? std::vector<std::string>{"ops", "fused"}[rng.below(2)]
              : std::vector<std::string>{"ofa-mobilenetv3", "ofa-proxyless"}[rng.below(2)];
      table.conditions = {{"device", "phone, \"a\""}, {"batch", "1"}};
      for (int k = 0; k < 8; ++k) {
        const std::string size = std::to_string(1 + rng.below(99));
        std::string key = "conv2d in=3x8x8 out=" + size + "x8x8 k=3 s=1 ";
        if (table.grouping == "ops") key += "p=1 d=1 g=1 bias=0";
        if (table.grouping == "fused") key += "g=1 act=relu";
        if (table.grouping[1] == 'f')
          key = "expanded_conv-input:7x7x" + size +
                "-output:7x7x8-expand:3-kernel:5-stride:1-idskip:0";
        if (table.grouping == "ofa-mobilenetv3") key += "-se:0-hs:1";
        const double ms = std::pow(10, 4 * rng.uniform() - 3);
        table.entries[key] = {ms, 0.9 * ms, 1.2 * ms, static_cast<int>(1 + rng.below(100))};
      }
      ImportOptions options;
      options.unit = *time_unit("ms");
      options.conditions = {{"batch", "1"}};
      const LatencyFormat& how = format_of(format, {"f", ""});
      const std::string text = how.write(table);
      const Imported read = import_latency({{"f", text}}, format, options);
      ASSERT_TRUE(read.table) << text;
      EXPECT_EQ(read.table->grouping, table.grouping) << text;
      ASSERT_EQ(read.table->entries.size(), table.entries.size());
      for (const auto& [key, entry] : table.entries) {
        const LatencyEntry& again = read.table->entries.at(key);
        EXPECT_DOUBLE_EQ(again.median_ms, entry.median_ms);
        EXPECT_EQ(again.repeats, entry.repeats);
        if (std::string(format) != "operators") continue;
        EXPECT_DOUBLE_EQ(again.low_ms, entry.low_ms);
        EXPECT_DOUBLE_EQ(again.high_ms, entry.high_ms);
      }
    }
}

TEST(WrittenTables, OurOwnFormKeepsEverything) {
  Rng rng(3, "json");
  for (int i = 0; i < 60; ++i) {
    LatencyTable table;
    table.id = "id \"" + std::to_string(i) + "\" \xc3\xa9";
    table.space = i % 2 == 0 ? "" : "mobilenet";
    table.created = "2026-01-01T00:00:00Z";
    table.grouping = i % 3 == 0 ? "fused" : "ops";
    table.conditions = {{"batch", std::to_string(1 + rng.below(64))}, {"odd\nkey", "v\t\"w\""}};
    for (int k = 0; k < 6; ++k) {
      const double ms = std::pow(10, 8 * rng.uniform() - 6);
      table.entries["op " + std::to_string(rng.below(1000))] = {
          ms, ms * rng.uniform(), ms * (1 + rng.uniform()), static_cast<int>(rng.below(1000))};
    }
    const LatencyTable again = latency_table_from_json(to_json(table), "f.json");
    EXPECT_EQ(again.id, table.id);
    EXPECT_EQ(again.space, table.space);
    EXPECT_EQ(again.created, table.created);
    EXPECT_EQ(again.grouping, table.grouping);
    EXPECT_EQ(again.conditions, table.conditions);
    EXPECT_EQ(again.batch(), table.batch());
    ASSERT_EQ(again.entries.size(), table.entries.size());
    for (const auto& [key, entry] : table.entries) {
      const LatencyEntry& e = again.entries.at(key);
      EXPECT_EQ(e.median_ms, entry.median_ms) << "to the last bit";
      EXPECT_EQ(e.low_ms, entry.low_ms);
      EXPECT_EQ(e.high_ms, entry.high_ms);
      EXPECT_EQ(e.repeats, entry.repeats);
    }
  }
}

TEST(OperatorTables, RepeatsOfAnySizeAreCounted) {
  ImportOptions options;
  options.unit = *time_unit("ms");
  for (const auto& [text, repeats] : std::vector<std::pair<std::string, int>>{
           {"7", 7}, {"1e300", 1'000'000'000}, {"-4", 0}, {"x", 0}}) {
    const Imported read = import_latency(
        {{"f", "key,time,repeats\nrelu in=1 out=1,1," + text + "\n"}}, "operators", options);
    EXPECT_EQ(read.table->entries.begin()->second.repeats, repeats) << text;
  }
}

// ---- Places in JSON.

TEST(LocatedJson, EveryKeyHasItsLine) {
  const LocatedJson json = parse_located(
      "{\n \"a\": 1,\n \"b\": {\n  \"c\": [ {\"d\": 2},\n   {\"e\": 3} ],\n  \"f g=1\": {}\n }}",
      "f.json");
  EXPECT_EQ(json.place("a"), "f.json:2: ");
  EXPECT_EQ(json.place("b"), "f.json:3: ");
  EXPECT_EQ(json.place("b/c"), "f.json:4: ");
  EXPECT_EQ(json.place("b/c/d"), "f.json:4: ");
  EXPECT_EQ(json.place("b/c/e"), "f.json:5: ");
  EXPECT_EQ(json.place("b/f g=1"), "f.json:6: ");
  EXPECT_EQ(json.place("b/x"), "f.json: ");
  EXPECT_TRUE(json.contains("b/c"));
  EXPECT_FALSE(json.contains("c"));
  EXPECT_EQ(json.root["b"]["c"][1]["e"], 3);
}

TEST(LocatedJson, RandomDocumentsAreReadAsOthersReadThem) {
  Rng rng(4, "located");
  for (int i = 0; i < 150; ++i) {
    int next = 0;
    const auto value = [&](const auto& self, int depth) -> nlohmann::json {
      switch (rng.below(depth > 0 ? 6 : 4)) {
        case 0:
          return static_cast<int64_t>(rng.next()) / 3;
        case 1:
          return rng.uniform();
        case 2:
          return "text \"" + std::to_string(rng.below(100)) + "\"\n\xe2\x82\xac";
        case 3:
          return nullptr;
        case 4: {
          nlohmann::json list = nlohmann::json::array();
          for (uint64_t k = rng.below(4); k > 0; --k) list.push_back(self(self, depth - 1));
          return list;
        }
        default: {
          nlohmann::json map = nlohmann::json::object();
          for (uint64_t k = rng.below(5); k > 0; --k)
            map["key" + std::to_string(next++)] = self(self, depth - 1);
          return map;
        }
      }
    };
    nlohmann::json root = nlohmann::json::object();
    for (int k = 0; k < 4; ++k) root["top" + std::to_string(k)] = value(value, 4);
    const std::string text = root.dump(1);
    const LocatedJson read = parse_located(text, "f");
    ASSERT_EQ(read.root, root);
    for (int k = 0; k < 4; ++k) {
      const std::string key = "top" + std::to_string(k);
      const size_t at = text.find("\"" + key + "\":");
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
      EXPECT_EQ(read.place(key), "f:" + std::to_string(line) + ": ");
    }
  }
}

TEST(LocatedJson, MistakesAreToldWhereTheyStand) {
  const auto said = [](const std::string& text) {
    return refusal([&] { parse_located(text, "f.json"); });
  };
  EXPECT_EQ(said("{\n \"a\": 1\n \"b\": 2\n}"), "f.json:3:4: not valid JSON");
  EXPECT_THAT(said("{\"a\": 1,\n\"b\": {\"c\": 1,\n\"c\": 2}}"),
              HasSubstr("f.json:3: \"b/c\" is given twice"));
  EXPECT_THAT(
      said("{\"a\": \"caf\xe9\"}"),
      HasSubstr("f.json:1:11: the byte 0xe9 is no UTF-8; if the file is Latin-1, convert it: "
                "iconv -f latin1 -t utf-8 f.json"));
  EXPECT_THAT(said("{\"a\": \"\xed\xa0\x80\"}"), HasSubstr("f.json:1:8: the byte 0xed is no UTF-8"))
      << "half of a pair";
  for (const char* text : {"", "{", "[1,", "nul", "{\"a\"}", "1 2", "{'a': 1}"})
    EXPECT_THAT(said(text), HasSubstr("not valid JSON")) << text;
  EXPECT_EQ(said("{\"a\": {\"x\": 1}, \"b\": {\"x\": 1}}"), "read") << "in two objects";
}

}  // namespace
}  // namespace nas
