// Results of commands told by their reporters: no command is run.
#include <gmock/gmock.h>

#include <cmath>

#include "cli/latency/results/moved.hpp"
#include "cli/latency/results/planned.hpp"
#include "cli/predict/print.hpp"
#include "cli/results/config_check.hpp"
#include "cli/results/doctor.hpp"
#include "cli/results/evaluation.hpp"
#include "cli/results/exported.hpp"
#include "cli/results/space_results.hpp"
#include "cli/results/store_results.hpp"
#include "cli/results/verified_latency.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

EvaluationResult judged() {
  EvaluationResult result;
  result.metrics = {"accuracy", "loss"};
  result.run = "t-1";
  result.split = "test";
  result.images = 300;
  result.several_weights = true;
  result.fidelity = {{"split", "test"}};
  result.store = "nas.db";
  result.networks = {{"a,b", {0.875, 1.25}, "", "set 1", 1500, 70},
                     {"c", {}, "NaN in block 2", "set 2", 3000, 90}};
  return result;
}

TEST(Evaluation, IsToldInEveryForm) {
  const EvaluationResult result = judged();
  const Json json = evaluation_json(result);
  EXPECT_EQ(json["schema"], "nas-evaluate/1");
  EXPECT_EQ(json["fidelity"]["split"], "test");
  EXPECT_EQ(json["evaluations"][0]["accuracy"], 0.875);
  EXPECT_EQ(json["evaluations"][0]["weights"], "set 1");
  EXPECT_FALSE(json["evaluations"][0].contains("error"));
  EXPECT_EQ(json["evaluations"][1]["loss"], nullptr);
  EXPECT_EQ(json["evaluations"][1]["error"], "NaN in block 2");
  EXPECT_EQ(csv_text(evaluation_rows(result)),
            "architecture,weights,accuracy,loss,macs,params,error\n"
            "\"a,b\",set 1,0.875,1.25,1500,70,\n"
            "c,set 2,,,3000,90,NaN in block 2");
  EXPECT_EQ(evaluation_table(result).text(0),
            "architecture  weights  accuracy %  loss  MACs  params\n"
            "a,b           set 1    87.5        1.25  1.5k      70\n"
            "c             set 2    failed         -    3k      90");
  EXPECT_EQ(evaluation_note(result), "run t-1, test split, 300 images each; stored in nas.db");
}

// One network of one set, without failures: no columns for what there is not.
TEST(Evaluation, OfAFile) {
  EvaluationResult result = judged();
  result.networks.resize(1);
  result.networks[0].weights = "";
  result.several_weights = false;
  result.file = "model.onnx";
  result.file_format = "onnx";
  const Json json = evaluation_json(result);
  EXPECT_EQ(json["format"], "onnx");
  EXPECT_EQ(json["images"], 300);
  EXPECT_FALSE(json.contains("fidelity"));
  EXPECT_THAT(evaluation_rows(result).header,
              ElementsAre("architecture", "accuracy", "loss", "macs", "params"));
  EXPECT_EQ(evaluation_note(result),
            "model.onnx (onnx, run t-1), test split, 300 images; not stored");
  result.file = result.store = "";
  result.read_only = "old.db";
  EXPECT_THAT(evaluation_note(result), HasSubstr("not stored, old.db is read-only"));
}

TEST(ExportReport, SaysFilesAndProofs) {
  ExportResult result;
  result.run = "t-1";
  result.architecture = "a";
  result.measured = 8;
  result.batch = 1;
  result.calibration_images = 500;
  result.files = {{"onnx", "out/model.onnx", "ff", 12}};
  result.onnx = ExportProof{16, false, 1e-6, true, true, 13};
  const Json json = export_json(result);
  EXPECT_EQ(json["check"], nullptr);
  EXPECT_EQ(json["onnx_check"]["opset"], 13);
  EXPECT_EQ(json["onnx_check"]["max_difference"], 1e-6);
  EXPECT_EQ(json["files"]["onnx"]["bytes"], 12);
  EXPECT_FALSE(json.contains("latency"));
  EXPECT_FALSE(json.contains("weights"));
  EXPECT_FALSE(proof_json({16, true, 0, true, true, 0}).contains("opset"));
  EXPECT_EQ(batch_norm_text(result),
            "8 measured on 500 training images; 1 with the statistics of each batch");
  EXPECT_EQ(batch_norm_text({}), "none");
}

TEST(VerifiedLatencyReport, SaysByHowMuchAPredictionIsOff) {
  VerifiedLatency v;
  v.by = {{"table", "phone"}, {"batch", 1}};
  v.predicted = 4.5;
  v.measured = 5;
  v.quartiles = {4.9, 5.2};
  v.tolerance_percent = 10;
  EXPECT_NEAR(v.error_percent(), -10, 1e-12);
  EXPECT_TRUE(v.within()) << "the tolerance itself is inside";
  v.interval = {4.0, 5.0};
  v.as_written = 3.25;
  Json json = verified_json(v);
  EXPECT_EQ(json["table"], "phone");
  EXPECT_EQ(json["measured"], "as built");
  EXPECT_EQ(json["folded_ms"], 3.25);
  EXPECT_EQ(json["assumed"], Json::array());
  EXPECT_FALSE(json.contains("spread_ms"));
  EXPECT_FALSE(json.contains("energy_mj"));
  EXPECT_THAT(verified_text(v), testing::HasSubstr("off by -10 %, within the tolerance of 10 %"));
  EXPECT_THAT(verified_text(v), testing::HasSubstr("folded, as it is written, it takes 3.25 ms"));
  v.predicted = 5.6;
  EXPECT_FALSE(v.within());
  EXPECT_THAT(verified_text(v), testing::HasSubstr("off by +12 %, BEYOND"));
  const Json row = verified_row(v);
  EXPECT_EQ(row["within"], false);
  EXPECT_EQ(row["interval_ms"], Json({4.0, 5.0}));
  EXPECT_FALSE(row.contains("table"));
}

TEST(Doctor, OneBadLineIsNotFine) {
  DoctorResult result{{{"build", "nas", "1", Health::kOk},
                       {"machine", "bf16", false, Health::kNote, "slow"},
                       {"machine", "processors", 4, Health::kOk}}};
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(doctor_text(result),
            "build\n  nas             1\n\nmachine\n  bf16            no  (slow)\n"
            "  processors      4");
  result.lines.push_back({"files", "configs", nullptr, Health::kBad, "none"});
  EXPECT_FALSE(result.ok());
  const Json json = doctor_json(result);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["machine"].size(), 2U);
  EXPECT_EQ(json["files"][0]["verdict"], "bad");
  EXPECT_THAT(doctor_text(result), HasSubstr("! configs         -  (none)"));
}

TEST(StoreReports, NumbersOfTheStore) {
  const StoreInfo info{"a.db", 7, 100, {2, 30, 1}, 1, true, 15};
  EXPECT_EQ(store_info_json(info)["evaluations"], 30);
  EXPECT_EQ(store_info_json(info)["values"], 30);
  EXPECT_EQ(store_info_json(info)["networks_judged"], 15);
  EXPECT_EQ(store_info_text(info),
            "db              a.db\nversion         7\nbytes           100\nruns            2\n"
            "killed_runs     1\nevaluations     15\nvalues          30\nlatency_tables  "
            "1\nread_only       true");
  EXPECT_EQ(store_upgrade_text("a.db", {7, 7, ""}), "a.db is up to date (schema 7)");
  EXPECT_EQ(store_upgrade_text("a.db", {5, 7, "a.db.v5.bak"}),
            "a.db: schema 5 -> 7; the file before: a.db.v5.bak");
  EXPECT_EQ(store_vacuum_text("a.db", {2000, 1000, 0}), "a.db: 2k bytes -> 1k");
  EXPECT_THAT(store_vacuum_text("a.db", {2000, 1000, 3}), HasSubstr("3 architectures"));
}

TEST(SpaceReports, CountsAreTexts) {
  const SpaceCheck check{"my.yaml",
                         "custom",
                         BigInt(1'000'000'000) * BigInt(1'000'000'000) * BigInt(1'000'000'000),
                         212};
  EXPECT_EQ(space_check_text(check),
            "my.yaml: fine: 1000000000000000000000000000 architectures; 212 built");
  EXPECT_EQ(space_check_json(check)["built"], 212);
  EXPECT_EQ(space_count_text({BigInt(12), 10}), "12 architectures, 10 distinct networks");
  EXPECT_THAT(space_count_text({BigInt(12), std::nullopt}), HasSubstr("above 1000000"));
}

TEST(ConfigCheck, OkOrProblems) {
  const Json json =
      config_check_json({{"a.yaml", "train", {"slow"}, {}},
                         {"b.yaml", "", {}, {Problem{"b.yaml", 3, 5, "k", "m", ""}}}});
  EXPECT_EQ(json["files"][0],
            (Json{{"file", "a.yaml"}, {"kind", "train"}, {"ok", true}, {"warnings", {"slow"}}}));
  EXPECT_EQ(json["files"][1]["ok"], false);
  EXPECT_EQ(json["files"][1]["problems"][0]["line"], 3);
}

JudgedModel model_of(const std::vector<double>& rmse, bool one_set) {
  JudgedModel judged{"ridge", 80, {}, one_set, {}};
  for (const double value : rmse) {
    Errors errors;
    errors.n = 20;
    errors.rmse = value;
    errors.mape = errors.tau_within = NAN;
    judged.errors.each.push_back(errors);
  }
  return judged;
}

TEST(PredictReports, MeansOfSplitsAndPlainNumbersOfOneSet) {
  PredictEvalResult result;
  result.head = {"rows.csv", "ms", 100, 5, ""};
  result.split = "random";
  result.judged = {model_of({1, 3}, false)};
  result.judged[0].fit_seconds = 0.5;
  Json json = predict_eval_json(result);
  EXPECT_EQ(json["split"], "random");
  EXPECT_EQ(json["space"], nullptr);
  EXPECT_EQ(json["judged"][0]["errors"]["splits"], 2);
  EXPECT_EQ(json["judged"][0]["errors"]["rmse"]["mean"], 2);
  EXPECT_FALSE(json["judged"][0]["errors"].contains("mape"));
  EXPECT_EQ(json["judged"][0]["fit_s"], 0.5);
  EXPECT_FALSE(json.contains("predictions"));
  EXPECT_THAT(csv_text(predict_eval_rows(result)),
              HasSubstr("model,train,mape,mape_sd,rmse,rmse_sd,tau_b,"));
  EXPECT_THAT(csv_text(predict_eval_rows(result)), HasSubstr("\nridge,80,,,2,1,0,0,"));
  result.judged = {model_of({1.5}, true)};
  json = predict_eval_json(result);
  EXPECT_EQ(json["judged"][0]["errors"]["rmse"], 1.5);
  EXPECT_EQ(json["judged"][0]["errors"]["rows"], 20);
  EXPECT_FALSE(json["judged"][0].contains("fit_s"));
}

TEST(PredictReports, AnUnknownVerdictIsNull) {
  CurveResult result{{"rows.csv", "ms", 100, 5, "digits"}, 3, 0.25, {}};
  result.curves.push_back({"gp", {model_of({1, 1, 1}, false)}, {}});
  const Json json = curve_json(result);
  EXPECT_EQ(json["space"], "digits");
  EXPECT_EQ(json["curves"][0]["verdict"]["enough"], nullptr);
  EXPECT_EQ(json["curves"][0]["points"][0]["train"], 80);
}

TEST(LatencyReports, TablesCompared) {
  TableComparison found;
  found.a = "first";
  found.b = "second";
  found.diff.only_b = {"conv 1"};
  found.calibration_a = Calibration{0.5, 2, 0, 0.1, 30};
  found.whole = NetworkChange{"digits", {0.5, 1, 2}};
  found.above = 4;
  const Json json = table_comparison_json(found);
  EXPECT_EQ(json["above"], 4);
  EXPECT_EQ(json["only_b"][0], "conv 1");
  EXPECT_EQ(json["calibration_a"]["a_ms"], 0.5);
  EXPECT_EQ(json["calibration_b"], nullptr);
  EXPECT_EQ(json["whole_networks"]["median_ratio"], 1);
  EXPECT_EQ(json["whole_networks"]["largest_ratio"], 2);
}

TEST(LatencyReports, ATableThatLacksOrIsOfAnotherSpaceIsRefused) {
  LatencyTable table;
  TableCheck check{"digits", {}, TableSpace::kSame, table, {}, {}, {}};
  EXPECT_FALSE(check.refused());
  check.made_for = TableSpace::kChanged;
  EXPECT_TRUE(check.refused());
  check.made_for = TableSpace::kUnsaid;
  check.coverage.needed = 2;
  check.coverage.missing = {"conv 1"};
  check.coverage.nearest["conv 1"] = {"conv 2"};
  EXPECT_TRUE(check.refused());
  const Json json = table_check_json(check);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["missing"][0]["nearest"][0], "conv 2");
  OpPlan plan;
  plan.ops = {{"a", 50, 1, 10, "", {}}, {"b", 50, 1, 10, "", 0.5}};
  EXPECT_EQ(plan.lacking(), 0U);  // Held against no table.
  plan.table = "t";
  EXPECT_EQ(plan.lacking(), 1U);
}

}  // namespace
}  // namespace nas::cli
