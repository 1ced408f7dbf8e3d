#include "hardware/latency_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardware/op_cases.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

/// One unit for every op of one architecture, counted by hand through its signatures.
LatencyTable table_of(const Plan& plan) {
  LatencyTable table;
  table.id = "t";
  double next = 0.5;
  for (const Node& node : plan.nodes)
    if (!is_free(node.op) && !table.entries.contains(signature(plan, node)))
      table.entries[signature(plan, node)] = {next += 0.25, 0.1, 9, 5};
  return table;
}

TEST(LatencyTable, SumsOverAllOpsAlsoRepeatedOnes) {
  const auto space = load_space("resnet20-pool");
  const Plan plan = space->plan(space->parse("[4,3,3]"));
  LatencyTable table = table_of(plan);
  double expected = 0;
  for (const Node& node : plan.nodes)
    if (!is_free(node.op)) expected += table.entries.at(signature(plan, node)).median_ms;
  EXPECT_DOUBLE_EQ(table.predict(plan), expected);
  EXPECT_LT(table.entries.size(), plan.nodes.size());
}

TEST(LatencyTable, NamesTheOpThatIsMissing) {
  const auto space = load_space("resnet20-pool");
  const LatencyTable table = table_of(space->plan(space->parse("[4,3,3]")));
  try {
    table.predict(space->plan(space->parse("[1,1,8]")));
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("has no time for the op `"));
    EXPECT_THAT(e.what(), HasSubstr("nas measure"));
  }
}

TEST(LatencyTable, JsonRoundTrip) {
  const auto space = load_space("resnet20-pool");
  const Plan plan = space->plan(space->parse("[2,2,6]"));
  LatencyTable table = table_of(plan);
  table.conditions["threads"] = "2";
  const LatencyTable again = latency_table_from_json(to_json(table), "file.json");
  EXPECT_DOUBLE_EQ(again.predict(plan), table.predict(plan));
  EXPECT_EQ(again.conditions.at("threads"), "2");
  EXPECT_EQ(to_json(again), to_json(table));
}

TEST(LatencyTable, RefusesWhatIsNoTable) {
  const auto refused = [](const std::string& text, const std::string& why) {
    try {
      latency_table_from_json(text, "file.json");
      ADD_FAILURE() << text;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("file.json"));
      EXPECT_THAT(e.what(), HasSubstr(why));
    }
  };
  refused("", "file.json:1:1: not valid JSON");
  refused("{\n \"schema\": NaN}", "file.json:2:12: not valid JSON");
  refused("[1, 2]", "not a latency table");
  refused(R"({"schema": "nas-latency-table/2", "ops": {}})", "not a latency table");
  const auto table = [](const std::string& head, const std::string& ops) {
    return "{\"schema\": \"nas-latency-table/1\",\n" + head + "\"ops\": {\n" + ops + "}}";
  };
  const std::string ms = "\"unit\": \"ms\",\n", good = "\"a\": {\"median\": 1}";
  for (const char* time : {"-1", "0", "-0.0", "\"1\"", "null", "[1]", "true"})
    refused(table(ms, "\"x\": {\"median\": " + std::string(time) + "}"),
            "file.json:4: \"x\": median: ");
  refused(table(ms, "\"x\": {\"median\": 1,\n\"low\": 2}"), "do not enclose");
  refused(table(ms, "\"x\": {\"median\": 3,\n\"high\": 2}"), "do not enclose");
  refused(table(ms, "\"x\": {\"low\": 2}"), "median is missing");
  refused(table(ms, "\"x\": 3"), "file.json:4: \"x\": expected an object");
  refused(table(ms, ""), "holds no times");
  refused(table(ms, good + ",\n\"b\": {\"median\": 1},\n" + good),
          "file.json:6: \"ops/a\" is given twice");
  refused(table(ms + ms, good), "\"unit\" is given twice");
  refused(table(ms, "\"x\": {\"median\": 1, \"unit\": \"us\"}"), "unit is that of the whole table");
  refused(table("", good), "does not say the unit");
  refused(table("\"unit\": \"fortnight\",\n", good), "file.json:2: unit: \"fortnight\" is no unit");
  refused(table("\"unit\": 3,\n", good), "unit");
  for (const char* batch : {"0", "-8", "1.5", "\"many\"", "null"})
    refused(table(ms + "\"conditions\": {\"batch\": " + batch + "},\n", good), "number of images");
  refused(table(ms + "\"batch\": 4, \"conditions\": {\"batch\": \"8\"},\n", good), "4 images, but");
}

TEST(LatencyTable, TimesAreReadInTheirUnit) {
  const auto median = [](const std::string& unit) {
    const LatencyTable table =
        latency_table_from_json(R"({"schema": "nas-latency-table/1", "unit": ")" + unit +
                                    R"(", "ops": {"x": {"median": 6.472, "low": 4, "high": 8.5}}})",
                                "file.json");
    EXPECT_EQ(table.batch(), 1);
    return table.entries.at("x").median_ms;
  };
  EXPECT_DOUBLE_EQ(median("s"), 6472);
  EXPECT_DOUBLE_EQ(median("ms"), 6.472);
  EXPECT_DOUBLE_EQ(median("us"), 0.006472);
  EXPECT_DOUBLE_EQ(median("\u00b5s"), 0.006472);
  EXPECT_DOUBLE_EQ(median("microseconds"), 0.006472);
  EXPECT_DOUBLE_EQ(median("ns"), 6.472e-6);
}

TEST(LatencyTable, TheBatchIsKnown) {
  for (const char* batch : {"8", "\"8\""}) {
    const LatencyTable table = latency_table_from_json(
        R"({"schema": "nas-latency-table/1", "unit": "ms", "conditions": {"batch": )" +
            std::string(batch) + R"(}, "ops": {"x": {"median": 1}}})",
        "file.json");
    EXPECT_EQ(table.batch(), 8);
    EXPECT_EQ(latency_table_from_json(to_json(table), "again").batch(), 8);
  }
}

LatencyTable whole_table(const Space& space) {
  bool complete = false;
  LatencyTable table;
  table.id = "t";
  table.space = space.name();
  for (const auto& [key, op] : distinct_ops(space, complete)) table.entries[key] = {1, 1, 1, 1};
  return table;
}

TEST(LatencyTable, WhatDoesNotFitTheSpaceIsToldBeforeASearch) {
  const auto space = load_space("digits");
  LatencyTable table = whole_table(*space);
  EXPECT_NO_THROW(require_fit(table, *space));
  table.space = "mobilenet";
  EXPECT_THROW(require_fit(table, *space), ConfigError);
  table.space = "";
  EXPECT_NO_THROW(require_fit(table, *space));
  const std::string lost = table.entries.begin()->first;
  table.entries.erase(lost);
  try {
    require_fit(table, *space);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("no time for 1 of the "));
    EXPECT_THAT(e.what(), HasSubstr(lost));
  }
}

// A table knows the space it was made for by what that builds, not only by its name.
TEST(LatencyTable, SaysWhichSpaceItWasMadeFor) {
  const auto space = load_space("digits"), other = load_space("resnet20-pool");
  LatencyTable table = whole_table(*space);
  EXPECT_EQ(space_of_table(table, *space), TableSpace::kSame);  // Of older tables the name tells.
  EXPECT_EQ(space_of_table(table, *other), TableSpace::kOther);
  set_space(table, *space);
  table.program = "nas 9.9";
  const LatencyTable again = latency_table_from_json(to_json(table), "file.json");
  EXPECT_EQ(again.fingerprint, space->fingerprint());
  EXPECT_EQ(again.program, "nas 9.9");
  EXPECT_EQ(again.place, "file.json:4");
  EXPECT_EQ(space_of_table(again, *space), TableSpace::kSame);
  EXPECT_EQ(space_of_table(again, *other), TableSpace::kOther);
  table.space = "copied under another name";
  EXPECT_EQ(space_of_table(table, *space), TableSpace::kSame);
  EXPECT_NO_THROW(require_fit(table, *space));
  table.space = "digits";
  table.fingerprint = std::string(64, 'a');
  EXPECT_EQ(space_of_table(table, *space), TableSpace::kChanged);
  // Also where it has all ops that the space has now.
  EXPECT_THROW(require_fit(table, *space), ConfigError);
  table.entries.erase(table.entries.begin());
  table.space = table.fingerprint = "";
  EXPECT_EQ(space_of_table(table, *space), TableSpace::kUnsaid);
}

TEST(LatencyTable, ATableOfAChangedSpaceIsRefused) {
  const auto space = load_space("digits");
  LatencyTable table = whole_table(*space);
  table.fingerprint = std::string(64, 'a');
  table.conditions = {{"batch", "8"}, {"threads", "2"}};
  table.entries.erase(table.entries.begin());
  const auto message = [&](const LatencyTable& of) {
    try {
      require_fit(of, *space);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(message(table), HasSubstr("built other networks (fingerprint aaaaaaaaaaaa, now "));
  EXPECT_THAT(message(table), HasSubstr("and lacks 1 of its "));
  EXPECT_THAT(message(table), HasSubstr("--continue t --threads 2 --batch 8"));
  EXPECT_THAT(message(table), HasSubstr("take \"fingerprint\" out of the file"));
  table.conditions["device"] = "phone";
  EXPECT_THAT(message(table), HasSubstr("nas latency export-work digits --missing-from t"));
  // The line of the key of the outermost object.
  std::string text = to_json(table);
  text.replace(
      text.find(" \"space\""), 1, " \"conditions\": {\"space\": \"x\",\n\"a\": \"\\\"\"},\n");
  const size_t old = text.find(" \"conditions\": {\n");
  text.erase(old, text.find("},\n", old) + 3 - old);
  text.replace(text.find("\"digits\""), 8, "\"mobilenet\"");
  EXPECT_THAT(message(latency_table_from_json(text, "file.json")), HasSubstr("file.json:6: "));
}

// A table that says for how many images its times are, and one that does not.
TEST(LatencyTable, SaysWhetherTheBatchIsStated) {
  const auto table = [](const std::string& head) {
    return latency_table_from_json("{\"schema\": \"nas-latency-table/1\", \"unit\": \"ms\", " +
                                       head + "\"ops\": {\"x\": {\"median\": 1}}}",
                                   "file.json");
  };
  EXPECT_FALSE(table("").states_batch());
  EXPECT_TRUE(table("\"batch\": 1, ").states_batch());
  EXPECT_TRUE(table("\"conditions\": {\"batch\": \"1\"}, ").states_batch());
}

TEST(LatencyTable, KeepsItsGrouping) {
  LatencyTable table;
  table.grouping = "ofa-mobilenetv3";
  table.entries["Conv-input:224x224x3-output:112x112x16"] = {1, 1, 1, 1};
  EXPECT_EQ(latency_table_from_json(to_json(table), "f").grouping, "ofa-mobilenetv3");
  std::string text = to_json(table);
  text.replace(text.find("ofa-mobilenetv3"), 15, "of-another-kind");
  try {
    latency_table_from_json(text, "file.json");
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("grouping: \"of-another-kind\" is not known here"));
    EXPECT_THAT(e.what(), HasSubstr("file.json:"));
  }
}

TEST(LatencyTable, TellsLaterVersionsAndForeignBytes) {
  const auto refused = [](const std::string& text, const std::string& why) {
    try {
      latency_table_from_json(text, "file.json");
      ADD_FAILURE() << text;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr(why));
    }
  };
  refused("{\n\"schema\": \"nas-latency-table/2\", \"ops\": {}}",
          "file.json:2: is not a latency "
          "table of this version");
  refused("{\"schema\": \"nas-latency-table/2\", \"program\": \"nas 7\", \"ops\": {}}",
          "it was written by nas 7. Open it with that program");
  refused("{\"schema\": \"caf\xe9\"}", "file.json:1:16: the byte 0xe9 is no UTF-8");
  refused("{\"ops\": {}}", "nas latency import");
}

TEST(Coverage, NamesWhatLacksAndWhatIsNear) {
  const auto space = load_space("digits");
  LatencyTable table = whole_table(*space);
  EXPECT_TRUE(coverage_of(table, *space).missing.empty());
  const std::string lost = table.entries.begin()->first;
  table.entries.erase(lost);
  const Coverage coverage = coverage_of(table, *space);
  EXPECT_TRUE(coverage.exact);
  EXPECT_EQ(coverage.needed, table.entries.size() + 1);
  ASSERT_EQ(coverage.missing.size(), 1U);
  EXPECT_EQ(coverage.missing[0], lost);
  EXPECT_EQ(coverage.nearest.at(lost).size(), 3U);
}

}  // namespace
}  // namespace nas
