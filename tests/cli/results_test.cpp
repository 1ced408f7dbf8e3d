// nas results: values of different fidelity are never mixed; what was asked for is told or refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/runs/search_checks.hpp"
#include "process.hpp"
#include "search/fidelity.hpp"
#include "search/store/store.hpp"
#include "spaces/registry.hpp"

namespace nas::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kNew = "bbbbbbbbbbbbbbbb";
constexpr const char* kOld = "aaaaaaaaaaaaaaaa";

std::string fidelity(const std::string& split, const std::string& bn, const std::string& weights) {
  Json json{{"split", split}, {"images", 100}, {"seed", 0}, {"bn", bn}};
  if (!weights.empty()) json["checkpoint"] = weights;
  return json.dump();
}

EvaluationRow value(const std::string& arch, double accuracy, const std::string& how) {
  return {"t-1", arch, "accuracy", accuracy, "supernet", how};
}

/// A training with `rows`; its newest checkpoint is kNew.
std::string folder_with(const std::vector<EvaluationRow>& rows) {
  const std::string folder = fresh_folder();
  Store store(folder + "/nas.db");
  RunRow run;
  run.id = "t-1";
  run.name = "net";
  run.command = "train";
  run.status = "running";
  run.space = "resnet20-pool";
  run.space_yaml = "resnet20-pool";
  run.fingerprint = load_space("resnet20-pool")->fingerprint();
  run.config_yaml =
      "space: resnet20-pool\nevaluate: {split: validation, images: 0, seed: 0, recalibrate: "
      "{enabled: true}}\n";
  store.add_run(run);
  store.add_splits({{"t-1", "validation", "h", 100}, {"t-1", "test", "h", 100}});
  store.add_checkpoint({"t-1", "old", std::string(kOld) + "00", 1, 10, utc_now()});
  store.add_checkpoint({"t-1", "new", std::string(kNew) + "00", 2, 20, utc_now()});
  store.add_evaluations(rows);
  store.finish_run("t-1", "finished");
  return folder;
}

std::vector<EvaluationRow> mixed() {
  return {value("[1,1,8]", 0.91, fidelity("validation", "recalibrated", kNew)),
          value("[2,1,7]", 0.92, fidelity("validation", "recalibrated", kNew)),
          value("[1,1,8]", 0.71, fidelity("test", "recalibrated", kNew)),
          value("[3,1,6]", 0.99, fidelity("test", "recalibrated", kNew)),
          value("[1,1,8]", 0.11, fidelity("validation", "running", kNew)),
          value("[2,1,7]", 0.95, fidelity("validation", "recalibrated", kOld)),
          value("[1,1,8]", 0.999, fidelity("train", "recalibrated", kNew))};
}

Finished in(const std::string& folder, std::vector<std::string> more) {
  more.insert(more.begin(), "results");
  return run(Launch{std::move(more), folder});
}

std::vector<std::string> shown(const Finished& done) {
  std::vector<std::string> list;
  const Json json = Json::parse(done.out);
  for (const Json& row : json["architectures"])
    list.push_back(row["architecture"].get<std::string>() + " " + row["accuracy"].dump() + " " +
                   row["split"].get<std::string>());
  return list;
}

TEST(ResultsFidelity, OneByDefaultWhateverWasStoredLast) {
  std::vector<EvaluationRow> rows = mixed();
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::pair(a.fidelity_json, a.architecture) < std::pair(b.fidelity_json, b.architecture);
  });
  for (int order = 0; order < 3; ++order) {
    const std::string folder = folder_with(rows);
    const Finished done = in(folder, {"net", "--json"});
    ASSERT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(shown(done), ElementsAre("[2,1,7] 0.92 validation", "[1,1,8] 0.91 validation"));
    const Json json = Json::parse(done.out);
    EXPECT_EQ(json["architectures"][0]["fidelity"]["bn"], "recalibrated");
    EXPECT_EQ(json["architectures"][0]["fidelity"]["checkpoint"], kNew);
    EXPECT_EQ(json["fidelities"].size(), 5u);
    const Finished front = in(folder, {"net", "--json", "--front", "accuracy", "--front", "macs"});
    ASSERT_EQ(front.code, 0) << front.err;
    for (const std::string& line : shown(front)) EXPECT_THAT(line, HasSubstr("validation"));
    std::rotate(rows.begin(), rows.begin() + 3, rows.end());
    if (order == 1) std::reverse(rows.begin(), rows.end());
  }
}

TEST(ResultsFidelity, FiltersAndWhatIsNotShown) {
  const std::string folder = folder_with(mixed());
  EXPECT_THAT(shown(in(folder, {"net", "--json", "--split", "test"})),
              ElementsAre("[3,1,6] 0.99 test", "[1,1,8] 0.71 test"));
  EXPECT_THAT(shown(in(folder, {"net", "--json", "--fidelity", "bn=running"})),
              ElementsAre("[1,1,8] 0.11 validation"));
  EXPECT_THAT(shown(in(folder, {"net", "--json", "--fidelity", "checkpoint=aaaa"})),
              ElementsAre("[2,1,7] 0.95 validation"));
  const Finished table = in(folder, {"net"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("split"));
  EXPECT_THAT(table.out, Not(HasSubstr("0.99")));
  EXPECT_THAT(table.err, HasSubstr("shown: validation split, 100 images, recalibrated"));
  EXPECT_THAT(table.err, HasSubstr("test split"));
  const Finished csv = in(folder, {"net", "--format", "csv", "--split", "test"});
  EXPECT_THAT(csv.out, HasSubstr("architecture,accuracy,macs,params,split,fidelity\n"));
  EXPECT_THAT(csv.out, HasSubstr(",test,\"{"));
  // Rows of several, but nothing that compares them.
  EXPECT_EQ(shown(in(folder, {"net", "--json", "--fidelity", "all"})).size(), 7u);
  EXPECT_EQ(shown(in(folder, {"net", "--json", "--split", "test", "--split", "train"})).size(), 3u);
  const Finished mixed_front = in(folder, {"net", "--front", "accuracy", "--fidelity", "all"});
  EXPECT_EQ(mixed_front.code, 2);
  EXPECT_THAT(mixed_front.err, HasSubstr("values of different fidelity cannot be compared"));
  EXPECT_THAT(in(folder, {"net", "--split", "holdout"}).err,
              HasSubstr("holdout not in {validation,test,train}"));
  const Finished none = in(folder, {"net", "--fidelity", "bn=none"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("there are:"));
}

TEST(ResultsFidelity, NearestIsShownAndSaid) {
  const std::string folder =
      folder_with({value("[1,1,8]", 0.7, fidelity("test", "recalibrated", kNew))});
  const Finished done = in(folder, {"net"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.out, HasSubstr("test"));
  EXPECT_THAT(done.err,
              HasSubstr("warning: the run has no values as it judges now (validation split, 100"));
}

TEST(Results, FreeCostsAreComputedWhereTheyAreNotStored) {
  const std::string how = fidelity("validation", "recalibrated", kNew);
  const std::string folder = folder_with({value("[1,1,8]", 0.91, how),
                                          value("[8,1,1]", 0.95, how),
                                          {"t-1", "[1,1,8]", "macs", 18596480, "plan", "{}"}});
  const Json json =
      Json::parse(in(folder, {"net", "--json", "--front", "accuracy", "--front", "macs"}).out);
  ASSERT_EQ(json["architectures"].size(), 2u);
  EXPECT_EQ(json["architectures"][1]["macs"], 18596480);
  EXPECT_GT(json["architectures"][0]["macs"], 18596480);
  EXPECT_EQ(
      Json::parse(in(folder, {"net", "--json", "--where", "macs <= 20M"}).out)["architectures"]
          .size(),
      1u);
  const Finished peak = in(folder, {"net", "--json", "--where", "peak_bytes <= 1GB"});
  EXPECT_EQ(Json::parse(peak.out)["architectures"].size(), 2u) << peak.err;
}

TEST(Results, WhatLacksAMetricIsCounted) {
  const std::string how = fidelity("validation", "recalibrated", kNew);
  const std::string folder = folder_with({value("[1,1,8]", 0.91, how),
                                          value("[8,1,1]", 0.95, how),
                                          {"t-1", "[1,1,8]", "loss", 0.3, "supernet", how}});
  const Finished done = in(folder, {"net", "--where", "loss < 1", "--format", "csv"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.err, HasSubstr("1 architecture has no loss and is left out"));
}

TEST(Results, LimitsAndDirections) {
  const std::string folder = folder_with(mixed());
  const Finished percent = in(folder, {"net", "--where", "accuracy >= 75"});
  EXPECT_EQ(percent.code, 2);
  EXPECT_THAT(percent.err, HasSubstr("Did you mean 0.75 or 75%?"));
  EXPECT_EQ(shown(in(folder, {"net", "--json", "--where", "accuracy >= 91.5%"})).size(), 1u);
  EXPECT_EQ(in(folder, {"net", "--where", "macs <= -5"}).code, 2);
  EXPECT_EQ(in(folder, {"net", "--where", "macs <= 5MB"}).code, 2);
  const Finished worst = in(folder, {"net", "--front", "minimize:accuracy"});
  EXPECT_EQ(worst.code, 0);
  EXPECT_THAT(worst.err, HasSubstr("higher is better"));
}

// A user's columns: unknown names need a direction, percents are what they are.
TEST(Results, UnknownMetricsNeedADirection) {
  const std::string folder = fresh_folder();
  std::string table = "architecture,quux,accuracy\n";
  int percent = 50;  // 50 .. 85
  for (int x = 1; x <= 8; ++x)
    for (int y = 1; x + y <= 9; ++y)
      table += "\"[" + std::to_string(x) + "," + std::to_string(y) + "," +
               std::to_string(10 - x - y) + "]\"," + std::to_string(x) + "," +
               std::to_string(percent++) + "\n";
  write_file(folder + "/truth.csv", table);
  write_file(folder + "/search.yaml",
             "space: resnet20-pool\nsearch: {population: 4, evaluations: 3, algorithm: random, "
             "objectives: [maximize: accuracy]}\n"
             "evaluator: {kind: table, table: {file: truth.csv}}\n");
  const Finished done =
      run(Launch{{"search", "--config", "search.yaml", "-q", "--evaluations", "36"}, folder});
  ASSERT_EQ(done.code, 0) << done.err;
  const Finished front = in(folder, {"last", "--front", "quux"});
  EXPECT_EQ(front.code, 2);
  EXPECT_THAT(front.err, HasSubstr("maximize:quux or minimize:quux"));
  const auto count = [&](const std::string& limit) {
    const Finished found = in(folder, {"last", "--json", "--where", limit});
    EXPECT_EQ(found.code, 0) << found.err;
    return Json::parse(found.out)["architectures"].size();
  };
  EXPECT_EQ(count("accuracy >= 75"), 11u);
  EXPECT_EQ(count("accuracy > 75%"), 10u);
}

TEST(Results, WhatThereIsIsNamed) {
  const std::string folder = folder_with(mixed());
  {
    Store store(folder + "/nas.db");
    store.add_metrics("t-1", {{1, "train.loss", 0.5}, {1, "train.accuracy", 0.8}});
    store.set_document("t-1", "ranking", "{}");
  }
  const Finished metric = in(folder, {"net", "--history", "--metric", "loss"});
  EXPECT_EQ(metric.code, 2);
  EXPECT_THAT(metric.err, HasSubstr("train.accuracy, train.loss"));
  EXPECT_EQ(in(folder, {"net", "--history", "--metric", "train.loss", "--format", "csv"}).out,
            "step,train.loss\n1,0.5\n");
  EXPECT_THAT(in(folder, {"net", "--source", "nope"}).err, HasSubstr("It has: supernet."));
  EXPECT_EQ(in(folder, {"net", "--source", "nope"}).code, 2);
  EXPECT_THAT(in(folder, {"net", "--document", "nope"}).err, HasSubstr("It has: ranking."));
  EXPECT_EQ(in(folder, {"net", "--all", "--metric", "nope"}).code, 2);
}

class FakeEvaluator : public Evaluator {
 public:
  explicit FakeEvaluator(std::string fidelity) : fidelity_(std::move(fidelity)) {}
  std::vector<Evaluation> evaluate(std::span<const Architecture>) override { return {}; }
  std::vector<std::string> metrics() const override { return {"accuracy"}; }
  std::string source() const override { return "supernet"; }
  std::string fidelity_json() const override { return fidelity_; }

 private:
  std::string fidelity_;
};

TEST(SearchResume, ValuesOfOtherWeightsAreRefused) {
  const std::string now = fidelity("validation", "recalibrated", kNew);
  const auto rows = [&](const std::string& how) {
    const std::string folder = folder_with({value("[1,1,8]", 0.9, how)});
    Store store(folder + "/nas.db");
    RunRow search = *store.run("t-1");  // Stands for the search: it holds the rows.
    RunRow supernet = search;
    supernet.ended = "2026-01-01T00:00:00Z";
    search.started = "2026-01-02T00:00:00Z";
    return cli::resumable_rows(store, search, supernet, FakeEvaluator(now), cli::Common{});
  };
  EXPECT_EQ(rows(now)[0].fidelity_json, now);
  try {
    rows(fidelity("validation", "recalibrated", kOld));
    FAIL() << "values of other weights were taken";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("weights (aaaaaaaa, bbbbbbbb)"));
    EXPECT_THAT(e.what(), HasSubstr("nas search --config"));
  }
  // Stored before fidelities named their weights, of a training that had ended by then.
  EXPECT_EQ(rows(fidelity("validation", "recalibrated", ""))[0].fidelity_json, now);
  EXPECT_THROW(rows(fidelity("test", "recalibrated", "")), ConfigError);
}

}  // namespace
}  // namespace nas::test
