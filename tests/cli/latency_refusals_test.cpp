// nas latency: what cannot be used is an error with its place, and what is lost on the way is said.
// The command is called in this process: no launch of the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hardware/op_cases.hpp"
#include "hardware/prediction/latency_model.hpp"
#include "in_process.hpp"
#include "process.hpp"
#include "search/store/store.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
int run_predict(const std::vector<std::string>& args);
}  // namespace nas::cli

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class Refusals : public InFolder {
 protected:
  Refusals() : space_(load_space("digits")) {
    bool complete = false;
    double ms = 0.01;
    table_.id = "ops";
    table_.program = "nas 0.2.0";
    table_.conditions = {{"batch", "1"}, {"device", "phone"}, {"dtype", "float32"}};
    set_space(table_, *space_);
    for (const auto& [key, op] : distinct_ops(*space_, complete)) {
      ms = ms > 0.05 ? 0.01 : ms * 1.13;
      table_.entries[key] = {ms, ms, ms, 3};
    }
    write_file("ops.json", to_json(table_));
    write_file("calibrated.json", to_json(LatencyModel(table_, Calibration{0.2, 3, 0, 0.02, 12})));
    Rng rng(3, "refusals");
    for (int i = 0; i < 12; ++i) networks_.push_back(space_->sample(rng));
  }
  /// nas latency calibrate of ops.json with rows.csv.
  static Ended calibrate(const std::vector<std::string>& more = {}) {
    std::vector<std::string> args{"calibrate", "--table", "ops.json", "--rows", "rows.csv"};
    args.insert(args.end(), more.begin(), more.end());
    return latency(args);
  }
  double true_ms(size_t i) const { return 0.2 + 3 * table_.predict(space_->plan(networks_[i])); }
  /// rows.csv; `cell` what stands for the time of a network, `head` above the header.
  void write_rows(const std::function<std::string(size_t)>& cell,
                  const std::string& columns = "latency_ms",
                  const std::string& head = "") const {
    std::string text = head + "architecture;" + columns + "\n";
    for (size_t i = 0; i < networks_.size(); ++i)
      text += space_->text(networks_[i]) + ";" + cell(i) + "\n";
    write_file("rows.csv", text);
  }
  std::string ms(size_t i, double factor = 1) const {
    std::ostringstream text;
    text.precision(12);
    text << factor * true_ms(i);
    return text.str();
  }

  std::unique_ptr<Space> space_;
  LatencyTable table_;
  std::vector<Architecture> networks_;
};

// ---- Rows of calibrate

TEST_F(Refusals, ARowWithoutATimeIsAnErrorWithItsLine) {
  for (const char* bad : {"", "nan", "NA", "0", "-0.5", "inf", "1,5x"}) {
    write_rows([&](size_t i) { return i == 7 ? std::string(bad) : ms(i); });
    const Ended ended = calibrate();
    EXPECT_EQ(ended.code, 1) << bad;
    EXPECT_THAT(ended.err, HasSubstr("rows.csv:9:")) << bad;
  }
  // JSON: a time that is left out has the line of its row.
  std::string json = "[\n";
  for (size_t i = 0; i < 12; ++i)
    json += Json{{"architecture", space_->text(networks_[i])},
                 {i == 5 ? "note" : "latency_ms", true_ms(i)}}
                .dump() +
            (i < 11 ? ",\n" : "\n]");
  write_file("rows.json", json);
  const Ended left_out =
      latency({"calibrate", "--table", "ops.json", "--rows", "rows.json", "--name", "j"});
  EXPECT_EQ(left_out.code, 1);
  EXPECT_THAT(left_out.err, HasSubstr("rows.json:7:"));
}

TEST_F(Refusals, ANetworkWithTwoTimesIsNamedWithBothLines) {
  write_rows([&](size_t i) { return ms(i); });
  const std::string text = read_file("rows.csv");
  write_file("rows.csv", text + space_->text(networks_[2]) + ";99\n");
  const Ended twice = calibrate();
  EXPECT_EQ(twice.code, 1);
  EXPECT_THAT(twice.err,
              AllOf(HasSubstr("rows.csv:14:1: repeats the network of line 4 with 99 ms, there "),
                    HasSubstr("median"),
                    Not(HasSubstr("evaluator."))));
  // The same again counts once.
  write_file("rows.csv", text + space_->text(networks_[2]) + ";" + ms(2) + "\n");
  const Ended same = calibrate({"--json"});
  ASSERT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(Json::parse(same.out)["calibration"]["networks"], 12);
}

TEST_F(Refusals, SecondsForMillisecondsAreSeenByTheSums) {
  write_rows([&](size_t i) { return ms(i, 1e-3); });  // Seconds under the name latency_ms.
  const Ended ended = calibrate({"--name", "s"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("are they in s?"), HasSubstr("--trust-unit")));
  const Ended trusted = calibrate({"--name", "s", "--trust-unit"});
  EXPECT_EQ(trusted.code, 0) << trusted.err;
  EXPECT_THAT(trusted.err, HasSubstr("are they in s?"));
  write_rows([&](size_t i) { return ms(i, 1e3); });
  const Ended us = calibrate({"--name", "us"});
  EXPECT_EQ(us.code, 2);
  EXPECT_THAT(us.err, HasSubstr("are they in us?"));
}

// One row that the machine was halted in, or in another unit: left out by name, and neither line
// nor spread know it.
TEST_F(Refusals, OneRowThatIsFarOffIsLeftOutByName) {
  for (const double factor : {1000.0, 0.001}) {
    write_rows([&](size_t i) { return ms(i, i == 4 ? factor : 1); });
    const Ended ended = calibrate({"--json"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.err, AllOf(HasSubstr("1 of 12 networks"), HasSubstr("rows.csv:6: ")));
    const Json json = Json::parse(ended.out);
    EXPECT_EQ(json["left_out"].size(), 1U);
    EXPECT_EQ(json["left_out"][0]["place"], "rows.csv:6");
    EXPECT_EQ(json["measured"].size(), 11U);
    EXPECT_EQ(json["calibration"]["networks"], 11);
    EXPECT_NEAR(json["calibration"]["b"], 3, 1e-6);
    EXPECT_LT(json["calibration"]["relative_spread"], 1e-6);
  }
}

TEST_F(Refusals, ColumnsThatContradictAreRefused) {
  const auto refused = [&](const std::string& columns,
                           const std::function<std::string(size_t)>& cell,
                           const std::vector<std::string>& options,
                           const std::string& why,
                           const std::string& head = "") {
    write_rows(cell, columns, head);
    const Ended ended = calibrate(options);
    EXPECT_NE(ended.code, 0) << columns;
    EXPECT_THAT(ended.err, HasSubstr(why)) << columns;
  };
  const auto with = [&](const std::string& value) {
    return [this, value](size_t i) { return ms(i) + ";" + value; };
  };
  refused("latency_ms;latency_us", with("700"), {}, "which column of rows.csv holds");
  refused(
      "latency_ms;batch", with("8"), {}, "rows.csv:2: these networks were measured with batch 8");
  refused(
      "latency_ms;dtype", with("int8"), {}, "rows.csv:2: these networks were measured with dtype");
  refused("latency_ms;device", with("phone"), {"--device", "board"}, "and --device says board");
  refused("latency_ms;threads", with("4"), {"--threads", "2"}, "and --threads says 2");
  refused(
      "latency_ms;threads",
      [&](size_t i) { return ms(i) + (i == 3 ? ";4" : ";1"); },
      {},
      "rows.csv:5:");
  refused("latency_ms;batch", with("1"), {}, "rows.csv:3:", "# batch: 2\n");
  refused(
      "latency_ms", [&](size_t i) { return ms(i); }, {}, "rows.csv:1: these", "# dtype: fp16\n");
  refused(
      "latency_ms",
      [&](size_t i) { return ms(i); },
      {},
      "rows.csv:1: says unit us",
      "# unit: us\n");
  // What agrees is taken.
  write_rows(with("1"), "latency_ms;batch", "# dtype: fp32\n# unit: ms\n");
  EXPECT_EQ(calibrate().code, 0);
  write_rows(with("700"), "latency_ms;latency_us");
  EXPECT_EQ(calibrate({"--column", "latency_ms"}).code, 0);
}

// The table of a phone, networks of a board: what was odd with the phone is not said of the board.
TEST_F(Refusals, ConditionsOfAnotherMachineAreNotKept) {
  table_.conditions.insert(
      {{"cpu", "Old"}, {"drift", "9 %"}, {"unstable", "it drifted"}, {"threads", "1"}});
  write_file("ops.json", to_json(table_));
  write_rows([&](size_t i) { return ms(i); }, "latency_ms", "# device: board\n");
  const Ended board = calibrate({"--json"});
  ASSERT_EQ(board.code, 0) << board.err;
  const Json conditions = Json::parse(board.out)["conditions"];
  EXPECT_EQ(conditions["device"], "board");
  EXPECT_EQ(conditions["batch"], "1");
  for (const char* key : {"cpu", "drift", "unstable", "threads"})
    EXPECT_FALSE(conditions.contains(key)) << key;
  write_rows([&](size_t i) { return ms(i); });
  const Ended same = calibrate({"--json"});
  EXPECT_EQ(Json::parse(same.out)["conditions"]["unstable"], "it drifted");
}

// ---- Files

TEST_F(Refusals, ExportKeepsTheCalibrationOrSaysThatItIsLost) {
  write_rows([&](size_t i) { return ms(i); });
  ASSERT_EQ(calibrate({"--name", "fine", "--out", "fine.json"}).code, 0);
  const std::string kept = read_file("fine.json");
  ASSERT_EQ(latency({"export", "fine", "--out", "again.json"}).code, 0);
  EXPECT_EQ(Json::parse(read_file("again.json")), Json::parse(kept));
  EXPECT_EQ(Json::parse(kept)["check"]["measured_ms"].size(), 12U);
  const Ended other = latency({"export", "fine", "--format", "operators", "--out", "fine.csv"});
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("is calibrated"));
  EXPECT_THAT(latency({"export", "ops.json", "--format", "operators", "--out", "o.csv"}).err,
              Not(HasSubstr("calibrated")));
  // What rounding left is no coefficient.
  write_file("r.json", to_json(LatencyModel(table_, Calibration{0.7, 1.3, -9.4e-17, 2e-16, 9})));
  EXPECT_THAT(latency({"export", "r.json", "--format", "operators", "--out", "r.csv"}).err,
              HasSubstr("latency = 0.7 ms + 1.3 x sum, +- 0 %"));
  // A file in another unit is written in ms, with its calibration.
  Json us = Json::parse(read_file("calibrated.json"));
  us["unit"] = "us";
  for (auto& [key, entry] : us["ops"].items())
    for (const char* name : {"median", "low", "high"})
      entry[name] = 1000 * entry[name].get<double>();
  write_file("us.json", us.dump(1));
  ASSERT_EQ(latency({"export", "us.json", "--out", "ms.json"}).code, 0);
  const LatencyModel model = latency_model_from_json(read_file("ms.json"), "ms.json");
  EXPECT_NEAR(model.table().predict(space_->plan(networks_[0])),
              table_.predict(space_->plan(networks_[0])),
              1e-9);
  ASSERT_TRUE(model.calibration().has_value());
  EXPECT_EQ(model.calibration()->b, 3);
}

TEST_F(Refusals, TimesThatConflictWithTheOldTableAreNotOverwritten) {
  const auto& [key, entry] = *table_.entries.begin();
  const auto answer = [&](double time) {
    write_file("done.jsonl",
               "\n" + Json{{"id", "op/1/float32/" + key}, {"time", time}}.dump() + "\n");
    return latency({"import-results",
                    "done.jsonl",
                    "--add-to",
                    "calibrated.json",
                    "--unit",
                    "ms",
                    "--device",
                    "phone",
                    "--batch",
                    "1",
                    "--dtype",
                    "float32",
                    "--name",
                    "more"});
  };
  const Ended conflict = answer(2 * entry.median_ms);
  EXPECT_EQ(conflict.code, 1);
  EXPECT_THAT(
      conflict.err,
      AllOf(HasSubstr("done.jsonl:2: `" + key + "` takes "), HasSubstr(" ms in table ops")));
  const Ended same = answer(entry.median_ms * (1 + 1e-12));
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.err, HasSubstr("table ops is calibrated"));
}

TEST_F(Refusals, AUnitThatCannotBeIsRefusedUnlessTheFileTrustsIt) {
  Json hand = Json::parse(to_json(table_));
  hand.erase("program");
  hand["unit"] = "s";
  write_file("hand.json", hand.dump(1));
  const Ended odd = latency({"check", "digits", "--table", "hand.json"});
  EXPECT_EQ(odd.code, 2);
  EXPECT_THAT(odd.err, AllOf(HasSubstr("hand.json:"), HasSubstr("\"trust_unit\": true")));
  hand["trust_unit"] = true;
  write_file("hand.json", hand.dump(1));
  const Ended trusted = latency({"check", "digits", "--table", "hand.json"});
  EXPECT_EQ(trusted.code, 0) << trusted.err;
  EXPECT_THAT(trusted.err, HasSubstr("\"trust_unit\" is true"));
  hand.erase("trust_unit");
  hand["unit"] = "ms";
  write_file("hand.json", hand.dump(1));
  EXPECT_EQ(latency({"check", "digits", "--table", "hand.json"}).err, "");
}

TEST_F(Refusals, AFileThatHidesAStoredTableIsTold) {
  write_rows([&](size_t i) { return ms(i); });
  ASSERT_EQ(calibrate({"--name", "phone"}).code, 0);
  EXPECT_EQ(latency({"check", "digits", "--table", "phone"}).err, "");
  write_file("phone", to_json(table_));
  EXPECT_THAT(latency({"check", "digits", "--table", "phone"}).err,
              HasSubstr("the file phone is taken, not the table of that name"));
  EXPECT_EQ(latency({"check", "digits", "--table", "./phone"}).err, "");
}

TEST_F(Refusals, InputsAreNeverOverwritten) {
  write_rows([&](size_t i) { return ms(i); });
  write_file("w.jsonl", "{}\n");
  const std::vector<std::string> said{
      "--unit", "ms", "--device", "d", "--batch", "1", "--dtype", "float32"};
  const auto refused = [&](std::vector<std::string> args, bool import = false) {
    if (import) args.insert(args.end(), said.begin(), said.end());
    const Ended ended = latency(args);
    EXPECT_EQ(ended.code, 2) << args[0];
    EXPECT_THAT(ended.err, HasSubstr("would be overwritten")) << args[0];
  };
  fs::create_hard_link("ops.json", "link.json");
  refused({"import", "rows.csv", "--out", "./rows.csv"}, true);
  refused({"export", "ops.json", "--out", "link.json"});
  refused({"export-work", "digits", "--missing-from", "ops.json", "--out", "ops.json"});
  refused({"import-results", "w.jsonl", "--add-to", "ops.json", "--out", "ops.json"}, true);
  refused({"import-results", "w.jsonl", "--rows", "w.jsonl"}, true);
  refused({"calibrate", "--table", "ops.json", "--rows", "rows.csv", "--out", "ops.json"});
  refused({"calibrate", "--table", "ops.json", "--rows", "rows.csv", "--save-rows", "rows.csv"});
  refused({"plan", "--table", "ops.json", "--budget", "4", "--out", "ops.json"});
  EXPECT_EQ(call([] {
              return cli::run_predict({"fit",
                                       "--data",
                                       "rows.csv",
                                       "--space",
                                       "digits",
                                       "--target",
                                       "latency_ms",
                                       "--out",
                                       "rows.csv"});
            }).code,
            2);
  EXPECT_EQ(to_json(table_), read_file("ops.json"));
  std::vector<std::string> twice{"import", "rows.csv", "./rows.csv", "--out", "x.csv"};
  twice.insert(twice.end(), said.begin(), said.end());
  EXPECT_THAT(latency(twice).err, HasSubstr("is named twice"));
  // A folder that is not there is told before anything is done.
  const Ended lost = calibrate({"--name", "lost", "--out", "none/x.json"});
  EXPECT_EQ(lost.code, 2);
  EXPECT_THAT(lost.err, HasSubstr("there is no folder none"));
  EXPECT_FALSE(Store("nas.db").latency_table("lost").has_value());
}

// ---- Options

TEST_F(Refusals, NumbersThatAreNoneAndConditionsSaidTwice) {
  for (const char* value : {"nan", "inf", "-1"})
    EXPECT_EQ(latency({"diff", "ops.json", "ops.json", "--fail-above", value}).code, 2) << value;
  const auto import = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"import",
                                  "rows.csv",
                                  "--unit",
                                  "ms",
                                  "--device",
                                  "d",
                                  "--batch",
                                  "1",
                                  "--dtype",
                                  "float32",
                                  "--out",
                                  "x.csv"};
    args.insert(args.end(), more.begin(), more.end());
    return latency(args);
  };
  write_rows([&](size_t i) { return ms(i); });
  EXPECT_THAT(import({"--threads", "-4"}).err, HasSubstr("whole number of 1 or more"));
  EXPECT_THAT(import({"--condition", "device=x"}).err, HasSubstr("with --device"));
  EXPECT_THAT(import({"--condition", "a=1", "--condition", "a=2"}).err, HasSubstr("said twice"));
  const Ended work = latency({"export-work", "digits", "--json"});
  EXPECT_EQ(work.code, 2);
  EXPECT_THAT(work.err, HasSubstr("--out FILE"));
}

TEST_F(Refusals, APredictorIsNoTable) {
  write_rows([&](size_t i) { return ms(i); });
  ASSERT_EQ(call([] {
              return cli::run_predict({"fit",
                                       "--data",
                                       "rows.csv",
                                       "--space",
                                       "digits",
                                       "--target",
                                       "latency_ms",
                                       "--model",
                                       "ridge",
                                       "--out",
                                       "p.json"});
            }).code,
            0);
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"check", "digits", "--table", "p.json"},
        {"diff", "ops.json", "p.json"},
        {"export", "p.json"},
        {"calibrate", "--table", "p.json", "--rows", "rows.csv"}}) {
    const Ended ended = latency(args);
    EXPECT_EQ(ended.code, 2) << args[0];
    EXPECT_THAT(ended.err, HasSubstr("p.json is a predictor of whole networks")) << args[0];
  }
}

// ---- Check and diff

TEST_F(Refusals, CheckEndsAsASearchWould) {
  const auto check = [&](const std::vector<std::string>& more = {}) {
    write_file("t.json", to_json(table_));
    std::vector<std::string> args{"check", "digits", "--table", "t.json"};
    args.insert(args.end(), more.begin(), more.end());
    return latency(args);
  };
  EXPECT_EQ(check().code, 0);
  table_.conditions["batch"] = "8";
  const Ended eight = check();
  EXPECT_EQ(eight.code, 0);
  EXPECT_THAT(eight.out, HasSubstr("--latency-batch 8"));
  table_.fingerprint = std::string(64, 'a');
  const Ended changed = check();
  EXPECT_EQ(changed.code, 3);
  EXPECT_THAT(changed.out, HasSubstr("measure --space digits --continue t.json"));
  EXPECT_FALSE(Json::parse(check({"--json"}).out)["ok"].get<bool>());
  table_.space = "mobilenet";
  EXPECT_EQ(check().code, 3);
  table_.space = table_.fingerprint = "";
  const auto choice = space_->choices()[0];
  table_.entries.erase(table_.entries.begin());
  table_.entries.erase(std::prev(table_.entries.end()));
  const std::string fix = choice.name + "=" + choice.options[0];
  EXPECT_THAT(check({"--fix", fix}).out, HasSubstr("export-work digits --fix " + fix));
}

TEST_F(Refusals, DiffKnowsCalibrations) {
  const Ended ended = latency({"diff", "ops.json", "calibrated.json", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const Json json = Json::parse(ended.out);
  EXPECT_EQ(json["median_ratio"], 1);
  EXPECT_TRUE(json["calibration_a"].is_null());
  EXPECT_EQ(json["calibration_b"]["b"], 3);
  EXPECT_GT(json["whole_networks"]["median_ratio"], 3);
  EXPECT_LT(json["whole_networks"]["median_ratio"], 8);
  const Ended text = latency({"diff", "ops.json", "calibrated.json", "--fail-above", "10"});
  EXPECT_EQ(text.code, 3);
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("calibration of ops.json: not calibrated"),
                    HasSubstr("latency = 0.2 ms + 3 x sum, +- 2 %"),
                    HasSubstr("whole networks of digits")));
  EXPECT_EQ(latency({"diff", "calibrated.json", "calibrated.json", "--fail-above", "0"}).code, 0);
}

}  // namespace
}  // namespace nas::test
