// Work for other runners and their answers; differences of tables.
#include "hardware/work_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "hardware/latency_diff.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

ImportOptions options() {
  ImportOptions o;
  o.unit = *time_unit("us");
  o.conditions = {{"device", "phone"}, {"batch", "4"}, {"dtype", "float16"}};
  return o;
}

TEST(WorkLines, SayAllThatARunnerNeeds) {
  const auto space = load_space("digits");
  for (const auto& [key, op] : ops_of(*space).ops) {
    const Json line = Json::parse(work_line(key, op, {4, "float16"}));
    EXPECT_EQ(line.at("schema"), "nas-latency-work/1");
    EXPECT_EQ(line.at("batch"), 4);
    EXPECT_EQ(line.at("dtype"), "float16");
    const Plan& plan = *op.plan;
    const Node& node = plan.nodes[op.node];
    ASSERT_EQ(line.at("inputs").size(), node.input_count);
    EXPECT_EQ(line.at("inputs")[0][0], 4);
    int64_t elements = 1;
    for (const auto& size : line.at("output")) elements *= size.get<int64_t>();
    EXPECT_EQ(elements, 4 * node.out.elements());
    WorkId id;
    ASSERT_TRUE(read_id(line.at("id").get<std::string>(), id));
    EXPECT_EQ(id.what, key);
    EXPECT_EQ(id.batch, 4);
    EXPECT_FALSE(id.network);
  }
}

TEST(WorkLines, NetworksHaveTheirLayers) {
  const auto space = load_space("nasbench201");
  const Architecture a = space->largest();
  const Json line = Json::parse(work_line(*space, a, {}));
  EXPECT_EQ(line.at("layers").size(), space->plan(a).nodes.size());
  EXPECT_EQ(line.at("layers")[0].at("from")[0], -1);
  WorkId id;
  ASSERT_TRUE(read_id(line.at("id").get<std::string>(), id));
  EXPECT_TRUE(id.network);
  EXPECT_EQ(space->parse(id.what), a);
}

TEST(WorkLines, AnswersBecomeATable) {
  const std::string a = "op/4/float16/relu in=8x4x4 out=8x4x4",
                    b = "op/4/float16/linear in=8 out=4 bias=1", c = "net/4/float16/[4,3,3]";
  const auto line = [](const std::string& id, const std::string& rest) {
    return "{\"id\": \"" + id + "\", " + rest + "}\n";
  };
  const std::vector<ForeignFile> answers = {
      {"a.jsonl",
       line(a, "\"times\": [5, 1, 2, 4, 3]") + "\n" +
           line(c, "\"time\": 900, \"low\": 800, \"high\": 1000, \"repeats\": 9")},
      {"b.jsonl", line(b, "\"error\": \"out of memory\"")}};
  const std::vector<ForeignFile> asked = {{"work.jsonl",
                                           line(a, "\"op\": 1") + line(b, "\"op\": 1") +
                                               line(c, "\"op\": 1") +
                                               line("op/4/float16/z", "\"op\": 1")}};
  const WorkResults results = read_results(answers, options(), asked);
  ASSERT_TRUE(results.table);
  const LatencyEntry& entry = results.table->entries.at("relu in=8x4x4 out=8x4x4");
  EXPECT_DOUBLE_EQ(entry.median_ms, 0.003);
  EXPECT_DOUBLE_EQ(entry.low_ms, 0.002);
  EXPECT_DOUBLE_EQ(entry.high_ms, 0.004);
  EXPECT_EQ(entry.repeats, 5);
  ASSERT_TRUE(results.rows);
  EXPECT_EQ(results.rows->rows[0].front(), "[4,3,3]");
  EXPECT_EQ(results.rows->rows[0].back(), "0.9");
  EXPECT_THAT(results.failed, ::testing::ElementsAre(b + ": out of memory"));
  EXPECT_THAT(results.missing, ::testing::ElementsAre("op/4/float16/z"));
}

TEST(WorkLines, SayWhatIsWrongWithAnAnswer) {
  const std::string id = "\"id\": \"op/4/float16/relu in=8 out=8\"";
  const auto refused = [](const std::string& text, const std::string& why) {
    try {
      read_results({{"r.jsonl", text}}, options(), {});
      ADD_FAILURE() << text;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr(why));
    }
  };
  refused("{\n", "r.jsonl:1: expected one JSON object");
  refused("\n[1]\n", "r.jsonl:2: expected one JSON object");
  refused("{\"time\": 1}", "r.jsonl:1: there is no \"id\"");
  refused("{\"id\": \"relu\", \"time\": 1}", "is no id");
  refused("{\"id\": \"op/0/f/x\", \"time\": 1}", "is no id");
  refused("{\"id\": \"op/8/float16/x\", \"time\": 1}", "asked for 8 image(s) at once");
  refused("{\"id\": \"op/4/int8/x\", \"time\": 1}", "asked for int8");
  for (const char* time : {"0", "-1", "\"1\"", "null", "1e400", "[1]"})
    refused("{" + id + ", \"time\": " + time + "}", "r.jsonl:1: ");
  refused("{" + id + "}", "neither time, times nor error");
  refused("{" + id + ", \"times\": []}", "times: expected");
  refused("{" + id + ", \"times\": [1], \"time\": 1}", "times: expected");
  refused("{" + id + ", \"time\": 1, \"low\": 2}", "do not enclose");
  refused("{" + id + ", \"time\": 1, \"unit\": \"ms\"}", "--unit says us");
  refused("{" + id + ", \"time\": 1, \"time\": 2}", "a key stands twice");
  refused("{" + id + ", \"time\": 1}\n{" + id + ", \"time\": 1}", "r.jsonl:2: ");
  refused("{\"id\": \"op/4/float16/\xe9\", \"time\": 1}", "is no UTF-8");
  EXPECT_THROW(read_results({{"r", "{" + id + ", \"time\": 1}"}},
                            options(),
                            {{"w", "{\"id\": \"op/4/float16/other\"}"}}),
               DataError);
}

// What an answer says in another order is the same op; what it leaves open or cannot be is none.
TEST(WorkLines, IdsThatAreWrittenOtherwiseAreNormalised) {
  const std::string key = "conv2d in=3x8x8 out=16x8x8 k=3 s=1 p=1 d=1 g=1 bias=0";
  const auto read = [&](const std::string& id, const std::vector<ForeignFile>& asked = {}) {
    return read_results({{"r.jsonl", "\n{\"id\": \"" + id + "\", \"time\": 5}"}}, options(), asked);
  };
  const std::vector<ForeignFile> asked = {{"w", "{\"id\": \"op/4/float16/" + key + "\"}"}};
  for (const char* same : {"conv2d out=16x8x8 in=3x8x8 bias=0 g=1 d=1 p=1 s=1 k=3",
                           " conv2d  in=3x8x8 out=16x8x8 k=03 s=1 p=1 d=1 g=1 bias=0 ",
                           "Conv2D in=3x8x8 out=16x8x8 K=3 s=1 p=1 d=1 g=1 bias=0"}) {
    const std::string id = std::string("op/4/float16/") + same;
    EXPECT_TRUE(read(id).table->entries.contains(key)) << same;
    EXPECT_TRUE(read(id, asked).missing.empty()) << same;
  }
  const auto refused = [&](const std::string& bad, const std::string& why) {
    try {
      read("op/4/float16/" + bad);
      ADD_FAILURE() << bad;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("r.jsonl:2: "));
      EXPECT_THAT(e.what(), HasSubstr(why));
    }
  };
  const std::string form = "its form is `conv2d in=3x8x8 out=16x8x8 k=N s=N p=N d=N g=N bias=0|1`";
  refused("conv2d in=3x8x8 out=16x8x8 k=3 s=1 p=1 d=1 g=1 bias=2",
          "bias is 0 or 1, not 2; " + form);
  refused("conv2d in=3x8x8 out=16x8x8 k=3 s=1 p=1 d=1 g=1", "it has no bias=; " + form);
  refused("conv2d in=3x8x8 out=16x8x8 k=3 s=1 p=1 d=1 g=1 bias=0 x=1", "'x' is no attribute");
  refused("conv2d in=3x8x8 out=16x8x8 k=3 k=3 s=1 p=1 d=1 g=1 bias=0", "is given twice");
  // The same op twice in two spellings is one answer too many.
  EXPECT_THROW(read_results({{"r",
                              "{\"id\": \"op/4/float16/relu in=8 out=8\", \"time\": 5}\n"
                              "{\"id\": \"op/4/float16/relu out=8 in=8\", \"time\": 5}"}},
                            options()),
               DataError);
}

LatencyTable table_of(std::map<std::string, LatencyEntry> entries) {
  LatencyTable table;
  table.entries = std::move(entries);
  table.conditions = {{"device", "a"}, {"batch", "1"}};
  return table;
}

TEST(LatencyDiff, SaysWhatMoved) {
  const LatencyTable a = table_of({{"conv2d x", {1, 0.9, 1.1, 9}},
                                   {"conv2d y", {2, 1.9, 2.1, 9}},
                                   {"relu z", {1, 0.5, 1.5, 9}},
                                   {"gone", {1, 1, 1, 1}}});
  LatencyTable b = table_of({{"conv2d x", {2, 1.8, 2.2, 9}},
                             {"conv2d y", {2, 1.9, 2.1, 9}},
                             {"relu z", {1.2, 0.7, 1.7, 9}},
                             {"new", {1, 1, 1, 1}}});
  b.conditions["device"] = "b";
  b.conditions["threads"] = "2";
  const LatencyDiff diff = diff_of(a, b);
  ASSERT_EQ(diff.both.size(), 3U);
  EXPECT_EQ(diff.both[0].key, "conv2d x");
  EXPECT_DOUBLE_EQ(diff.both[0].ratio, 2);
  EXPECT_TRUE(diff.both[0].beyond);
  EXPECT_EQ(diff.both[1].key, "relu z");
  EXPECT_FALSE(diff.both[1].beyond);
  EXPECT_THAT(diff.only_a, ::testing::ElementsAre("gone"));
  EXPECT_THAT(diff.only_b, ::testing::ElementsAre("new"));
  ASSERT_EQ(diff.kinds.size(), 2U);
  EXPECT_EQ(diff.kinds[0].kind, "conv2d");
  EXPECT_EQ(diff.kinds[0].beyond, 1U);
  EXPECT_DOUBLE_EQ(diff.kinds[0].total_ratio, 4.0 / 3);
  EXPECT_DOUBLE_EQ(diff.total_ratio, 5.2 / 4);
  ASSERT_EQ(diff.conditions.size(), 2U);
  EXPECT_EQ(diff.conditions[0].name, "device");
  EXPECT_EQ(diff.conditions[1].a, "");
  b.grouping = "fused";
  EXPECT_THROW(diff_of(a, b), DataError);
}

}  // namespace
}  // namespace nas
