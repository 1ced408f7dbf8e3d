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
  for (const auto& [text, value] : std::vector<std::pair<std::string, double>>{{"63.2", 63.2},
                                                                               {" 63.2 ", 63.2},
                                                                               {"+63.2", 63.2},
                                                                               {"-1e-3", -1e-3},
                                                                               {"63.2%", 0.632},
                                                                               {"63.2 %", 0.632},
                                                                               {"+1e2%", 1},
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
}

}  // namespace
}  // namespace nas
