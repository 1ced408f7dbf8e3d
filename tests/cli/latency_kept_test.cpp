// What was measured is kept: names that are taken meanwhile, stores that refuse, tables that are
// continued on a machine that changed.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/latency/kept/continued.hpp"
#include "cli/latency/kept/keep_measured.hpp"
#include "cli/runs/run_name.hpp"
#include "hardware/op_cases.hpp"
#include "in_process.hpp"
#include "process.hpp"
#include "search/store/store.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

Json file(const std::string& path) {
  std::ifstream in(path);
  return Json::parse(in, nullptr, /*allow_exceptions=*/false);
}

class Kept : public InFolder {
 protected:
  Kept() : space_(load_space("digits")) {
    table_.id = "race";
    table_.program = "nas 0.2.0";
    table_.created = "2026-01-02T03:04:05Z";
    table_.conditions = {
        {"batch", "1"}, {"device", "phone"}, {"dtype", "float32"}, {"threads", "2"}};
    set_space(table_, *space_);
    double ms = 0.01;
    ops_ = ops_of(*space_).ops;
    for (const auto& [key, op] : ops_) {
      ms = ms > 0.05 ? 0.01 : ms * 1.13;
      table_.entries[key] = {ms, ms, ms, 3};
    }
  }
  Ended keep(const std::string& out) {
    Store store("nas.db");
    return call([&] {
      cli::keep_measured(table_, store, out, [&] { return to_json(table_); });
      return 0;
    });
  }
  /// From now on the store takes no table, as one that is locked or full.
  static void shut(const std::string& db = "nas.db") {
    Store make(db);
    SQLite::Database raw(db, SQLite::OPEN_READWRITE);
    raw.exec(
        "CREATE TRIGGER shut BEFORE INSERT ON latency_tables BEGIN SELECT RAISE(ABORT, 'no room'); "
        "END");
  }
  void write_rows() const {
    Rng rng(5, "kept");
    std::string rows = "architecture;latency_ms\n";
    for (int i = 0; i < 8; ++i) {
      const Architecture a = space_->sample(rng);
      rows +=
          space_->text(a) + ";" + std::to_string(.1 + 1.5 * table_.predict(space_->plan(a))) + "\n";
    }
    write_file("rows.csv", rows);
  }

  std::unique_ptr<Space> space_;
  std::map<std::string, OpCase> ops_;
  LatencyTable table_;
};

// ---- The store

TEST_F(Kept, ANameThatIsTakenMeanwhileIsCounted) {
  Store("nas.db").add_latency_table({"race", "other", "gpu", "{}", "{}", ""});
  const Ended done = keep("out.json");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(
      done.err,
      AllOf(HasSubstr("warning: the name 'race' was given"), HasSubstr("stored as 'race-2'")));
  EXPECT_EQ(file("out.json")["id"], "race-2");
  const auto row = Store("nas.db").latency_table("race-2");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->device, "phone");
  EXPECT_EQ(Json::parse(row->table_json), file("out.json"));
  EXPECT_EQ(Store("nas.db").latency_table("race")->table_json, "{}");
}

TEST_F(Kept, AStoreThatRefusesLosesNothing) {
  shut();
  const Ended named = keep("out.json");
  EXPECT_EQ(named.code, 1);
  EXPECT_THAT(named.err,
              AllOf(HasSubstr("no room"),
                    HasSubstr("not stored, but kept in out.json"),
                    HasSubstr("--latency-table out.json")));
  EXPECT_EQ(file("out.json")["ops"].size(), table_.entries.size());
  EXPECT_FALSE(fs::exists("race.json"));
  write_file("race.json", "mine");
  for (const char* out : {"", "/dev/null"}) {
    fs::remove("race-2.json");
    const Ended done = keep(out);
    EXPECT_EQ(done.code, 1);
    EXPECT_THAT(done.err, HasSubstr("--latency-table race-2.json"));
    EXPECT_EQ(file("race-2.json")["ops"].size(), table_.entries.size());
    EXPECT_EQ(file("race-2.json")["trust_unit"], true);  // A wavering time is no reason to refuse.
  }
  EXPECT_FALSE(file("race.json").is_object());
}

TEST_F(Kept, AFileThatCannotBeWrittenLeavesTheTableInTheStore) {
  const Ended done = keep("/dev/full");
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err,
              AllOf(HasSubstr("the disk is full"), HasSubstr("the table is in the store as race")));
  EXPECT_TRUE(Store("nas.db").latency_table("race"));
}

TEST_F(Kept, ACalibrationIsKeptWhereTheStoreRefuses) {
  write_file("ops.json", to_json(table_));
  write_rows();
  shut();
  std::vector<std::string> words{"calibrate", "--table", "ops.json", "--rows", "rows.csv"};
  words.insert(words.end(), {"--name", "cal"});
  const Ended done = latency(words);
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("kept in cal.json"));
  EXPECT_TRUE(file("cal.json").contains("calibration"));
}

// ---- Names

TEST_F(Kept, NamesOfTablesAreNamesOfFiles) {
  write_file("ops.json", to_json(table_));
  write_rows();
  const Ended done =
      latency({"calibrate", "--table", "ops.json", "--rows", "rows.csv", "--name", "a/b c"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, AllOf(HasSubstr("--name \"a/b c\""), HasSubstr("separates folders")));
  EXPECT_THROW(cli::checked_table_name("a\nb"), ConfigError);
  EXPECT_EQ(cli::checked_table_name(" a b "), "a b");
  EXPECT_EQ(cli::checked_name("a/b"), "a/b");
  EXPECT_EQ(cli::unused_file("networks-a/b\nc"), "networks-a_b_c.csv");
}

TEST_F(Kept, ATableThatNamesAnotherSpaceThanItsFingerprintIsTold) {
  write_rows();
  const std::vector<std::string> words{
      "calibrate", "--table", "ops.json", "--rows", "rows.csv", "--space", "digits"};
  write_file("ops.json", to_json(table_));
  EXPECT_THAT(latency(words).err, Not(HasSubstr("fingerprint")));
  table_.space = "resnet20-pool";
  write_file("ops.json", to_json(table_));
  const Ended done = latency(words);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(
      done.err,
      HasSubstr("names the space 'resnet20-pool', but its fingerprint is that of 'digits'"));
}

// ---- Continued

TEST_F(Kept, TheSentinelIsTimedAgainElseThreeOps) {
  const std::string sentinel = std::next(table_.entries.begin(), 7)->first;
  double ms = 1;
  std::vector<std::string> longest;
  for (size_t at : {20, 4, 11}) {
    auto& entry = std::next(table_.entries.begin(), static_cast<long>(at))->second;
    entry = {ms, ms, ms, 3};
    ms /= 2;
    longest.push_back(std::next(table_.entries.begin(), static_cast<long>(at))->first);
  }
  EXPECT_EQ(cli::timed_again(table_, ops_), longest);
  table_.conditions["sentinel"] = "an op of no space";
  EXPECT_EQ(cli::timed_again(table_, ops_), longest);
  table_.conditions["sentinel"] = sentinel;
  EXPECT_EQ(cli::timed_again(table_, ops_), std::vector<std::string>{sentinel});
}

TEST_F(Kept, AMachineThatChangedIsTold) {
  const std::string key = table_.entries.begin()->first;
  table_.entries[key] = {1, .96, 1.04, 30};  // Wavers by 4 %.
  table_.conditions["drift"] = "1 %";
  const auto compared = [&](double ms, std::map<std::string, std::string>& conditions) {
    Timing timing;
    timing.median_ms = timing.low_ms = timing.high_ms = ms;
    return cli::compare_states(table_, {key}, {{key, timing}}, conditions);
  };
  // 10 % + 4 % + 6 %.
  const std::map<std::string, std::string> now{{"drift", "3 %"}, {"noise", "6 %"}};
  for (const double ms : {1.0, 1.19, 1 / 1.19}) {
    auto conditions = now;
    EXPECT_EQ(compared(ms, conditions), "") << ms;
    EXPECT_FALSE(conditions.contains("unstable"));
    EXPECT_THAT(conditions["sentinel_then_now"], HasSubstr("1 ms in race"));
  }
  for (const double ms : {1.21, 1 / 1.21, 3.0}) {
    auto conditions = now;
    EXPECT_THAT(compared(ms, conditions), HasSubstr("the machine changed")) << ms;
    EXPECT_THAT(conditions["unstable"], AllOf(HasSubstr(key), HasSubstr("1 ms in race")));
  }
  auto conditions = now;
  EXPECT_EQ(cli::compare_states(table_, {key}, {}, conditions), "");  // Stopped before.
  EXPECT_EQ(conditions["sentinel_then_now"], "not timed again");
  conditions["unstable"] = "it drifted";
  compared(3, conditions);
  EXPECT_THAT(conditions["unstable"],
              AllOf(HasSubstr("it drifted; the machine changed"), HasSubstr("3 ms now")));
}

// ---- With the real binary

#ifdef NAS_TORCH
TEST_F(Kept, WhatIsMeasuredIsKept) {
  // The name is taken while the ops are timed.
  int asked = 0;
  Launch launch{.args = {"measure", "--space", "digits", "--threads", "1", "--repeats", "60"}};
  launch.args.insert(launch.args.end(), {"--name", "race", "--out", "out.json"});
  launch.signal = SIGCONT;
  launch.signal_when = [&] {
    if (!fs::exists("nas.db") || fs::file_size("nas.db") == 0) return false;
    if (++asked == 1) std::this_thread::sleep_for(std::chrono::milliseconds(150));
    Store("nas.db").add_latency_table({"race", "other", "gpu", "{}", "{}", ""});
    return true;
  };
  const Finished raced = run(launch);
  ASSERT_EQ(raced.code, 0) << raced.err;
  EXPECT_THAT(raced.err, HasSubstr("stored as 'race-2'"));
  Json table = file("out.json");
  EXPECT_EQ(table["id"], "race-2");
  // Another state of the machine.
  const std::string sentinel = table["conditions"]["sentinel"];
  Json half = table;
  for (auto& [key, op] : half["ops"].items())
    for (const char* part : {"median", "low", "high"}) op[part] = op[part].get<double>() / 20;
  std::string lacking = half["ops"].begin().key();
  if (lacking == sentinel) lacking = std::next(half["ops"].begin()).key();
  half["ops"].erase(lacking);
  half["conditions"].erase("unstable");
  write_file("half.json", half.dump(1));
  const Finished changed = run({"measure",
                                "--space",
                                "digits",
                                "--threads",
                                "1",
                                "--continue",
                                "half.json",
                                "--name",
                                "whole",
                                "--out",
                                "whole.json"});
  ASSERT_EQ(changed.code, 0) << changed.err;
  EXPECT_THAT(changed.err,
              AllOf(HasSubstr("warning: the machine changed"),
                    HasSubstr("Measure all anew (nas measure --space digits)")));
  const Json whole = file("whole.json");
  EXPECT_EQ(whole["ops"].size(), table["ops"].size());
  EXPECT_EQ(whole["ops"][sentinel]["median"], half["ops"][sentinel]["median"]);
  EXPECT_THAT(whole["conditions"]["unstable"].get<std::string>(), HasSubstr(sentinel));
  // A calibration whose store refuses.
  shut();
  const Finished refused = run({"latency",
                                "calibrate",
                                "--table",
                                "out.json",
                                "--measure",
                                "8",
                                "--repeats",
                                "5",
                                "--name",
                                "cal"});
  EXPECT_EQ(refused.code, 1) << refused.err;
  EXPECT_THAT(
      refused.err,
      AllOf(HasSubstr("kept in cal.json"), HasSubstr("networks are kept in networks-cal.csv")));
  EXPECT_TRUE(file("cal.json").contains("calibration"));
  EXPECT_TRUE(fs::exists("networks-cal.csv"));
}

TEST_F(Kept, NetworksOfAPhoneAreNotMeasuredHere) {
  write_file("phone.json", to_json(table_));
  const Finished done = run({"latency", "calibrate", "--table", "phone.json", "--measure", "8"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err,
              AllOf(HasSubstr("of another device (phone)"),
                    HasSubstr("nas latency export-work digits --networks 8"),
                    HasSubstr("--rows networks.csv"),
                    Not(HasSubstr("is not one of"))));
}
#endif

}  // namespace
}  // namespace nas::test
