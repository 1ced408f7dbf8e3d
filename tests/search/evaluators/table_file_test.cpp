// Tables as spreadsheets, pandas and scripts write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_file.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/csv.hpp"

namespace nas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const std::vector<CsvCell>& row) {
  std::vector<std::string> out;
  for (const CsvCell& cell : row) out.push_back(cell.text);
  return out;
}

TEST(Csv, CellsAndTheirPlaces) {
  for (const std::string& text : {std::string("a,b\n1,2\n"),
                                  std::string("\xef\xbb\xbf"
                                              "a,b\r\n1,2\r\n"),
                                  std::string("a,b\r1,2\r"),
                                  std::string("a;b\n1;2"),
                                  std::string("a\tb\n1\t2\n"),
                                  std::string("sep=|\na|b\n1|2\n"),
                                  std::string("# made by hand\n\na , \"b\"\n\n 1 ,\t2 \n,,\n"),
                                  std::string("a,b\n1,2,,\n")}) {
    const Csv csv = read_csv("t.csv", text);
    EXPECT_THAT(texts(csv.header), ElementsAre("a", "b")) << text;
    ASSERT_EQ(csv.rows.size(), 1u) << text;
    EXPECT_THAT(texts(csv.rows[0]), ElementsAre("1", "2")) << text;
  }
  const Csv csv = read_csv("t.csv", "a,b\n\"x\"\"y\nz,\" , 5\n");
  EXPECT_THAT(texts(csv.rows[0]), ElementsAre("x\"y\nz,", "5"));
  EXPECT_EQ(csv.rows[0][1].line, 3);
  EXPECT_EQ(csv.rows[0][1].column, 7);
  // Commas in the cells of a table of semicolons.
  EXPECT_THAT(texts(read_csv("t.csv", "a;b\n[4,3,3];1\n").rows[0]), ElementsAre("[4,3,3]", "1"));
  const auto error = [](const std::string& text) -> std::string {
    try {
      read_csv("t.csv", text);
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(error("a,b\n1,2\n[4,3,3],1\n"), HasSubstr("t.csv:3:6: 4 cells, the header has 2"));
  EXPECT_THAT(error("a,b,c\n1,2,3\n1,2\n"), HasSubstr("t.csv:3:3: 2 cells, the header has 3"));
  EXPECT_THAT(error("a,b\n 1,\"2\n"), HasSubstr("t.csv:2:4: a quoted cell does not end"));
  EXPECT_THAT(error("a,b\n\"1\"x,2\n"), HasSubstr("t.csv:2:4: a quoted cell is followed"));
}

TEST(Csv, Numbers) {
  const auto number = [](const std::string& text) { return value_of({text, 1, 1}); };
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, double>>{{"63.2", 63.2},
                                                   {" 63.2 ", 63.2},
                                                   {"+63.2", 63.2},
                                                   {"-1e-3", -1e-3},
                                                   {"63.2%", 0.632},
                                                   {"63.2 %", 0.632},
                                                   {"+1e2%", 1},
                                                   {"\u00a063.2\u202f%", 0.632},
                                                   {"\u22121", -1},
                                                   {".5", .5}}) {
    EXPECT_EQ(number(text).kind, CellValue::Kind::kNumber) << text;
    EXPECT_EQ(number(text).number, value) << text;
  }
  for (const char* text : {"", " ", "NaN", "nan", "NA", "n/a", "null", "None", "-"})
    EXPECT_EQ(number(text).kind, CellValue::Kind::kNone) << text;
  for (const char* text :
       {"63,2", "1,234.5", "inf", "1e999", "abc", "0x10", "+-1", "++1", "%", "+", "1.2.3", "1 2"})
    EXPECT_EQ(number(text).kind, CellValue::Kind::kBad) << text;
  EXPECT_THAT(number("63,2").why, HasSubstr("decimals with a point"));
}

class Tables : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "nas-tables-" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  TableEvaluator table(const std::string& content) {
    options_.file = folder_ + "/t.csv";
    std::ofstream(options_.file, std::ios::binary) << content;
    return TableEvaluator(*space_, options_);
  }
  std::string error(const std::string& content) {
    try {
      table(content);
    } catch (const Error& e) {
      return e.what();
    }
    return "read";
  }
  double value(TableEvaluator& table, const std::string& arch = "[4,3,3]") {
    const Architecture a = space_->parse(arch);
    const Evaluation found = table.evaluate({&a, 1})[0];
    return found.values.empty() ? -1 : found.values.begin()->second;
  }
  std::unique_ptr<Space> space_ = load_space("resnet20-pool");
  std::string folder_;
  TableOptions options_;
};

TEST_F(Tables, FormsThatSayTheSame) {
  for (const std::string& text :
       {std::string("architecture,accuracy\n\"[4,3,3]\",63.2\n\"[1,1,8]\",50\n"),
        std::string("architecture, accuracy\n\"[4,3,3]\", +63.2 \n\"[1,1,8]\",50 \n"),
        std::string(",architecture,accuracy\n0,\"[4,3,3]\",63.2\n1,\"[1,1,8]\",50\n"),
        std::string("Unnamed: 0,Arch,accuracy\n0,\"[4,3,3]\",63.2\n1,\"[1,1,8]\",50\n"),
        std::string("architecture;accuracy\r\n[4,3,3];63.2\r\n[1,1,8];50\r\n"),
        std::string("architecture\taccuracy\tnote\n[4,3,3]\t63.2\tgood\n[1,1,8]\t50\tbad\n"),
        std::string("architecture,accuracy\n\"[4,3,3]\",63.2\n\"[1,1,8]\",50\n\"[4,3,3]\",63.2\n"),
        std::string("{\"[4,3,3]\": 63.2,\n \"[1,1,8]\": 50, \"[2,2,6]\": NaN}"),
        std::string("{\"[4,3,3]\": \"63.2\",\n \"[1,1,8]\": 50, \"[2,2,6]\": null}"),
        std::string("{\"architecture\": \"[4,3,3]\", \"accuracy\": 63.2}\n"
                    "{\"architecture\": [1,1,8], \"accuracy\": 50}\n"),
        std::string("{\"[4,3,3]\": 63.2}\n{\"[1,1,8]\": 50}\n"),
        std::string("[{'arch': '[4,3,3]', 'accuracy': 63.2}, {'arch': [1,1,8], 'accuracy': 50}]"),
        std::string("{\"schema\": \"nas-x/1\", \"architectures\": [{\"architecture\": \"[4,3,3]\", "
                    "\"accuracy\": 63.2}, {\"architecture\": \"[1,1,8]\", \"accuracy\": 50}]}")}) {
    SCOPED_TRACE(text);
    TableEvaluator read = table(text);
    EXPECT_EQ(read.metrics().size(), 1u);
    EXPECT_EQ(value(read), 63.2);
    EXPECT_EQ(value(read, "[1,1,8]"), 50);
    EXPECT_EQ(value(read, "[2,2,6]"), -1);
    EXPECT_EQ(read.size(), 2u);
  }
}

TEST_F(Tables, PercentsAndRepetitionsAreTold) {
  TableEvaluator percent = table("arch;accuracy\n[4,3,3];63.2%\n[1,1,8];50 %\n[4,3,3]; 63.2 %\n");
  EXPECT_EQ(value(percent), 0.632);
  EXPECT_EQ(percent.facts().repeated, 1);
  EXPECT_THAT(percent.notes(),
              ElementsAre(HasSubstr("read as a fraction"), HasSubstr("1 row repeat")));
  EXPECT_THAT(error("arch;accuracy\n[4,3,3];63.2%\n[1,1,8];50\n"),
              HasSubstr("t.csv:3:9: accuracy: '50' is written without %"));
}

TEST_F(Tables, TheFirstBadCellIsNamed) {
  EXPECT_THAT(error("arch;acc\n[4,3,3]; 63,2\n[1,1,8];50,1\n"),
              HasSubstr("t.csv:2:10: has no column of numbers: acc: '63,2' holds a comma"));
  EXPECT_THAT(error("arch;acc;x\n[4,3,3];63.2;1\n[1,1,8];oops;2\n[2,2,6];1;3\n"),
              HasSubstr("t.csv:3:9: acc: 'oops' is not a finite number"));
  EXPECT_THAT(error("arch;acc\n[4,3,3];1\n [4,3,4];2\n"),
              HasSubstr("t.csv:3:2: not an architecture"));
  EXPECT_THAT(error("arch;acc\n[4,3,3];1\n[4,3,3];2\n"),
              HasSubstr("t.csv:3:1: repeats the architecture of line 2"));
  EXPECT_THAT(error("{\"[4,3,3]\": 1,\n \"[4,3,3]\": 2}"), HasSubstr("t.csv:2:13: repeats"));
  EXPECT_THAT(error("{\"[4,3,3]\": 1,\n \"[1,1,8]\": [2]}"), HasSubstr("t.csv:2:13: is neither"));
  EXPECT_THAT(error("{\"[4,3,3]\": 1,\n \"[1,1,8]\": true}"),
              HasSubstr("t.csv:2:13: value: 'true'"));
  EXPECT_THAT(error("[{\"arch\": \"[4,3,3]\", \"a\": 1, \"a\": 2}]"), HasSubstr("given twice"));
  EXPECT_THAT(error("arch;a;a\n[4,3,3];1;2\n"), HasSubstr("t.csv:1:8: has two columns 'a'"));
  EXPECT_THAT(error("arch acc\n[4,3,3] 1\n"), HasSubstr("separated by commas"));
  EXPECT_THAT(error(std::string("arch,acc\n\0", 10)), HasSubstr("t.csv:2:1: holds a NUL"));
}

// Rows of resnet20-pool with these values in a column of this name.
std::string column(const std::string& name, const std::vector<std::string>& values) {
  std::string text = "arch;" + name + "\n";
  int row = 0;
  for (int x = 1; x <= 8; ++x)
    for (int y = 1; x + y <= 9 && row < static_cast<int>(values.size()); ++y, ++row)
      text += "[" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(10 - x - y) +
              "];" + values[static_cast<size_t>(row)] + "\n";
  return text;
}
std::vector<std::string> percents(const std::vector<std::string>& odd) {
  std::vector<std::string> list;
  for (int i = 50; i < 80; ++i) list.push_back(std::to_string(i) + ".5");
  list.insert(list.begin() + 4, odd.begin(), odd.end());
  return list;
}

// The rows begin in line 2 and "[1,5,4];" has eight characters: the odd cell stands at 6:9. The
// rules are in value_check_test.cpp.
TEST_F(Tables, ACellThatCannotBeIsNamed) {
  for (const char* name : {"accuracy", "acc", "test_accuracy", "top1", "top1_error"}) {
    const auto said = [&](const std::string& odd) { return error(column(name, percents({odd}))); };
    const std::string place = "t.csv:6:9: " + std::string(name) + ": '";
    EXPECT_THAT(said("-63.2"), HasSubstr(place + "-63.2' is negative"));
    EXPECT_THAT(said("632"), HasSubstr(place + "632' is above 100 %"));
    EXPECT_THAT(said("0.632"), HasSubstr(place + "0.632' is a share among percents"));
    EXPECT_THAT(said("0.632"), HasSubstr("; write 63.2. Where it is meant"));
    for (const char* fine : {"0", "63.2", "100", "NaN", "1", "0.1"}) EXPECT_EQ(said(fine), "read");
  }
  EXPECT_THAT(error(column("test_error", percents({"0.55"}))),
              HasSubstr("t.csv:6:9: test_error: '0.55' is a share among percents"));
  EXPECT_THAT(error(column("err", {"0.3", "-0.1"})),
              HasSubstr("t.csv:3:9: err: '-0.1' is negative"));
  EXPECT_THAT(error(column("energy", {"3", "-0.1"})), HasSubstr("t.csv:3:9: energy: '-0.1'"));
  // As many of one kind as of the other.
  EXPECT_THAT(error(column("acc", {"0.5", "0.6", "50", "60"})), HasSubstr("t.csv:2:9: acc: '0.5'"));
  EXPECT_THAT(
      error(column("acc", {"0.5", "0.6", "0.7", "60"})),
      HasSubstr("t.csv:5:9: acc: '60' is a percentage among shares (0.5 .. 0.7); write 0.6"));
  EXPECT_THAT(error(column("acc", {"50%", "60%", "632%"})), HasSubstr("'632%' is above 100 %"));
  EXPECT_THAT(error(column("acc", {"50%", "-60%"})), HasSubstr("'-60%' is negative"));
  EXPECT_EQ(error(column("acc", {"50%", "60%", "0.632%"})), "read");  // As it says.
  EXPECT_THAT(error(column("latency_ms", {"5", "-1"})), HasSubstr("t.csv:3:9: latency_ms: '-1'"));
  EXPECT_THAT(error("{\"[4,3,3]\": {\"acc\": 63},\n \"[1,1,8]\": {\"acc\": -1}}"),
              HasSubstr("t.csv:2:21: acc: '-1' is negative"));
}

TEST_F(Tables, SmallNumbersThatAreRightAreRead) {
  // Chance of 100 and of 120 classes, among accuracies in percent as published: told.
  for (const auto& text : {column("cifar100_acc", {"1.0", "1.0", "45.3", "61", "73.5", "70", "68"}),
                           column("imagenet_acc", {"0.83", "0.83", "12.5", "33", "47.3", "45"})})
    EXPECT_THAT(table(text).warnings(), ElementsAre(HasSubstr("(and 1 more like it)")));
  // All of them poor; the unit stated in the name; spreads; other things.
  for (const auto& text : {column("accuracy", {"0.2", "0.9", "3.1", "5", "8"}),
                           column("acc_percent", {"0.632", "50", "60", "70"}),
                           column("acc_std", {"0.1", "0.9", "1.3", "12"}),
                           column("accuracy_drop", {"-0.5", "20", "30"}),
                           column("neg_acc", {"-60", "-50"}),
                           column("latency_ms", {"0.3", "20", "40", "300"}),
                           column("loss", {"-0.3", "2"})})
    EXPECT_TRUE(table(text).warnings().empty()) << text;
}

TEST_F(Tables, OddCellsOfAColumnThatSaysNothingAreTold) {
  for (const char* odd : {"-63.2", "632", "0.632"}) {
    TableEvaluator read = table(column("value", percents({odd})));
    EXPECT_THAT(read.warnings(),
                ElementsAre(HasSubstr("t.csv:6:9: value: '" + std::string(odd) + "' ")));
  }
  EXPECT_THAT(table(column("value", {"0.5", "0.6", "50", "60"})).warnings(),
              ElementsAre(HasSubstr("may be a share among percents (50 .. 60)")));
  EXPECT_TRUE(table(column("value", percents({"0", "1"}))).warnings().empty());
  EXPECT_TRUE(table(column("value", {"0.5", "20", "300"})).warnings().empty());
}

// 63.2% of a column whose name says percent is 63.2, and 0.9 is 0.9.
TEST_F(Tables, AUnitInTheNameWins) {
  TableEvaluator read = table("arch;acc_percent\n[4,3,3];63.2%\n[1,1,8];0.9%\n");
  EXPECT_EQ(value(read), 63.2);
  EXPECT_TRUE(read.notes().empty());
  TableEvaluator small = table("arch;err (%)\n[4,3,3];0.3\n[1,1,8];0.9\n");
  EXPECT_EQ(value(small), 0.3);
  EXPECT_THAT(small.warnings(), ElementsAre(HasSubstr("taken for percents, as its name says")));
}

TEST_F(Tables, NamesThatChangeTheMeaningAreRefused) {
  const auto renamed = [&](const std::string& rename, const std::string& name) {
    options_.metrics = {rename};
    const std::string said = error(column(name, {"55", "71", "60"}));
    options_.metrics.clear();
    return said;
  };
  EXPECT_THAT(renamed("latency_ms = latency_us", "latency_us"),
              HasSubstr("t.csv:1:6: 'latency_ms = latency_us' cannot be: the two names state"));
  EXPECT_THAT(renamed("accuracy = err", "err"), HasSubstr("'accuracy' is an accuracy, 'err' an"));
  EXPECT_EQ(renamed("accuracy = acc (%)", "acc (%)"), "read");
  EXPECT_EQ(renamed("lat_ms = latency (ms)", "latency (ms)"), "read");
  // What is refused can be confirmed.
  EXPECT_THAT(error(column("acc", percents({"0.9"}))), HasSubstr("'acc_percent = acc'"));
  options_.metrics = {"acc_percent = acc"};
  EXPECT_EQ(error(column("acc", percents({"0.9"}))), "read");
}

TEST_F(Tables, FormsOfOneNetworkAreCountedInJsonToo) {
  space_ = load_space("nasbench201");
  TableEvaluator read = table("{\"3,0,0,0,1,0\": 1, \"0,3,0,0,0,1\": 4, \"3,3,3,3,3,3\": 2}");
  EXPECT_EQ(read.facts().merged, 1);
  EXPECT_EQ(read.facts().largest_spread, 3);
  EXPECT_EQ(read.size(), 2u);
}

TEST_F(Tables, NumbersOfArchitectures) {
  options_.index_from = 1;
  TableEvaluator read = table("arch,acc\n1,5\n2.0,6\n");
  EXPECT_EQ(read.size(), 2u);
  EXPECT_THAT(error("arch,acc\n1,5\n0,6\n"), HasSubstr("t.csv:3:1: '0' is no number"));
  EXPECT_THAT(error("arch,acc\n1.5,5\n"), HasSubstr("t.csv:2:1: '1.5' is no number"));
  EXPECT_TRUE(read.notes().empty());  // Published in this order.
  EXPECT_THAT(error("arch,acc\n#5,5\n"),
              testing::AllOf(HasSubstr("t.csv:2:1: '#5' is a number of nas space enumerate, which "
                                       "counts from 0"),
                             testing::Not(HasSubstr("no number"))));
  options_.index_from = -1;
  EXPECT_THAT(error("arch,acc\n1,5\n2.0,6\n"),
              testing::AllOf(HasSubstr("t.csv:2:1: "), HasSubstr("--index-from N")));
}

// NAS-Bench-201's index is no number of this program.
TEST_F(Tables, NumbersOfABenchmarkAreNotThoseOfTheSpace) {
  space_ = load_space("nasbench201");
  EXPECT_THAT(error("arch,acc\n9776,90\n"),
              testing::AllOf(
                  HasSubstr("t.csv:2:1: "), HasSubstr("bare number"), HasSubstr("--index-from 0")));
  EXPECT_THAT(error("{\"9776\": 90}"), HasSubstr("bare number"));
  EXPECT_EQ(error("arch,acc\n#9776,90\n"), "read");
  options_.index_from = 0;
  TableEvaluator read = table("arch,acc\n9776,90\n");
  EXPECT_EQ(value(read, "3,0,3,1,0,1"), 90);
  EXPECT_THAT(read.notes(), ElementsAre(HasSubstr("NAS-Bench-201's own index is another order")));
}

}  // namespace
}  // namespace nas
