// From ops to whole networks with the real binary: choose, calibrate, limits on quantiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "hardware/latency_table.hpp"
#include "hardware/op_cases.hpp"
#include "process.hpp"
#include "search/store/store.hpp"
#include "spaces/registry.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Calibrate : public testing::Test {
 protected:
  Calibrate() : folder_(fresh_folder()), space_(load_space("digits")) {
    bool complete = false;
    double ms = 0.01;
    table_.id = "ops";
    table_.space = "digits";
    table_.conditions = {{"batch", "1"}, {"device", "phone"}, {"threads", "1"}};
    for (const auto& [key, op] : distinct_ops(*space_, complete)) {
      ms = ms > 0.05 ? 0.01 : ms * 1.13;
      table_.entries[key] = {ms, ms, ms, 3};
    }
    write_file(folder_ + "/ops.json", to_json(table_));
  }
  Finished call(std::vector<std::string> args) const {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = folder_;
    return run(launch);
  }
  /// Networks that take 0.2 ms and three times their sum, in microseconds.
  void write_rows(int n, const std::string& column) const {
    const Finished chosen = call({"latency",
                                  "plan",
                                  "--table",
                                  "ops.json",
                                  "--what",
                                  "networks",
                                  "--budget",
                                  std::to_string(n),
                                  "--json"});
    ASSERT_EQ(chosen.code, 0) << chosen.err;
    std::string text = "architecture;" + column + "\n";
    const Json document = Json::parse(chosen.out);
    for (const Json& a : document.at("architectures")) {
      const auto name = a.get<std::string>();
      const double sum = table_.predict(space_->plan(space_->parse(name)));
      text += name + ";" + std::to_string(1000 * (0.2 + 3 * sum)) + "\n";
    }
    write_file(folder_ + "/rows.csv", text);
  }
  std::string folder_;
  std::unique_ptr<Space> space_;
  LatencyTable table_;
};

TEST_F(Calibrate, AFileOfMeasuredNetworksMakesATableWithASpread) {
  write_rows(12, "latency_us");
  const Finished done = call({"latency",
                              "calibrate",
                              "--table",
                              "ops.json",
                              "--rows",
                              "rows.csv",
                              "--name",
                              "fine",
                              "--save-rows",
                              "judged.csv",
                              "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["table"], "fine");
  EXPECT_NEAR(json["calibration"]["a_ms"], 0.2, 1e-3);
  EXPECT_NEAR(json["calibration"]["b"], 3, 1e-2);
  EXPECT_LT(json["held_out"]["mape"], 0.1);
  EXPECT_EQ(json["held_out"]["within_10"], 1);
  EXPECT_GT(json["sum"]["mape"], 50);
  EXPECT_EQ(json["measured"].size(), 12U);
  // Kept with the table, for the report.
  const auto row = Store(folder_ + "/nas.db").latency_table("fine").value();
  const Json kept = Json::parse(row.table_json)["check"];
  EXPECT_EQ(kept["architectures"].size(), 12U);
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(kept["measured_ms"][i], json["measured"][i]["latency_ms"]);
    EXPECT_EQ(kept["predicted_ms"]["calibrated, held out"][i], json["measured"][i]["held_out_ms"]);
  }

  // Its mean and its quantiles are limits and objectives; every result says how far off it may be.
  const Finished check = call(
      {"space", "check", "digits", "--table", "fine", "--max", "latency_ms@p95 <= 5ms", "--json"});
  ASSERT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(Json::parse(check.out)["latency"]["calibrated_on"], 12);
  write_file(folder_ + "/front.yaml",
             "space: digits\nevaluator: {kind: none}\nsearch: {algorithm: exact, "
             "objectives: [maximize: macs, minimize: latency_ms@p95]}\n");
  const Finished found =
      call({"search", "--config", "front.yaml", "--latency-table", "fine", "--json"});
  ASSERT_EQ(found.code, 0) << found.err;
  const Json values = Json::parse(found.out)["front"][0]["values"];
  const double mean = values["latency_ms"], spread = values["latency_ms_spread"];
  EXPECT_NEAR(values["latency_ms@p95"].get<double>(), mean + 1.6449 * spread, 1e-4 * mean);
  EXPECT_EQ(
      call({"latency", "calibrate", "--table", "ops.json", "--rows", "rows.csv", "--name", "fine"})
          .code,
      2);
}

TEST_F(Calibrate, ATableWithoutSpreadHasNoQuantiles) {
  const Finished done =
      call({"space", "check", "digits", "--table", "ops.json", "--max", "latency_ms@p95 <= 5"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("nas latency calibrate"));
}

TEST_F(Calibrate, UnitsAreSaidAndWhatCannotBeIsRefused) {
  write_rows(12, "time");
  const std::vector<std::string> words = {
      "latency", "calibrate", "--table", "ops.json", "--rows", "rows.csv"};
  const Finished unknown = call(words);
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--unit"));
  std::vector<std::string> told = words;
  told.insert(told.end(), {"--unit", "us", "--json"});
  const Finished done = call(told);
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NEAR(Json::parse(done.out)["calibration"]["b"], 3, 1e-2);
  told[7] = "hours";
  EXPECT_EQ(call(told).code, 2);
  // Times a million times as long cannot be; a column's own unit is not overruled.
  told[7] = "s";
  const Finished odd = call(told);
  EXPECT_EQ(odd.code, 2);
  EXPECT_THAT(odd.err, HasSubstr("are they in"));
  write_rows(12, "latency_us");
  const Finished contradicted = call(told);
  EXPECT_EQ(contradicted.code, 2);
  EXPECT_THAT(contradicted.err, HasSubstr("is in us by its name, and --unit says s"));
  write_rows(5, "latency_us");
  const Finished few = call(words);
  EXPECT_EQ(few.code, 1);
  EXPECT_THAT(few.err, HasSubstr("at least 6"));
  EXPECT_EQ(call({"latency", "calibrate", "--table", "ops.json"}).code, 2);
}

// Ctrl-C while networks are measured: those that are done are kept, and only the rest is measured
// when one goes on.
TEST_F(Calibrate, AStopKeepsWhatIsMeasured) {
  const auto space = load_space("resnet20-pool");
  bool complete = false;
  LatencyTable table;
  table.id = "pool";
  table.space = "resnet20-pool";
  table.conditions = {{"batch", "1"}, {"device", "cpu"}, {"threads", "1"}};
  for (const auto& [key, op] : distinct_ops(*space, complete))
    table.entries[key] = {0.02, 0.02, 0.02, 3};
  write_file(folder_ + "/pool.json", to_json(table));
  const std::vector<std::string> words = {
      "latency", "calibrate", "--table", "pool.json", "--measure", "8", "--name", "pool"};
  Launch stopped{.args = words, .folder = folder_};
  stopped.args.insert(stopped.args.end(),
                      {"--repeats", "400", "--save-rows", "all.csv", "--out", "pool-cal.json"});
  stopped.signal = SIGINT;
  stopped.signal_at = "calibrate 1/";
  const Finished first = run(stopped);
  EXPECT_EQ(first.code, 130) << first.err;
  EXPECT_THAT(first.err, HasSubstr("of 8 networks are measured and kept in networks-pool.csv"));
  EXPECT_THAT(first.err,
              HasSubstr("--rows networks-pool.csv --measure 8 --repeats 400 --name pool"));
  EXPECT_THAT(first.err, HasSubstr("--out pool-cal.json --save-rows all.csv"));
  Launch again{.args = words, .folder = folder_};
  again.args[7] = "whole";
  again.args.insert(again.args.end(),
                    {"--rows", "networks-pool.csv", "--repeats", "1", "--warmup", "0", "--json"});
  const Finished second = run(again);
  ASSERT_EQ(second.code, 0) << second.err;
  const Json json = Json::parse(second.out);
  EXPECT_EQ(json["calibration"]["networks"], 8);
  EXPECT_EQ(json["conditions"]["device"], "cpu");
  // Times of eight images at once are none of these.
  write_file(folder_ + "/rows8.csv", "# batch: 8\narchitecture,latency_ms\n\"[4,3,3]\",5\n");
  again.args[9] = "rows8.csv";
  EXPECT_EQ(run(again).code, 2);
}

// A few ops of another device, ten times as fast: its table is complete.
TEST_F(Calibrate, ATableIsCarriedOverToAnotherDevice) {
  const Json chosen =
      Json::parse(call({"latency", "plan", "--table", "ops.json", "--budget", "8", "--json"}).out);
  LatencyTable part;
  part.id = "part";
  part.conditions = {{"batch", "1"}, {"device", "board"}};
  for (const Json& key : chosen["ops"]) {
    const double ms = table_.entries.at(key).median_ms / 10;
    part.entries[key] = {ms, ms, ms, 1};
  }
  write_file(folder_ + "/part.json", to_json(part));
  const Finished done = call({"latency",
                              "calibrate",
                              "--table",
                              "ops.json",
                              "--ops",
                              "part.json",
                              "--name",
                              "board",
                              "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_NEAR(json["transfer"]["scale"], 0.1, 1e-6);
  EXPECT_EQ(json["transfer"]["ops"], table_.entries.size());
  EXPECT_EQ(json["conditions"]["device"], "board");
}

}  // namespace
}  // namespace nas::test
