#include "hardware/latency_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  refused("", "not a latency table");
  refused("[1, 2]", "not a latency table");
  refused(R"({"schema": "nas-latency-table/2", "ops": {}})", "not a latency table");
  refused(R"({"schema": "nas-latency-table/1", "ops": {"x": {"median": -1}}})", "median");
  refused(R"({"schema": "nas-latency-table/1", "ops": {"x": 3}})", "expected an object");
}

}  // namespace
}  // namespace nas
