// nas latency: times that cannot be believed, what is not said of them, and whole networks that are
// written in other forms. The command is called in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/latency/model.hpp"
#include "cli/runs/latency.hpp"
#include "hardware/checks/odd_rows.hpp"
#include "hardware/op_cases.hpp"
#include "in_process.hpp"
#include "process.hpp"
#include "search/store/store.hpp"
#include "spaces/base/sha256.hpp"
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

class Trust : public InFolder {
 protected:
  Trust() : space_(load_space("digits")) {
    table_.id = "ops";
    table_.program = "nas 0.2.0";
    table_.conditions = {
        {"batch", "1"}, {"device", "phone"}, {"dtype", "float32"}, {"threads", "2"}};
    set_space(table_, *space_);
    // A call of 3 us, 2 G multiply-adds and 1 G numbers a second, and some differences.
    size_t i = 0;
    for (const auto& [key, op] : ops_of(*space_).ops) {
      const TimedWork work = work_of(key, 1, 1);
      const double ms = (.003 + work.macs / 2e6 + work.elements / 1e6) * (1 + .3 * (i++ % 4));
      table_.entries[key] = {ms, ms, ms, 3};
    }
  }
  static Ended measured(std::vector<std::string> args,
                        const char* unit = "ms",
                        const char* device = "phone") {
    args.insert(args.end(),
                {"--unit", unit, "--device", device, "--batch", "1", "--dtype", "float32"});
    return latency(args);
  }
  /// Answers for the ops that `takes` likes, times in ms times a factor.
  void write_answers(const std::function<double(size_t)>& factor) const {
    std::string text;
    size_t i = 0;
    for (const auto& [key, entry] : table_.entries)
      if (const double f = factor(i++); f > 0)
        text += Json{{"id", "op/1/float32/" + key}, {"time", entry.median_ms * f}}.dump() + "\n";
    write_file("done.jsonl", text);
  }

  std::unique_ptr<Space> space_;
  LatencyTable table_;
};

// ---- Units

TEST_F(Trust, ATableOfThisProgramWhoseUnitWasChangedIsJudged) {
  Json json = Json::parse(to_json(table_));
  write_file("t.json", json.dump(1));
  EXPECT_EQ(latency({"check", "digits", "--table", "t.json"}).err, "");
  json["unit"] = "s";
  write_file("t.json", json.dump(1));
  const Ended odd = latency({"check", "digits", "--table", "t.json"});
  EXPECT_EQ(odd.code, 2);
  EXPECT_THAT(odd.err,
              AllOf(HasSubstr("t.json:"), HasSubstr("are they in ms"), HasSubstr("trust_unit")));
}

TEST_F(Trust, OneRowOfAnotherUnitIsNamedWithItsLine) {
  write_answers([](size_t i) { return i == 40 ? 1000 : 1; });
  const Ended odd = measured({"import-results", "done.jsonl", "--name", "a"});
  EXPECT_EQ(odd.code, 1);
  EXPECT_THAT(odd.err,
              AllOf(HasSubstr("done.jsonl:41: \""),
                    HasSubstr("is it in us?"),
                    HasSubstr("--trust-unit"),
                    Not(HasSubstr("done.jsonl:42"))));
  const Ended trusted = measured({"import-results", "done.jsonl", "--name", "a", "--trust-unit"});
  EXPECT_EQ(trusted.code, 0) << trusted.err;
  EXPECT_THAT(trusted.err, HasSubstr("warning: done.jsonl:41: "));
  // Of a file in the own form, too; the store may then hold it, and check still says it.
  Json json = Json::parse(to_json(table_));
  const std::string key = std::next(table_.entries.begin(), 40)->first;
  for (const char* part : {"median", "low", "high"})
    json["ops"][key][part] = json["ops"][key][part].get<double>() / 1000;
  write_file("t.json", json.dump(1));
  const Ended own = latency({"check", "digits", "--table", "t.json"});
  EXPECT_EQ(own.code, 1);
  EXPECT_THAT(own.err, AllOf(HasSubstr("t.json:"), HasSubstr(key), HasSubstr("is it in s?")));
  const Ended check = latency({"check", "digits", "--table", "a", "--json"});
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(Json::parse(check.out).at("odd_times").at(0).at("key"), key);
}

// Ops so small, and so slow, that a device of any kind may take so long.
TEST_F(Trust, AnotherTableOfTheDeviceTellsTheUnit) {
  const auto import = [](const char* name, const char* unit, const char* trust = "--quiet") {
    return measured({"import-results", "done.jsonl", "--name", name, trust}, unit, "board");
  };
  write_answers([](size_t) { return 1; });
  ASSERT_EQ(import("a", "ms").code, 0);
  write_answers([](size_t i) { return i < 4 ? 150 : -1; });
  const Ended far = import("b", "ms");
  EXPECT_EQ(far.code, 2);
  EXPECT_THAT(far.err,
              AllOf(HasSubstr("150 times those of table a"), HasSubstr("same device (board)")));
  EXPECT_EQ(import("b", "us").code, 0);
  EXPECT_EQ(import("c", "ms", "--trust-unit").code, 0);
}

TEST_F(Trust, NewRowsAreJudgedBesideThoseTheyAreAddedTo) {
  LatencyTable old = table_;
  old.conditions["device"] = "board";
  for (int i = 0; i < 3; ++i) old.entries.erase(old.entries.begin());
  write_file("old.json", to_json(old));
  write_answers([](size_t i) { return i < 3 ? 150 : -1; });
  const std::vector<std::string> words{
      "import-results", "done.jsonl", "--add-to", "old.json", "--threads", "2", "--name", "new"};
  const Ended far = measured(words, "ms", "board");
  EXPECT_EQ(far.code, 2);
  EXPECT_THAT(far.err, AllOf(HasSubstr("table ops (--add-to)"), HasSubstr("not in one unit?")));
  const Ended right = measured(words, "us", "board");
  EXPECT_EQ(right.code, 0) << right.err;
}

// ---- What is not said

TEST_F(Trust, ConditionsThatAreNotSaidAreTold) {
  write_file("a.json", to_json(table_));
  LatencyTable bare = table_;
  bare.id = "bare";
  bare.conditions.erase("threads");
  bare.conditions.erase("dtype");
  write_file("b.json", to_json(bare));
  EXPECT_THAT(latency({"diff", "a.json", "b.json"}).err,
              HasSubstr("table bare does not say its dtype and threads, table ops does"));
  EXPECT_EQ(latency({"diff", "a.json", "a.json"}).err, "");
  EXPECT_THAT(latency({"calibrate", "--table", "a.json", "--ops", "b.json"}).err,
              HasSubstr("table bare does not say its dtype and threads"));
  Rng rng(5, "trust");
  std::string rows = "architecture;latency_ms\n";
  for (int i = 0; i < 8; ++i) {
    const Architecture a = space_->sample(rng);
    rows +=
        space_->text(a) + ";" + std::to_string(.1 + 1.5 * table_.predict(space_->plan(a))) + "\n";
  }
  write_file("rows.csv", rows);
  const std::vector<std::string> words{"calibrate", "--table", "a.json", "--rows", "rows.csv"};
  EXPECT_THAT(latency(words).err,
              AllOf(HasSubstr("rows.csv does not say the device, batch, dtype and threads"),
                    HasSubstr("threads 2")));
  write_file("rows.csv", "# batch: 1\n# dtype: float32\n# device: phone\n# threads: 2\n" + rows);
  EXPECT_THAT(latency(words).err, Not(HasSubstr("does not say")));
}

TEST_F(Trust, ANetworkThatWidensTheSpreadIsNamed) {
  write_file("a.json", to_json(table_));
  Rng rng(5, "trust");
  std::string rows =
      "# batch: 1\n# dtype: float32\n# device: phone\n# threads: 2\narchitecture;latency_ms\n";
  for (int i = 0; i < 16; ++i) {
    const Architecture a = space_->sample(rng);
    rows += space_->text(a) + ";" +
            std::to_string((i == 6 ? 1.8 : 1) * (1 + .01 * (i % 3)) *
                           (.1 + 1.5 * table_.predict(space_->plan(a)))) +
            "\n";
  }
  write_file("rows.csv", rows);
  const Ended wide = latency({"calibrate", "--table", "a.json", "--rows", "rows.csv", "--json"});
  ASSERT_EQ(wide.code, 0) << wide.err;
  EXPECT_THAT(wide.err,
              AllOf(HasSubstr("1 network fits badly"),
                    HasSubstr("rows.csv:12: "),
                    Not(HasSubstr("rows.csv:11: "))));
  const Json said = Json::parse(wide.out);
  ASSERT_EQ(said.at("widening").size(), 1U);
  EXPECT_LT(said.at("spread_without"), said.at("calibration").at("relative_spread"));
}

// ---- Hints and forms

TEST_F(Trust, ASpaceOfAFileIsNamedByItsFile) {
  fs::copy_file(config_dir() + "/spaces/digits.yaml", "mine.yaml");
  LatencyTable other = table_;
  other.entries.erase(other.entries.begin());
  other.space = "mine";
  other.fingerprint.clear();
  write_file("t.json", to_json(other));
  const Ended lacks =
      latency({"calibrate", "--table", "t.json", "--space", "./mine.yaml", "--rows", "rows.csv"});
  EXPECT_THAT(lacks.err, HasSubstr("nas measure --space ./mine.yaml"));
  const auto mine = load_space("mine.yaml");
  EXPECT_EQ(cli::space_argument(*mine), "SPACE.yaml");
  EXPECT_EQ(cli::space_argument(*mine, "./mine.yaml"), "./mine.yaml");
  EXPECT_EQ(cli::space_argument(*space_), "digits");
}

TEST_F(Trust, WholeNetworksComeBackFromTheirFormsAsTheyWere) {
  Rng rng(5, "trust");
  std::string rows = "arch,phone_latency\n";
  std::set<std::string> seen;
  while (seen.size() < 9)
    if (const std::string text = space_->text(space_->sample(rng)); seen.insert(text).second)
      rows +=
          "\"" + text + "\"," + std::to_string(2 + .37 * static_cast<double>(seen.size())) + "\n";
  write_file("hw.csv", rows);
  ASSERT_EQ(measured({"import", "hw.csv", "--out", "rows.csv"}).code, 0);
  for (const char* form : {"hw-nas-bench", "networks"}) {
    const Ended out = latency({"export", "rows.csv", "--format", form, "--out", "f.csv"});
    ASSERT_EQ(out.code, 0) << out.err;
    EXPECT_THAT(out.out, HasSubstr("9 whole networks of rows.csv written to f.csv"));
    ASSERT_EQ(measured({"import", "f.csv", "--format", form, "--out", "again.csv"}).code, 0);
    EXPECT_EQ(read_file("again.csv"), read_file("rows.csv")) << form;
  }
  const Ended hat = latency({"export", "rows.csv", "--format", "hat"});
  EXPECT_EQ(hat.code, 1);
  EXPECT_THAT(hat.err,
              AllOf(HasSubstr("the form hat needs a column encoder_embed_dim"),
                    HasSubstr("hw-nas-bench or networks")));
  const Ended blocks = latency({"export", "rows.csv", "--format", "once-for-all"});
  EXPECT_EQ(blocks.code, 2);
  EXPECT_THAT(blocks.err, HasSubstr("hat, nn-meter-data, hw-nas-bench, networks"));
  write_file("a.json", to_json(table_));
  const Ended ops = latency({"export", "a.json", "--format", "hat"});
  EXPECT_EQ(ops.code, 2);
  EXPECT_THAT(ops.err, AllOf(HasSubstr("holds times of"), HasSubstr("nas latency calibrate")));
}

TEST_F(Trust, ACalibratedTableGivesTheNetworksThatItKeeps) {
  write_file("a.json", to_json(table_));
  Rng rng(5, "trust");
  std::string rows = "# batch: 1\narchitecture;latency_ms\n";
  for (int i = 0; i < 8; ++i) {
    const Architecture a = space_->sample(rng);
    rows +=
        space_->text(a) + ";" + std::to_string(.1 + 1.5 * table_.predict(space_->plan(a))) + "\n";
  }
  write_file("rows.csv", rows);
  ASSERT_EQ(latency({"calibrate", "--table", "a.json", "--rows", "rows.csv", "--name", "c"}).code,
            0);
  const Ended out = latency({"export", "c", "--format", "networks"});
  ASSERT_EQ(out.code, 0) << out.err;
  EXPECT_THAT(out.out, AllOf(HasSubstr("architecture,latency_ms"), HasSubstr("# device: phone")));
  const std::string rows_out = out.out.substr(out.out.find("architecture,latency_ms"));
  EXPECT_EQ(std::count(rows_out.begin(), rows_out.end(), '\n'), 9);
}

// ---- Predictors

TEST_F(Trust, AReplacedPredictorIsKnownByItsHash) {
  Store store("nas.db");
  RunRow row;
  row.id = "s1";
  row.command = "search";
  row.status = "finished";
  store.add_run(row);
  write_file("p.json", "{\"schema\": \"nas-predictor\"}");
  const std::string then = sha256_hex("{\"schema\": \"nas-predictor\"}");
  store.set_document(
      "s1", "front", Json{{"latency", {{"predictor", "p.json"}, {"sha256", then}}}}.dump());
  EXPECT_EQ(cli::replaced_since(store, "s1", "p.json"), "");
  write_file("p.json", "{\"schema\": \"nas-predictor\" }");
  const std::string now = sha256_hex("{\"schema\": \"nas-predictor\" }");
  EXPECT_THAT(cli::replaced_since(store, "s1", "p.json"),
              AllOf(HasSubstr("latency predictor p.json is not the one that search s1 read"),
                    HasSubstr(then.substr(0, 12)),
                    HasSubstr(now.substr(0, 12))));
}

// Its networks would stand on two scales.
TEST_F(Trust, ASearchDoesNotGoOnWithAnotherTable) {
  const auto put = [&](double factor) {
    LatencyTable table = table_;
    for (auto& [key, entry] : table.entries) {
      entry.median_ms *= factor;
      entry.low_ms *= factor;
      entry.high_ms *= factor;
    }
    write_file("ops.json", to_json(table));
  };
  put(1);
  write_file("search.yaml",
             "space: digits\n"
             "search: {algorithm: random, evaluations: 30, "
             "objectives: [minimize: latency_ms, minimize: params]}\n"
             "evaluator: {kind: none, latency_table: ops.json}\n");
  const Finished first = run({"search", "--config", "search.yaml", "--name", "s"});
  ASSERT_EQ(first.code, 0) << first.err;
  Store("nas.db").set_run_status(Store("nas.db").run("s")->id, "interrupted");
  put(2);
  const Finished other = run({"search", "--resume", "s"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err,
              AllOf(HasSubstr("latency_ms of "),
                    HasSubstr("when this search evaluated it"),
                    HasSubstr("ops.json changed since"),
                    HasSubstr("Put the old one back")));
  put(1);
  const Finished same = run({"search", "--resume", "s"});
  EXPECT_EQ(same.code, 0) << same.err;
}

// Seconds under a header that says milliseconds: told where the predictor gives a search its times.
TEST_F(Trust, APredictorWhoseTimesNoNetworkTakesIsDoubted) {
  const auto check = [&](double factor) {
    std::string csv = "architecture,latency_ms\n";
    Rng rng(0, "doubted");
    for (int i = 0; i < 20; ++i) {
      const Architecture a = space_->sample(rng);
      const Cost cost = cost_of(space_->plan(a), space_->counting());
      csv += space_->text(a) + "," +
             std::to_string(factor * (.05 + static_cast<double>(cost.macs) / 1e7)) + "\n";
    }
    write_file("rows.csv", csv);
    const Finished fitted = run({"predict",
                                 "fit",
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
    EXPECT_EQ(fitted.code, 0) << fitted.err;
    return run({"space", "check", "digits", "--table", "p.json", "--max", "latency_ms <= 1"}).err;
  };
  EXPECT_EQ(check(1).find("are they in s?"), std::string::npos);
  EXPECT_THAT(check(1e-3), HasSubstr("are they in s?"));
}

}  // namespace
}  // namespace nas::test
