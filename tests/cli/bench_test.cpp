// nas bench: a table as one file that every command takes for it, and noise that a table tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

/// All 36 of resnet20-pool, but those whose first pooling is at `without`.
std::string rows(int without = 0) {
  std::string csv = "architecture,accuracy,proxy\n";
  for (int a = 1; a <= 8; ++a)
    for (int b = 1; a + b <= 9; ++b) {
      if (a == without) continue;
      csv += "\"[" + std::to_string(a) + "," + std::to_string(b) + "," +
             std::to_string(10 - a - b) + "]\"," +
             std::to_string(0.5 + 0.04 * a + 0.01 * b - 0.003 * a * a) + "," +
             std::to_string(0.1 * a - 0.02 * b) + "\n";
    }
  return csv;
}

Finished in(const std::string& folder, std::vector<std::string> args) {
  return run(Launch{.args = std::move(args), .folder = folder});
}

Json json_of(const Finished& done) {
  EXPECT_EQ(done.code, 0) << done.err;
  return Json::parse(done.out, nullptr, false);
}

class Bench : public testing::Test {
 protected:
  void SetUp() override { write_file(folder_ + "/t.csv", rows()); }
  Finished convert(std::vector<std::string> more = {}, const std::string& csv = "t.csv") {
    std::vector<std::string> args = {
        "bench", "convert", csv, "t.nast", "--space", "resnet20-pool", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return in(folder_, args);
  }
  std::string search_config(const std::string& table, const std::string& search) {
    write_file(folder_ + "/s.yaml",
               "space: resnet20-pool\nsearch: {" + search + "}\nevaluator: {kind: table, table: {" +
                   table + "}}\n");
    return "s.yaml";
  }
  std::string folder_ = fresh_folder();
};

TEST_F(Bench, EveryCommandTakesItForTheTable) {
  const Json made = json_of(convert());
  EXPECT_EQ(made["schema"], "nas-bench/1");
  EXPECT_EQ(made["networks"], 36);
  EXPECT_EQ(made["columns"][0]["name"], "accuracy");
  EXPECT_EQ(made["columns"][0]["unit"], "share");
  EXPECT_EQ(json_of(in(folder_, {"bench", "show", "t.nast", "--json"})), made);
  // A search.
  Json found[2];
  for (const int which : {0, 1})
    found[which] = json_of(in(folder_,
                              {"search",
                               "--config",
                               search_config(which == 0 ? "file: t.csv" : "file: t.nast",
                                             "algorithm: nsga2, population: 8, evaluations: 20"),
                               "--json"}));
  EXPECT_EQ(found[0]["front"], found[1]["front"]);
  EXPECT_EQ(found[0]["hypervolume"], found[1]["hypervolume"]);
  // A predictor, whose rows are in the order of the source.
  for (const int which : {0, 1})
    found[which] = json_of(in(folder_,
                              {"predict",
                               "eval",
                               "--data",
                               which == 0 ? "t.csv" : "t.nast",
                               "--space",
                               "resnet20-pool",
                               "--target",
                               "accuracy",
                               "--model",
                               "ridge",
                               "--split",
                               "order",
                               "--json"}));
  EXPECT_EQ(found[0]["judged"][0]["errors"], found[1]["judged"][0]["errors"]);
  EXPECT_TRUE(found[0]["judged"][0]["errors"].is_object());
  // Plain columns have no architectures.
  const Finished plain =
      in(folder_, {"predict", "eval", "--data", "t.nast", "--target", "accuracy"});
  EXPECT_EQ(plain.code, 2);
  EXPECT_THAT(plain.err, HasSubstr("--space"));
}

TEST_F(Bench, WhatCannotBeIsTold) {
  ASSERT_EQ(convert().code, 0);
  Finished done = convert({}, "t.nast");
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("is a compact table already"));
  done = in(folder_, {"bench", "convert", "t.csv", "t.csv", "--space", "resnet20-pool"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("would replace its source"));
  done = in(folder_, {"bench", "show", "t.csv"});
  EXPECT_EQ(done.code, 1);
  write_file(folder_ + "/bad.csv", "architecture,accuracy\n\"[4,3,3]\",0.5\n\"[4,3,3]\",0.6\n");
  done = convert({}, "bad.csv");
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, AllOf(HasSubstr("bad.csv:3:1"), HasSubstr("--repeats mean")));
  EXPECT_EQ(convert({"--repeats", "mean"}, "bad.csv").code, 0);
  // Another space's.
  write_file(folder_ + "/s.yaml",
             "space: nasbench201\nsearch: {evaluations: 5}\n"
             "evaluator: {kind: table, table: {file: t.nast}}\n");
  done = in(folder_, {"search", "--config", "s.yaml"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("holds networks of space resnet20-pool, not of nasbench201"));
}

// 28 of the 36 have a row; without known_only the others cost evaluations and fail.
TEST_F(Bench, ASearchKeepsToKnownNetworks) {
  write_file(folder_ + "/t.csv", rows(/*without=*/1));
  const auto search = [&](const std::string& table) {
    return json_of(in(folder_,
                      {"search",
                       "--config",
                       search_config("file: t.csv" + table, "population: 6, evaluations: 36"),
                       "--json"}));
  };
  const Json known = search(", known_only: true");
  EXPECT_EQ(known["evaluations"], 28);
  EXPECT_EQ(known["failed"], 0);
  EXPECT_THAT(known["stopped"].get<std::string>(), HasSubstr("with a row"));
  EXPECT_EQ(search("")["failed"], 8);
}

// Three measurements each. [5,4,1] is as good as [4,5,1] but for noise, and larger; [8,1,1] is not.
TEST_F(Bench, FrontsHeedNoise) {
  write_file(folder_ + "/t.csv",
             "architecture,accuracy\n\"[4,5,1]\",0.900\n\"[4,5,1]\",0.902\n\"[4,5,1]\",0.904\n"
             "\"[5,4,1]\",0.899\n\"[5,4,1]\",0.903\n\"[5,4,1]\",0.901\n"
             "\"[8,1,1]\",0.800\n\"[8,1,1]\",0.801\n\"[8,1,1]\",0.802\n\"[1,1,8]\",0.7\n");
  const Json searched =
      json_of(in(folder_,
                 {"search",
                  "--config",
                  search_config("file: t.csv, repeats: mean, known_only: true",
                                "algorithm: random, population: 4, evaluations: 4"),
                  "--name",
                  "s",
                  "--json"}));
  EXPECT_EQ(searched["evaluations"], 4);
  const auto front = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {
        "results", "s", "--front", "accuracy", "--front", "macs", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    std::set<std::string> names;
    const Json document = json_of(in(folder_, args));
    for (const Json& row : document["architectures"]) {
      names.insert(row["architecture"].get<std::string>());
      if (row["architecture"] == "[4,5,1]") {
        EXPECT_NEAR(row["accuracy_spread"].get<double>(), 0.002, 1e-12);
        EXPECT_EQ(row["accuracy_n"], 3);
      }
    }
    return names;
  };
  EXPECT_EQ(front({}), (std::set<std::string>{"[4,5,1]", "[1,1,8]"}));
  EXPECT_EQ(front({"--noise", "0.95"}), (std::set<std::string>{"[4,5,1]", "[5,4,1]", "[1,1,8]"}));
  const Finished done = in(folder_, {"results", "s", "--noise", "0.95"});
  EXPECT_EQ(done.code, 2);
}

// The default tells what it took and why, and the run keeps it.
TEST_F(Bench, AutoTellsWhatItTook) {
  const Finished done = in(folder_,
                           {"search",
                            "--config",
                            search_config("file: t.csv", "population: 8, evaluations: 20"),
                            "--name",
                            "s",
                            "--json"});
  const Json found = json_of(done);
  EXPECT_EQ(found["algorithm"], "ehvi");
  EXPECT_THAT(found["algorithm_why"].get<std::string>(), HasSubstr("20 evaluations are few"));
  EXPECT_THAT(done.err, HasSubstr("search.algorithm auto: ehvi, because"));
  const Finished config = in(folder_, {"runs", "show", "s", "--config-only"});
  EXPECT_THAT(config.out, HasSubstr("algorithm: ehvi"));
}

}  // namespace
}  // namespace nas::test
