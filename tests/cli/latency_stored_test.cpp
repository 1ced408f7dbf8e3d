// nas latency: tables of the store listed and removed, calibrations that say nothing, plans and
// checks that say what they looked at. The command is called in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "hardware/checks/odd_rows.hpp"
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

class Stored : public InFolder {
 protected:
  Stored() : space_(load_space("digits")) {
    table_.id = "ops";
    table_.conditions = {
        {"batch", "1"}, {"device", "phone"}, {"dtype", "float32"}, {"threads", "2"}};
    set_space(table_, *space_);
    size_t i = 0;
    for (const auto& [key, op] : ops_of(*space_).ops) {
      const TimedWork work = work_of(key, 1, 1);
      const double ms = (.003 + work.macs / 2e6 + work.elements / 1e6) * (1 + .3 * (i++ % 4));
      table_.entries[key] = {ms, ms, ms, 3};
    }
    write_file("ops.json", to_json(table_));
  }
  void keep(const std::string& id, const std::string& created) const {
    LatencyTable table = table_;
    table.id = id;
    table.conditions["device"] = "phone " + id;
    Store("nas.db").add_latency_table({id,
                                       "digits",
                                       table.conditions["device"],
                                       Json(table.conditions).dump(),
                                       to_json(table),
                                       created});
  }
  /// Rows of twelve networks; `ms` of the position and the sum of ops.
  void write_rows(const std::function<double(int, double)>& ms) const {
    Rng rng(5, "stored");
    std::string rows =
        "# batch: 1\n# dtype: float32\n# device: phone\n# threads: 2\narchitecture;latency_ms\n";
    for (int i = 0; i < 12; ++i) {
      const Architecture a = space_->sample(rng);
      rows += space_->text(a) + ";" + std::to_string(ms(i, table_.predict(space_->plan(a)))) + "\n";
    }
    write_file("rows.csv", rows);
  }

  std::unique_ptr<Space> space_;
  LatencyTable table_;
};

// ---- list, remove

TEST_F(Stored, TablesAreListedTheNewestFirst) {
  keep("first", "2026-01-01T00:00:00Z");
  keep("second", "2026-01-02T00:00:00Z");
  write_rows([](int, double sum) { return .1 + 1.5 * sum; });
  ASSERT_EQ(
      latency({"calibrate", "--table", "ops.json", "--rows", "rows.csv", "--name", "third"}).code,
      0);
  const Json said = Json::parse(latency({"list", "--json"}).out);
  EXPECT_EQ(said["schema"], "nas-latency-list/1");
  ASSERT_EQ(said["tables"].size(), 3U);
  EXPECT_EQ(said["tables"][0]["id"], "third");
  EXPECT_EQ(said["tables"][0]["calibrated"], true);
  const Json& second = said["tables"][1];
  EXPECT_EQ(second["id"], "second");
  EXPECT_EQ(second["device"], "phone second");
  EXPECT_EQ(second["space"], "digits");
  EXPECT_EQ(second["grouping"], "ops");
  EXPECT_EQ(second["ops"], table_.entries.size());
  EXPECT_EQ(second["batch"], "1");
  EXPECT_EQ(second["dtype"], "float32");
  EXPECT_EQ(second["threads"], "2");
  EXPECT_EQ(second["calibrated"], false);
  EXPECT_EQ(second["unstable"], false);
  EXPECT_EQ(second["created"], "2026-01-02T00:00:00Z");
  EXPECT_THAT(latency({"list", "--format", "csv"}).out,
              HasSubstr("\nfirst,phone first,digits,ops,"));
}

TEST_F(Stored, ATableThatASearchNamesIsKept) {
  keep("first", "2026-01-01T00:00:00Z");
  keep("second", "2026-01-02T00:00:00Z");
  RunRow row;
  row.id = "s1";
  row.command = "search";
  row.status = "finished";
  row.space = "digits";
  row.config_yaml = "space: digits\nevaluator:\n  kind: none\n  latency_table: first\n";
  Store("nas.db").add_run(row);
  const Ended named = latency({"remove", "second", "first", "--yes"});
  EXPECT_EQ(named.code, 2);
  EXPECT_THAT(named.err, AllOf(HasSubstr("first"), HasSubstr("s1"), HasSubstr("--force")));
  EXPECT_EQ(Store("nas.db").latency_tables().size(), 2U);
  EXPECT_EQ(latency({"remove", "nobody", "--yes"}).code, 2);
  const Ended removed = latency({"remove", "last", "--yes", "--json"});
  ASSERT_EQ(removed.code, 0) << removed.err;
  EXPECT_EQ(Json::parse(removed.out)["removed"], Json::array({"second"}));
  EXPECT_EQ(latency({"remove", "first", "--yes", "--force"}).code, 0);
  EXPECT_TRUE(Store("nas.db").latency_tables().empty());
  EXPECT_THAT(latency({"list"}).err, HasSubstr("nas measure"));
}

// ---- Calibrations that say nothing

TEST_F(Stored, ACalibrationThatSaysNothingIsDoubted) {
  const std::vector<std::string> words{"calibrate", "--table", "ops.json", "--rows", "rows.csv"};
  const auto doubts = [&words] {
    std::vector<std::string> more = words;
    more.emplace_back("--json");
    const Ended said = latency(more);
    EXPECT_EQ(said.code, 0) << said.err;
    return Json::parse(said.out).at("doubts");
  };
  write_rows([](int, double sum) { return .1 + 1.5 * sum; });
  EXPECT_TRUE(doubts().empty());
  const Ended good = latency(words);
  EXPECT_THAT(good.out, HasSubstr("latency_ms@p95"));
  EXPECT_EQ(good.err, "");
  // All the same.
  write_rows([](int, double) { return .5; });
  ASSERT_EQ(doubts().size(), 1U);
  const Ended same = latency(words);
  EXPECT_EQ(same.code, 0);
  EXPECT_THAT(same.err,
              AllOf(HasSubstr("warning: "),
                    HasSubstr("should not be trusted"),
                    HasSubstr("all 12 networks took 0.5 ms")));
  EXPECT_THAT(same.out, Not(HasSubstr("latency_ms@p95")));
  // The other way round.
  write_rows([](int, double sum) { return .02 / sum; });
  EXPECT_THAT(latency(words).err, AllOf(HasSubstr("b = 0"), HasSubstr("by chance (tau-b -")));
  // Nothing but noise.
  write_rows([](int i, double sum) { return sum * (i % 2 == 0 ? 1 : 2.8); });
  EXPECT_THAT(latency(words).err, HasSubstr("predictions are off by"));
}

TEST_F(Stored, FewOpsThatTellNothingOfOthersAreDoubted) {
  LatencyTable few = table_;
  few.id = "few";
  size_t i = 0;
  std::erase_if(few.entries, [&i](const auto&) { return i++ % 3 != 0; });
  const auto put = [&](double odd) {
    LatencyTable changed = few;
    size_t at = 0;
    for (auto& [key, entry] : changed.entries) {
      const double ms = entry.median_ms * (at++ % 2 == 0 ? 2 : odd);
      entry = {ms, ms, ms, 3};
    }
    write_file("few.json", to_json(changed));
  };
  put(2);
  const std::vector<std::string> words{
      "calibrate", "--table", "ops.json", "--ops", "few.json", "--json"};
  EXPECT_TRUE(Json::parse(latency(words).out).at("doubts").empty());
  put(12);
  const Json said = Json::parse(latency(words).out);
  ASSERT_GT(said["transfer"]["held_out_error"], .5);
  EXPECT_EQ(said.at("doubts").size(), 1U);
}

// ---- plan, check

TEST_F(Stored, APlanSaysAmongHowManyItChose) {
  const Ended few = latency({"plan", "digits", "--budget", "5000", "--out", "few.txt"});
  ASSERT_EQ(few.code, 0);
  EXPECT_THAT(
      few.err,
      AllOf(HasSubstr("2002 networks were drawn, not all of the space"), Not(HasSubstr("in all"))));
  const Json one = Json::parse(latency({"plan",
                                        "digits",
                                        "--fix",
                                        "stage1.width=12",
                                        "--fix",
                                        "stage2.width=16",
                                        "--budget",
                                        "3",
                                        "--json"})
                                   .out);
  EXPECT_EQ(one["chosen_among"]["networks"], 441);
  EXPECT_EQ(one["chosen_among"]["all"], true);
}

TEST_F(Stored, OpsOfAllNetworksNeedNothingAndNoBlocksAreRefused) {
  const Json plan = Json::parse(latency({"plan", "digits", "--json"}).out);
  for (const Json& op : plan["ops"])
    if (op["networks_percent"] == 100) {
      EXPECT_EQ(op["needs"], "") << op["key"];
    }
  const Ended blocks = latency({"plan", "digits", "--grouping", "ofa-mobilenetv3"});
  EXPECT_EQ(blocks.code, 2);
  EXPECT_THAT(blocks.err, HasSubstr("'digits' do not fall into blocks"));
}

TEST_F(Stored, ACheckNamesAFewOfWhatLacksAndNoUnknownOperatorAsSlow) {
  LatencyTable cut = table_;
  while (cut.entries.size() > 10) cut.entries.erase(cut.entries.begin());
  for (int i = 1; i < 9; ++i) cut.entries["foo in=3x3x" + std::to_string(i)] = {1e4, 1e4, 1e4, 3};
  write_file("cut.json", to_json(cut));
  const auto named = [](const std::string& text) {
    size_t count = 0;
    for (size_t at = 0; (at = text.find("lacks    ", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const size_t all = table_.entries.size() - 10;
  const Ended few = latency({"check", "digits", "--table", "cut.json"});
  EXPECT_EQ(few.code, 3) << few.err;
  EXPECT_EQ(named(few.out), 20U);
  EXPECT_THAT(few.out, HasSubstr("and " + std::to_string(all - 20) + " more; --limit 0"));
  EXPECT_THAT(few.err,
              AllOf(HasSubstr("8 times of no operator that is known here"),
                    HasSubstr("foo in=3x3x1"),
                    Not(HasSubstr("what others like it take"))));
  EXPECT_EQ(named(latency({"check", "digits", "--table", "cut.json", "--limit", "0"}).out), all);
  const Json said = Json::parse(latency({"check", "digits", "--table", "cut.json", "--json"}).out);
  EXPECT_EQ(said["missing"].size(), all);
  EXPECT_EQ(said["unknown"].size(), 8U);
  EXPECT_TRUE(said["odd_times"].empty());
  // A long table without any op of a kind that is needed has none that is near (it crashed).
  cut.entries.clear();
  for (int i = 1; i <= 5001; ++i)
    cut.entries["relu6 in=" + std::to_string(i) + "x1x1 out=" + std::to_string(i) + "x1x1"] = {
        .01, .01, .01, 3};
  write_file("cut.json", to_json(cut));
  EXPECT_EQ(latency({"check", "digits", "--table", "cut.json"}).code, 3);
}

}  // namespace
}  // namespace nas::test
