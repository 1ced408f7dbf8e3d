// CSV files whose rows may stand for anything, as rankings read them: which columns are ranked and
// in which direction, which rows count, and what of a file is refused, with its place.
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "cli/predict/columns.hpp"
#include "cli/predict/plain_table.hpp"
#include "spaces/base/scratch_file.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

class PlainRowsTest : public testing::Test {
 protected:
  std::string write(const std::string& text) const {
    std::ofstream(path_) << text;
    return path_;
  }
  PlainRows rows(const std::string& text,
                 const std::string& truth,
                 const std::vector<std::string>& names = {}) const {
    return plain_rows(write(text), truth, names, false, false);
  }
  /// What is wrong, after the file's name.
  std::string told(const std::string& text,
                   const std::string& truth,
                   const std::vector<std::string>& names = {}) const {
    std::string what;
    try {
      rows(text, truth, names);
      return "nothing";
    } catch (const ConfigError& e) {
      what = e.problems().at(0).message;
    } catch (const DataError& e) {
      what = e.what();
    }
    const size_t at = what.find(path_);
    return at == std::string::npos ? what : what.replace(at, path_.size(), "FILE");
  }
  ScratchFolder folder_{"nas-rows"};
  std::string path_ = folder_.path() + "/t.csv";
};

TEST_F(PlainRowsTest, AllColumnsOfNumbersAreRanked) {
  const PlainRows r = rows(
      "name,accuracy,proxy,loss,when\n"
      "a,71,0.5,2.5,monday\n"
      "b,73,0.7,2.0,tuesday\n"
      "c,72,0.6,3.0,\n",
      "accuracy");
  EXPECT_THAT(r.truth, ElementsAre(71, 73, 72));
  EXPECT_THAT(r.names, ElementsAre("line 2", "line 3", "line 4"));
  // Less loss is better, which its name says; beside an accuracy more of the proxy is.
  EXPECT_THAT(r.predicted.rankers,
              ElementsAre(Pair("proxy", ElementsAre(0.5, 0.7, 0.6)),
                          Pair("loss", ElementsAre(-2.5, -2.0, -3.0))));
  EXPECT_THAT(r.predicted.negated, ElementsAre("loss"));
  EXPECT_EQ(r.without_value, 0);
  EXPECT_THAT(as_written(r.predicted.rankers, r.predicted.negated)[1],
              Pair("loss", ElementsAre(2.5, 2.0, 3.0)));
}

TEST_F(PlainRowsTest, AsStatedBeforeAsNamed) {
  const std::string text = "accuracy,loss,macs\n1,5,7\n2,6,8\n";
  const PlainRows r = rows(text, "accuracy", {"maximize:loss", "minimize:macs"});
  EXPECT_THAT(r.predicted.rankers,
              ElementsAre(Pair("loss", ElementsAre(5, 6)), Pair("macs", ElementsAre(-7, -8))));
  // Beside a loss the smaller network is not taken for the better one: costs go with the truth.
  EXPECT_THAT(rows(text, "loss", {"macs"}).predicted.rankers,
              ElementsAre(Pair("macs", ElementsAre(-7, -8))));
  EXPECT_THAT(rows(text, "accuracy", {"macs"}).predicted.rankers,
              ElementsAre(Pair("macs", ElementsAre(7, 8))));
}

TEST_F(PlainRowsTest, RowsWithoutAValueAreLeftOutAndCounted) {
  const PlainRows r = rows(
      "accuracy,proxy,other\n"
      "1,10,5\n"
      ",11,5\n"
      "2,,5\n"
      "3,12,6\n"
      "4,13,\n",
      "accuracy",
      {"proxy", "other"});
  EXPECT_THAT(r.truth, ElementsAre(1, 3));
  EXPECT_THAT(r.predicted.rankers,
              ElementsAre(Pair("proxy", ElementsAre(10, 12)), Pair("other", ElementsAre(5, 6))));
  EXPECT_EQ(r.without_value, 3);
  EXPECT_THAT(r.names, ElementsAre("line 2", "line 5"));
  // Only the columns that are asked for.
  EXPECT_EQ(rows("accuracy,proxy,other\n1,10,5\n2,11,\n", "accuracy", {"proxy"}).without_value, 0);
}

TEST_F(PlainRowsTest, ArchitecturesCountOnce) {
  const std::string head = "architecture,accuracy,proxy\n";
  const PlainRows r = rows(head + "a,71,5\nb,72,6\na,71,5\nb,72,6\nc,73,\n", "accuracy");
  EXPECT_THAT(r.names, ElementsAre("a", "b"));
  EXPECT_EQ(r.repeated, 2);
  EXPECT_EQ(r.without_value, 1);
  EXPECT_EQ(told(head + "a,71,5\nb,72,6\na,71,7\n", "accuracy"),
            "FILE:4:6: 'a' stands twice, here with another proxy than on line 2");
  EXPECT_EQ(told(head + "a,71,5\nb,72,6\na,71,\n", "accuracy"),
            "FILE:4:6: 'a' stands twice, here with another proxy than on line 2");
  // Written differently, the same number.
  EXPECT_EQ(rows(head + "a,71,5\nb,72,6\na,71.0,5e0\n", "accuracy").repeated, 1);
}

TEST_F(PlainRowsTest, WhatIsWrongIsToldWithItsPlace) {
  EXPECT_EQ(told("a,accuracy\n1,2\n1,3\n", ""), "which column of FILE is the truth is not said");
  EXPECT_THAT(told("a,accuracy\n1,2\n1,3\n", "acuracy"), HasSubstr("acuracy"));
  EXPECT_THAT(told("proxy,accuracy\n1,2\nx,3\n", "accuracy", {"proxy"}),
              StartsWith("FILE:3:1: proxy: "));
  EXPECT_THAT(told("proxy,accuracy\n1,2\n1,x\n", "accuracy"), StartsWith("FILE:3:3: accuracy: "));
  EXPECT_EQ(told("accuracy,note\n1,x\n2,y\n", "accuracy"),
            "FILE has no column of numbers besides 'accuracy'");
  EXPECT_EQ(told("accuracy,proxy\n1,5\n2,\n", "accuracy"),
            "FILE: 1 rows hold a value of every column; a ranking needs at least 2");
  EXPECT_EQ(told("accuracy,proxy\n", "accuracy"), "FILE: has no rows");
  EXPECT_EQ(told(" [{\"accuracy\": 1}]", "accuracy"),
            "FILE is JSON; plain columns are read from CSV");
  EXPECT_EQ(told("accuracy,acc_drop\n1,5\n2,6\n", "accuracy", {"acc_drop"}),
            "whether more or less of 'acc_drop' is better cannot be told: its name changes the "
            "meaning of what it names");
  EXPECT_EQ(told("accuracy,acc_drop\n1,5\n2,6\n", "accuracy", {"minimize:acc_drop"}), "nothing");
}

TEST_F(PlainRowsTest, AColumnIsOfNumbersWhereEveryCellThatHoldsSomethingIsOne) {
  const TableFile table = plain_table(write("a,b,c,d\n1,,x,\n2.5e3,4,3,\n,5,4,\n"));
  ASSERT_EQ(table.header.size(), 4U);
  EXPECT_TRUE(numeric(table, 0));
  EXPECT_TRUE(numeric(table, 1));
  EXPECT_FALSE(numeric(table, 2));
  EXPECT_FALSE(numeric(table, 3));  // Nothing at all.
}

TEST(PredictedDirections, FollowFromTheNameOrTheTruth) {
  for (const Better truth : {Better::kHigher, Better::kLower}) {
    EXPECT_EQ(direction_of("accuracy", truth), Better::kHigher);
    EXPECT_EQ(direction_of("val_acc", truth), Better::kHigher);
    EXPECT_EQ(direction_of("loss", truth), Better::kLower);
    EXPECT_EQ(direction_of("top1_error", truth), Better::kLower);
    // Costs and names that say nothing go with the truth.
    EXPECT_EQ(direction_of("macs", truth), truth);
    EXPECT_EQ(direction_of("latency_ms", truth), truth);
    EXPECT_EQ(direction_of("proxy", truth), truth);
    EXPECT_EQ(direction_of("acc_drop", truth), std::nullopt);
  }
}

}  // namespace
}  // namespace nas::cli
