// `nas space check --max`: shares, counts, nearest values, exit codes, by running the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"
#include "spaces/registry.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

/// A table in which each op takes one microsecond per 1,000 values that it writes, and ten more.
std::string table_file(const Space& space) {
  Json ops = Json::object();
  space.enumerate([&](const Architecture& a) {
    const Plan plan = space.plan(a);
    for (const Node& node : plan.nodes)
      ops[signature(plan, node)] = {
          {"median", 10 + static_cast<double>(node.out.elements()) / 1000}};
    return true;
  });
  const std::string path = fresh_folder() + "/table.json";
  write_file(
      path,
      Json{{"schema", "nas-latency-table/1"}, {"id", "made"}, {"unit", "us"}, {"ops", ops}}.dump());
  return path;
}

TEST(SpaceLimits, ShareCountAndNearestValue) {
  Finished done = run({"space", "check", "digits", "--max", "macs <= 150k"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("of 3969 architectures ("));
  done = run({"space", "check", "digits", "--max", "macs <= 10", "--max", "params >= 1"});
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.out, HasSubstr("macs <= 10: the smallest attainable value is "));
  EXPECT_THAT(done.out, HasSubstr("nearest to all: macs = "));
  // Far misses too: a forgotten M.
  done = run({"space", "check", "custom-digits", "--max", "macs <= 20"});
  EXPECT_THAT(done.out, HasSubstr("the smallest attainable value is 27888"));

  // The same as going through the space.
  const auto space = load_space("digits");
  int64_t inside = 0;
  space->enumerate([&](const Architecture& a) {
    const Cost cost = cost_of(space->plan(a), space->counting());
    inside += cost.macs <= 150'000 && cost.params >= 2000;
    return true;
  });
  done =
      run({"space", "check", "digits", "--max", "macs<=150k", "--max", "params>=2000", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["count"], std::to_string(inside));
  EXPECT_EQ(json["feasible"], true);
  EXPECT_LE(json["example"]["values"]["macs"], 150'000);
  EXPECT_EQ(json["metrics"].size(), 2U);
}

TEST(SpaceLimits, ALargeSpaceByProvenBounds) {
  const Finished done = run({"space", "check", "mobilenet", "--max", "macs <= 300M", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_LE(json["share"]["low"], 0.039354);
  EXPECT_GE(json["share"]["high"], 0.039354);
  EXPECT_EQ(json["share"]["estimated"], false);
  EXPECT_EQ(json["metrics"][0]["least"]["value"], 121278672);
  EXPECT_EQ(json["metrics"][0]["most"]["value"], 566170656);
  const Finished none = run({"space", "check", "mobilenet", "--max", "macs <= 121278671"});
  EXPECT_EQ(none.code, 3);
  EXPECT_THAT(none.out, HasSubstr("the smallest attainable value is 121278672"));
}

TEST(SpaceLimits, LatencyOfATableAndItsNearestValueAsALimit) {
  const auto space = load_space("digits");
  const std::string table = table_file(*space);
  Finished done =
      run({"space", "check", "digits", "--max", "latency_ms <= 0.001", "--table", table, "--json"});
  ASSERT_EQ(done.code, 3) << done.err;
  Json json = Json::parse(done.out);
  // The value that is told can be used as a limit, and is met.
  const std::string least = json["nearest"][0]["value"].dump();
  done = run(
      {"space", "check", "digits", "--max", "latency_ms <= " + least, "--table", table, "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  json = Json::parse(done.out);
  EXPECT_EQ(json["count"], "1");
  EXPECT_EQ(json["latency"]["table"], "made");
}

TEST(SpaceLimits, WrongUse) {
  const auto refused = [](std::vector<std::string> args, const std::string& what) {
    args.insert(args.begin(), {"space", "check", "digits"});
    const Finished done = run(args);
    EXPECT_EQ(done.code, 2) << done.out;
    EXPECT_THAT(done.err, HasSubstr(what));
  };
  refused({"--max", "latency_ms <= 3"}, "Name a latency table with --table");
  refused({"--max", "mac <= 3"}, "Did you mean 'macs'?");
  refused({"--max", "accuracy >= 0.5"}, "no free cost 'accuracy'");
  refused({"--max", "macs"}, "");
  refused({"--max", "macs <= -5"}, "");
  refused({"--max", "macs <= 3", "--max", "macs >= 5"}, "");
  refused({"--count"}, "name one with --max");
  refused({"--max", "latency_ms <= 3", "--table", "no-such-table"}, "");
}

// The same numbers by a search that measures nothing.
TEST(SpaceLimits, AnExactSearchNeedsNoEvaluator) {
  Launch launch;
  launch.folder = fresh_folder();
  write_file(
      launch.folder + "/exact.yaml",
      "space: mobilenet\nevaluator: {kind: none}\nsearch: {algorithm: exact, evaluations: 9, "
      "objectives: [minimize: macs]}\n");
  launch.args = {"search", "--config", "exact.yaml", "--json"};
  Finished done = run(launch);
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["front"][0]["values"]["macs"], 121278672);
  // What is measured needs one.
  launch.args = {
      "search", "--config", "exact.yaml", "--set", "search.objectives=[maximize: accuracy]"};
  done = run(launch);
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("accuracy"));
}

}  // namespace
}  // namespace nas::test
