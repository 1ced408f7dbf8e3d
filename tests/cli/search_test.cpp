// nas search with the real binary: truth found, limits kept, kills survived.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

/// Accuracy that grows with the position of the first pooling: a table of all 36 architectures.
std::string table_config(const std::string& folder, const std::string& search) {
  std::string csv = "architecture,accuracy\n";
  for (int a = 1; a <= 8; ++a)
    for (int b = 1; a + b <= 9; ++b)
      csv += "\"[" + std::to_string(a) + "," + std::to_string(b) + "," +
             std::to_string(10 - a - b) + "]\"," +
             std::to_string(0.5 + 0.04 * a + 0.01 * b - 0.003 * a * a) + "\n";
  write_file(folder + "/truth.csv", csv);
  const std::string path = folder + "/search.yaml";
  write_file(path,
             "space: resnet20-pool\nsearch:\n" + search +
                 "evaluator: {kind: table, batch: 2, table: {file: truth.csv}}\n");
  return path;
}

Finished search(const std::string& folder, std::vector<std::string> more) {
  Launch launch;
  launch.folder = folder;
  launch.args = {"search", "--json"};
  launch.args.insert(launch.args.end(), more.begin(), more.end());
  return run(launch);
}

TEST(Search, FindsTheBestOfATable) {
  const std::string folder = fresh_folder();
  const Finished done = search(
      folder,
      {"--config",
       table_config(folder,
                    "  {population: 12, evaluations: 36, objectives: [maximize: accuracy]}\n")});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["schema"], "nas-search/1");
  // 0.04 a + 0.01 b - 0.003 a^2 is largest at a = 5, b = 4 (of a + b <= 9).
  EXPECT_EQ(json["front"][0]["architecture"], "[5,4,1]");
  EXPECT_EQ(json["evaluations"], 36);
}

TEST(Search, ASpaceSeenWholeEndsTheSearch) {
  const std::string folder = fresh_folder();
  for (const char* algorithm : {"nsga2", "random"}) {
    const Finished done = search(
        folder,
        {"--config",
         table_config(folder, "  {population: 10, evaluations: 500, constraints: [macs <= 30M]}\n"),
         "--algorithm",
         algorithm});
    ASSERT_EQ(done.code, 0) << done.err;
    const Json json = Json::parse(done.out);
    EXPECT_EQ(json["stopped"], "every network of the space within the limits was evaluated");
    const std::string n = json["evaluations"].dump();
    EXPECT_THAT(done.err, HasSubstr("the space has " + n + " networks within the limits"));
    EXPECT_LE(json["generations"].get<int>(), 1 + json["evaluations"].get<int>() / 10);
  }
}

TEST(Search, NothingInfeasibleIsReported) {
  const std::string folder = fresh_folder();
  const Finished done = search(folder,
                               {"--config",
                                table_config(folder, "  {population: 12, evaluations: 30}\n"),
                                "--constraint",
                                "macs <= 40M",
                                "--constraint",
                                "accuracy >= 0.6"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  ASSERT_FALSE(json["front"].empty());
  for (const Json& entry : json["front"]) {
    EXPECT_LE(entry["values"]["macs"].get<double>(), 40e6);
    EXPECT_GE(entry["values"]["accuracy"].get<double>(), 0.6);
  }
}

TEST(Search, ImpossibleLimitIsToldBeforeTheSearch) {
  const std::string folder = fresh_folder();
  const Finished done = search(folder,
                               {"--config",
                                table_config(folder, "  {population: 12, evaluations: 30}\n"),
                                "--constraint",
                                "macs <= 10M"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("18596480 ([1,1,8])"));
}

TEST(Search, ConfigurationErrorsNameTheirPlace) {
  const std::string folder = fresh_folder();
  const Finished done = search(
      folder,
      {"--config",
       table_config(folder, "  {populatoin: 12, algorithm: nsga3, initial: architecture}\n")});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("architectures"));
  EXPECT_THAT(done.err, HasSubstr("search.yaml:3:4"));
  EXPECT_THAT(done.err, HasSubstr("population"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/nas.db"));
  EXPECT_EQ(search(folder, {"--run", "nobody"}).code, 2);
}

/// Front document, evaluations and metrics of the newest search but its id.
std::string outcome(const std::string& folder) {
  const Store store(folder + "/nas.db");
  const RunRow run = store.run("last", "search").value();
  EXPECT_EQ(run.status, "finished");
  Json front = Json::parse(store.document(run.id, "front").value());
  front.erase("run");
  front.erase("parent");
  if (front.contains("baseline")) front["baseline"].erase("run");
  std::ostringstream text;
  text << front.dump(1) << std::hexfloat << '\n';
  for (const EvaluationRow& e : store.evaluations(run.id))
    text << e.architecture << ' ' << e.metric << ' ' << e.value << ' ' << e.source << '\n';
  for (const MetricRow& m : store.metrics(run.id))
    text << m.step << ' ' << m.name << ' ' << m.value << '\n';
  return text.str();
}

/// `start`: arguments of the first launch. Kills come in turn within `startup` seconds, and after
/// one or two more writes to the store.
void kill_ten_times(const std::string& folder,
                    const std::vector<std::string>& start,
                    double startup) {
  std::mt19937 random(5);  // NOLINT: the same moments each time make a failure repeatable
  std::uniform_real_distribution<double> moment(0.0, startup);
  const std::vector<std::string> resume = {"search", "-q", "--resume", "last"};
  bool begun = false;
  for (int killed = 0; killed < 10; ++killed) {
    Launch launch;
    launch.folder = folder;
    launch.args = begun ? resume : start;
    launch.signal = SIGKILL;
    if (killed % 3 == 0)
      launch.signal_after = moment(random);
    else
      launch.signal_when = written(folder + "/nas.db-wal", 1 + killed % 2);
    const Finished done = run(launch);
    ASSERT_EQ(done.code, 128 + SIGKILL) << "after " << killed << " kills: " << done.err;
    begun = std::filesystem::exists(folder + "/nas.db") &&
            Store(folder + "/nas.db").run("last", "search").has_value();
  }
  EXPECT_TRUE(begun);
  const Finished rest = run(Launch{begun ? resume : start, folder});
  ASSERT_EQ(rest.code, 0) << rest.err;
}

TEST(Search, KilledTenTimesEndsWithTheSameFront) {
  // A slow program as evaluator: the value is a function of the text, so that truth is stable.
  const auto config = [](const std::string& folder) {
    write_file(folder + "/judge.sh",
               "while read -r line; do sleep 0.05; a=${line#*[}; i=${line#*id\\\":\\\"}; "
               "echo \"{\\\"id\\\": \\\"${i%%\\\"*}\\\", "
               "\\\"accuracy\\\": 0.$((10 + ${a%%,*} * 7)) }\"; done\n");
    write_file(folder + "/search.yaml",
               "space: resnet20-pool\nsearch: {population: 8, evaluations: 34, baseline: true}\n"
               "evaluator: {kind: external, batch: 3, external: {command: sh judge.sh}}\n");
    return std::vector<std::string>{"search", "-q", "--config", "search.yaml"};
  };
  const std::string calm = fresh_folder(), rough = fresh_folder();
  Launch whole;
  whole.folder = calm;
  whole.args = config(calm);
  const Finished done = run(whole);
  ASSERT_EQ(done.code, 0) << done.err;
  kill_ten_times(rough, config(rough), 0.25);
  if (HasFatalFailure()) return;
  EXPECT_EQ(outcome(calm), outcome(rough));
}

TEST(Search, InterruptSavesAndResumes) {
  const std::string folder = fresh_folder();
  write_file(folder + "/search.yaml",
             "space: resnet20-pool\nsearch: {population: 8, evaluations: 30}\n"
             "evaluator: {kind: external, batch: 1, external: {command: \"sleep 0.05; sed -u "
             "'s/\\\"arch.*/\\\"accuracy\\\": 0.5}/'\"}}\n");
  Launch launch;
  launch.folder = folder;
  launch.args = {"search", "--config", "search.yaml"};
  launch.signal = SIGINT;
  launch.signal_at = "generation 2";
  const Finished done = run(launch);
  EXPECT_EQ(done.code, 130) << done.err;
  EXPECT_THAT(done.err, HasSubstr("nas search --resume s-"));
  // The program is that of the folder where the search began.
  Launch shown;
  shown.folder = folder;
  shown.args = {"runs", "show", "last", "--config-only"};
  EXPECT_THAT(run(shown).out, HasSubstr("folder: " + std::filesystem::canonical(folder).string()));
  EXPECT_EQ(search(folder, {"--resume", "last"}).code, 0);
  const Finished again = search(folder, {"--resume", "last"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("finished"));
}

#ifdef NAS_TORCH
TEST(Search, SupernetSearchKilledTenTimes) {
  const std::string calm = fresh_folder(), rough = fresh_folder();
  write_file(calm + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 200}\nthreads: 1\n"
             "train: {epochs: 1, validation: {every: 0}}\n"
             "evaluate: {images: 100, recalibrate: {images: 100}}\n");
  Launch train;
  train.folder = calm;
  train.args = {"train", "-q", "--config", "train.yaml"};
  ASSERT_EQ(run(train).code, 0);
  std::filesystem::copy(
      calm,
      rough,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  const std::vector<std::string> start = {
      "search", "-q", "--run", "last", "--set", "search.population=12", "--evaluations", "150"};
  Launch whole;
  whole.folder = calm;
  whole.args = start;
  const Finished done = run(whole);
  ASSERT_EQ(done.code, 0) << done.err;
  kill_ten_times(rough, start, torch_startup());
  if (HasFatalFailure()) return;
  EXPECT_EQ(outcome(calm), outcome(rough));
}

TEST(Search, WhatTheStoreHasIsNotMeasuredAgain) {
  const std::string folder = fresh_folder();
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 200}\nthreads: 1\n"
             "train: {epochs: 1, validation: {every: 0}}\n"
             "evaluate: {images: 100, recalibrate: {images: 100}}\n");
  Launch train;
  train.folder = folder;
  train.args = {"train", "-q", "--config", "train.yaml"};
  ASSERT_EQ(run(train).code, 0);
  const auto json_of = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--run", "last", "--set", "search.population=8"});
    const Finished done = search(folder, more);
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out);
  };
  const Json first = json_of({"--evaluations", "16"});
  EXPECT_EQ(first["evaluations_reused"], 0);
  const Json second = json_of({"--evaluations", "24"});
  EXPECT_EQ(second["evaluations"], 24);
  EXPECT_EQ(second["evaluations_reused"], 16);
  const Json fresh = json_of({"--evaluations", "24", "--set", "search.reuse=false"});
  EXPECT_EQ(fresh["evaluations_reused"], 0);
  EXPECT_EQ(fresh["front"], second["front"]);
}
#endif

}  // namespace
}  // namespace nas::test
