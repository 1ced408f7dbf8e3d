// What trainings cost, and which plain run cost as much as one with several weight sets.
#include "cli/report/training/compute.hpp"

#include <gmock/gmock.h>

#include "search/store/store.hpp"
#include "spaces/base/scratch_file.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ComputeTest : public testing::Test {
 protected:
  struct Made {
    std::string id;
    double macs = 0;  ///< Of all its epochs.
    std::string config = "weights: single\n";
    std::string status = "finished", print = "same", split = "same", name = "";
    double scoring = 0, validation = 0;
    int64_t epochs = 4;
  };
  void add(const Made& m) {
    RunRow row;
    row.id = m.id;
    row.name = m.name;
    row.command = "train";
    row.status = "running";
    row.space = "resnet20-pool";
    row.fingerprint = m.print;
    row.config_yaml = m.config;
    row.versions_json = "{}";
    store_.add_run(row);
    store_.add_splits({{m.id, "validation", m.split, 100}});
    std::vector<MetricRow> rows;
    for (int64_t k = 1; k <= m.epochs; ++k) {
      const auto part = static_cast<double>(k) / static_cast<double>(m.epochs);
      rows.push_back({k, "train.macs", m.macs * part});  // So far.
      rows.push_back({k, "train.paths", 10});            // Of the epoch.
      rows.push_back({k, "time.seconds", 1.5});
      if (k == 2) rows.push_back({k, "time.scoring_seconds", 0.75});
      if (m.validation > 0)
        rows.push_back({k, "train.validation_macs", m.validation / static_cast<double>(m.epochs)});
    }
    if (m.scoring > 0) {
      rows.push_back({2, "split.scoring_macs", m.scoring});
      rows.push_back({2, "split.scoring_passes", 30});
    }
    store_.add_metrics(m.id, rows);
    if (m.status == "finished") store_.finish_run(m.id, "finished");
  }
  Json equal(const std::vector<std::string>& runs) const {
    Common common;
    common.db = store_.path();
    return equal_compute(store_, runs, common);
  }
  /// The plain run found for `mixed`, "" where there is none.
  std::string baseline() const {
    const Json list = equal({"mixed"});
    return list.at(0)["baseline"].is_null() ? "" : list[0]["baseline"].get<std::string>();
  }
  static constexpr const char* kMixed = "weights: {kind: mixture, sets: 2}\n";
  ScratchFolder folder_{"nas-compute"};
  Store store_{folder_.path() + "/nas.db"};
};

TEST_F(ComputeTest, AddsUpWhatEpochsKeptForThemselves) {
  add({.id = "t", .macs = 4e9, .scoring = 1e9, .validation = 2e8});
  const Compute c = compute_of(store_, "t");
  EXPECT_EQ(c.epochs, 4);
  EXPECT_DOUBLE_EQ(c.passes, 40);
  EXPECT_DOUBLE_EQ(c.macs, 4e9);
  EXPECT_DOUBLE_EQ(c.validation_macs, 2e8);
  EXPECT_DOUBLE_EQ(c.scoring_macs, 1e9);
  EXPECT_DOUBLE_EQ(c.scoring_passes, 30);
  EXPECT_DOUBLE_EQ(c.seconds, 6);
  EXPECT_DOUBLE_EQ(c.scoring_seconds, 0.75);
  EXPECT_DOUBLE_EQ(c.all_macs(), 5.2e9);
  EXPECT_EQ(compute_json(c),
            (Json{{"epochs", 4},
                  {"passes", 40.0},
                  {"macs", 4e9},
                  {"validation_macs", 2e8},
                  {"scoring_passes", 30.0},
                  {"scoring_macs", 1e9},
                  {"seconds", 6.0},
                  {"scoring_seconds", 0.75}}));
  const auto lines = compute_lines(c);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].second, "40 passes, 4G multiply-adds");
  EXPECT_EQ(lines[1].second, "30 passes, 1G multiply-adds (25 % of training)");
  EXPECT_EQ(lines[2].second, "200M multiply-adds");
  EXPECT_EQ(lines[3].second, "6.00s, and 0.75s of scoring");
}

TEST_F(ComputeTest, BeforeTheFirstEpochThereIsNone) {
  add({.id = "t", .status = "running", .epochs = 0});
  const Compute c = compute_of(store_, "t");
  EXPECT_EQ(c.epochs, 0);
  EXPECT_TRUE(compute_json(c).is_null());
  EXPECT_THAT(compute_lines(c), IsEmpty());
}

TEST_F(ComputeTest, TheNearestPlainRunWithinFivePercentIsTheBaseline) {
  add({.id = "mixed", .macs = 9e9, .config = kMixed, .scoring = 1e9});
  EXPECT_EQ(baseline(), "");
  add({.id = "far", .macs = 10.6e9});
  EXPECT_EQ(baseline(), "");
  add({.id = "over", .macs = 10.4e9, .name = "long one"});
  EXPECT_EQ(baseline(), "over");
  add({.id = "under", .macs = 9.7e9});
  EXPECT_EQ(baseline(), "under");
  add({.id = "best", .macs = 9.99e9, .config = "weights:\n  kind: single\n"});
  EXPECT_EQ(baseline(), "best");
}

TEST_F(ComputeTest, RunsThatAreNoBaselineAreLeftOut) {
  add({.id = "mixed", .macs = 10e9, .config = kMixed});
  add({.id = "running", .macs = 10e9, .status = "running"});
  add({.id = "another-space", .macs = 10e9, .print = "other"});
  add({.id = "other-images", .macs = 10e9, .split = "other"});
  add({.id = "several", .macs = 10e9, .config = "weights: few-shot\n"});
  add({.id = "alone", .macs = 10e9, .config = "weights: single\nstrategy: fixed\n"});
  add({.id = "alone-too", .macs = 10e9, .config = "strategy: {name: fixed}\n"});
  EXPECT_EQ(baseline(), "");
  add({.id = "old", .macs = 10e9, .config = "space: x\n"});  // Had no section `weights`.
  EXPECT_EQ(baseline(), "old");
}

TEST_F(ComputeTest, WhereThereIsNoneACommandMakesIt) {
  add({.id = "mixed", .macs = 8e9, .config = kMixed, .scoring = 1e9});
  const Json list = equal({"mixed"});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["weights"], "mixture");
  EXPECT_DOUBLE_EQ(list[0]["macs"].get<double>(), 9e9);
  // 9e9 of 2e9 an epoch: five epochs, of which the budget ends the last in its middle.
  EXPECT_EQ(list[0]["epochs"].get<double>(), 5);
  EXPECT_THAT(list[0]["make"].get<std::string>(),
              HasSubstr(" --set weights=single --set train.epochs=5 --set "
                        "train.budget.macs=9000000000"));
  EXPECT_THAT(equal_compute_text(list),
              HasSubstr("run mixed (mixture, 9G multiply-adds with scoring): the store has no "
                        "one-shot run of equal compute"));
}

TEST_F(ComputeTest, TheSentenceSaysWhetherBothWereRanked) {
  add({.id = "mixed", .macs = 10e9, .config = kMixed});
  add({.id = "plain", .macs = 9.8e9, .name = "one shot"});
  const Json alone = equal({"mixed"}), both = equal({"plain", "mixed"});
  ASSERT_EQ(both.size(), 1U);  // A plain run has no baseline.
  EXPECT_FALSE(alone[0]["ranked"].get<bool>());
  EXPECT_TRUE(both[0]["ranked"].get<bool>());
  EXPECT_NEAR(both[0]["ratio"].get<double>(), 0.98, 1e-12);
  const std::string sentence =
      "run mixed (mixture, 10G multiply-adds with scoring): the one-shot run of equal compute is "
      "plain (one shot), 9.8G multiply-adds, 0.98 of it";
  EXPECT_EQ(equal_compute_text(both), sentence);
  EXPECT_EQ(equal_compute_text(alone), sentence + "; rank both: --run mixed --run plain");
  EXPECT_EQ(equal_compute_text(Json::array()), "");
}

TEST_F(ComputeTest, RunsWithoutEpochsOrUnknownAreNotCompared) {
  add({.id = "mixed", .config = kMixed, .status = "running", .epochs = 0});
  add({.id = "odd", .macs = 1e9, .config = "weights: [1\n"});
  EXPECT_THAT(equal({"mixed", "odd", "nowhere"}), IsEmpty());
}

}  // namespace
}  // namespace nas::cli
