// nas measure with the real binary, and a search under its table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
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

std::string table_of(const std::string& folder, const std::string& name) {
  return run({"measure",
              "--space",
              "digits",
              "--threads",
              "1",
              "--repeats",
              "1",
              "--warmup",
              "0",
              "--out",
              folder + "/" + name,
              "--db",
              folder + "/nas.db"})
                     .code == 0
             ? folder + "/" + name
             : "";
}

// The same table in microseconds gives the same latencies; one of 8 images is no table of one.
TEST(Measure, UnitAndBatchOfATableCount) {
  const std::string folder = fresh_folder();
  const std::string path = table_of(folder, "ms.json");
  ASSERT_NE(path, "");
  std::ifstream file(path);
  Json table = Json::parse(file);
  const auto latency = [&](const Json& written, std::vector<std::string> more = {}) {
    write_file(folder + "/t.json", written.dump(1));
    write_file(folder + "/s.yaml",
               "space: digits\nsearch: {population: 4, evaluations: 4, objectives: [minimize: "
               "latency_ms]}\n"
               "evaluator: {kind: external, external: {command: \"sed -u "
               "'s/\\\"arch.*/\\\"accuracy\\\": 0.5}/'\"}}\n");
    std::vector<std::string> words = {"search",
                                      "--config",
                                      folder + "/s.yaml",
                                      "--latency-table",
                                      folder + "/t.json",
                                      "--db",
                                      folder + "/x.db",
                                      "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const Finished ms = latency(table);
  ASSERT_EQ(ms.code, 0) << ms.err;
  const double expected = Json::parse(ms.out)["front"][0]["values"]["latency_ms"];
  Json other = table;
  other["unit"] = "us";
  for (Json& op : other["ops"])
    for (const char* key : {"median", "low", "high"}) op[key] = op[key].get<double>() * 1000;
  const Finished us = latency(other);
  ASSERT_EQ(us.code, 0) << us.err;
  EXPECT_NEAR(Json::parse(us.out)["front"][0]["values"]["latency_ms"], expected, 1e-9 * expected);
  EXPECT_EQ(Json::parse(us.out)["latency"]["batch"], 1);

  other = table;
  other["conditions"]["batch"] = "8";
  const Finished eight = latency(other);
  EXPECT_EQ(eight.code, 2);
  EXPECT_THAT(eight.err, HasSubstr("with 8 image(s) at once"));
  const Finished meant = latency(other, {"--latency-batch", "8"});
  ASSERT_EQ(meant.code, 0) << meant.err;
  EXPECT_EQ(Json::parse(meant.out)["latency"]["batch"], 8);
  other = table;
  other["ops"].erase(other["ops"].begin());
  EXPECT_THAT(latency(other).err, HasSubstr("no time for 1 of the"));
  other = table;
  // A space of another name with the same networks is the same space; the fingerprint tells.
  other["space"] = "renamed";
  EXPECT_EQ(latency(other).code, 0);
  other["space"] = "mobilenet";
  other["fingerprint"] = std::string(64, 'e');
  EXPECT_THAT(latency(other).err, HasSubstr("was measured for the space 'mobilenet'"));
}

TEST(Measure, AStoppedCheckSaysWhatIsThere) {
  Launch launch;
  launch.folder = fresh_folder();
  launch.args = {"measure",
                 "--space",
                 "digits",
                 "--threads",
                 "1",
                 "--repeats",
                 "1",
                 "--warmup",
                 "0",
                 "--check",
                 "100000",
                 "--name",
                 "kept"};
  launch.signal = SIGINT;
  launch.signal_at = "checking";
  const Finished done = run(launch);
  EXPECT_EQ(done.code, 130) << done.err;
  EXPECT_THAT(done.err, HasSubstr("of 100000 networks"));
  EXPECT_THAT(done.err, HasSubstr("the table 'kept' is complete and stored"));
  launch.args = {"measure", "--space", "digits", "--name", "kept"};
  launch.signal = 0;
  launch.signal_at = "";
  EXPECT_THAT(run(launch).err, HasSubstr("already"));
}

// Half of a table, then one of a space that was changed: what is asked for is kept, nothing is
// timed twice, and the table says what it is.
TEST(Measure, ATableIsContinued) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) {
    return run(Launch{.args = std::move(args), .folder = folder});
  };
  const std::vector<std::string> options = {
      "measure", "--space", "resnet20-pool", "--threads", "1", "--warmup", "0"};
  Launch first{.args = options, .folder = folder};
  first.args.insert(first.args.end(),
                    {"--repeats", "2000", "--name", "half", "--out", "half.json", "--seed", "3"});
  first.signal = SIGINT;
  first.signal_at = "measure 1/";
  const Finished stopped = run(first);
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_THAT(stopped.err,
              HasSubstr("--continue half --device cpu --threads 1 --batch 1 --warmup 0 "
                        "--repeats 2000 --name half-2 --out half.json --seed 3"));
  const auto file = [&](const char* name) {
    std::ifstream in(folder + "/" + name);
    return Json::parse(in);
  };
  const Json half = file("half.json");
  EXPECT_THAT(half["conditions"]["ops_complete"].get<std::string>(), HasSubstr("have no time"));
  std::vector<std::string> again = options;
  again.insert(again.end(), {"--repeats", "2", "--continue", "half", "--out", "whole.json"});
  const Finished whole = call(again);
  ASSERT_EQ(whole.code, 0) << whole.err;
  Json table = file("whole.json");
  EXPECT_EQ(table["conditions"]["ops_complete"], "yes");
  EXPECT_THAT(table["conditions"]["repeats"].get<std::string>(), testing::StartsWith("2 to "));
  for (const auto& [key, op] : half["ops"].items())
    EXPECT_EQ(table["ops"][key]["median"], op["median"]);
  // Of the space before it was changed: nothing lacks, and it is stamped.
  const std::string fingerprint = table["fingerprint"];
  table["fingerprint"] = std::string(64, 'e');
  write_file(folder + "/old.json", table.dump(1));
  EXPECT_EQ(
      call({"space", "check", "resnet20-pool", "--max", "latency_ms <= 5", "--table", "old.json"})
          .code,
      2);
  again[again.size() - 3] = "old.json";
  again.back() = "new.json";
  const Finished stamped = call(again);
  ASSERT_EQ(stamped.code, 0) << stamped.err;
  EXPECT_THAT(stamped.err, HasSubstr("nothing is measured"));
  const Json made = file("new.json");
  EXPECT_EQ(made["fingerprint"], fingerprint);
  EXPECT_EQ(made["ops"].size(), table["ops"].size());
  EXPECT_EQ(made["conditions"]["repeats"], table["conditions"]["repeats"]);
}

TEST(Measure, OnlyDevicesThatAreMeant) {
  // Which they are: tests/data/device_name_test.cpp.
  for (const char* device : {"gpu", "cuda:-1"}) {
    const Finished done = run({"measure", "--space", "digits", "--device", device});
    EXPECT_EQ(done.code, 2) << device;
    EXPECT_THAT(done.err, HasSubstr("auto, cpu, cuda, cuda:N")) << device;
  }
}

TEST(Measure, RefusesWhatCannotBe) {
  EXPECT_EQ(run({"measure"}).code, 2);
  EXPECT_EQ(run({"measure", "--space", "nowhere"}).code, 2);
  EXPECT_EQ(run({"measure", "--space", "digits", "--repeats", "0"}).code, 2);
}

}  // namespace
}  // namespace nas::test
