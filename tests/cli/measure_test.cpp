// nas measure with the real binary, and a search under its table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(Measure, TableIsStoredWrittenAndUsed) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = folder;
    return run(launch);
  };
  const Finished done = call({"measure",
                              "--space",
                              "digits",
                              "--threads",
                              "1",
                              "--repeats",
                              "3",
                              "--warmup",
                              "1",
                              "--check",
                              "4",
                              "--name",
                              "here",
                              "--out",
                              "table.json",
                              "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["table"], "here");
  EXPECT_GT(json["ops"].get<int>(), 50);
  EXPECT_LT(json["smallest_ms"], json["largest_ms"]);
  EXPECT_EQ(json["check"]["networks"], 4);
  EXPECT_EQ(json["conditions"]["threads"], "1");
  EXPECT_TRUE(std::filesystem::exists(folder + "/table.json"));

  const Finished again = call({"measure", "--space", "digits", "--name", "here"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("already"));

  write_file(folder + "/search.yaml",
             "space: digits\nsearch:\n  population: 8\n  evaluations: 24\n"
             "  objectives: [maximize: accuracy, minimize: latency_ms]\n"
             "evaluator: {kind: external, external: {command: \"sed -u "
             "'s/\\\"arch.*/\\\"accuracy\\\": 0.5}/'\"}}\n");
  for (const char* table : {"here", "table.json"}) {
    const Finished found =
        call({"search", "--config", "search.yaml", "--latency-table", table, "--json"});
    ASSERT_EQ(found.code, 0) << found.err;
    EXPECT_GT(Json::parse(found.out)["front"][0]["values"]["latency_ms"].get<double>(), 0);
  }
  const Finished impossible = call({"search",
                                    "--config",
                                    "search.yaml",
                                    "--latency-table",
                                    "here",
                                    "--constraint",
                                    "latency_ms <= 0.0000001"});
  EXPECT_EQ(impossible.code, 2);
  EXPECT_THAT(impossible.err, HasSubstr("smallest attainable"));
  EXPECT_EQ(call({"search", "--config", "search.yaml", "--latency-table", "nowhere"}).code, 2);
}

TEST(Measure, RefusesWhatCannotBe) {
  EXPECT_EQ(run({"measure"}).code, 2);
  EXPECT_EQ(run({"measure", "--space", "nowhere"}).code, 2);
  EXPECT_EQ(run({"measure", "--space", "digits", "--repeats", "0"}).code, 2);
}

}  // namespace
}  // namespace nas::test
