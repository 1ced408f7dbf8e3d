// A form of tables that does not ship: what every form must give is what the evaluator reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "markdown_table.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

class TableFormats : public testing::Test {
 protected:
  ~TableFormats() override { std::filesystem::remove(path_); }
  TableFile read(const std::string& text) {
    std::ofstream(path_) << text;
    std::vector<TableFormat> formats = table_formats();
    formats.insert(formats.begin(), testing_toy::markdown_table());
    return read_table_file(path_, "", formats);
  }
  std::string path_ =
      std::filesystem::temp_directory_path() / ("nas-table-" + std::to_string(::getpid()));
};

TEST_F(TableFormats, AllGiveTheSameCells) {
  for (const char* text :
       {"| architecture | accuracy |\n|---|---|\n| 3,2 | 0.5 |\n| 1,1 | 75 % |\n",
        "architecture,accuracy\n\"3,2\",0.5\n\"1,1\",75 %\n",
        "[{\"architecture\": \"3,2\", \"accuracy\": 0.5}, "
        "{\"architecture\": \"1,1\", \"accuracy\": \"75 %\"}]"}) {
    const TableFile table = read(text);
    ASSERT_EQ(table.rows.size(), 2u) << text;
    EXPECT_EQ(table.key, 0u);
    EXPECT_EQ(table.rows[0][0].text, "3,2");
    const size_t column = column_of(table, "accuracy");
    EXPECT_EQ(value_of(table.rows[0][column]).number, 0.5);
    EXPECT_EQ(value_of(table.rows[1][column]).number, 0.75);
    EXPECT_EQ(table.sha256.size(), 64u);
  }
}

TEST_F(TableFormats, PlacesAreThoseOfTheFile) {
  const TableFile table = read("| architecture | accuracy |\n|---|---|\n| 3,2 | 0.5 |\n");
  EXPECT_EQ(table.rows[0][1].line, 3);
  try {
    column_of(table, "acuracy");
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr(path_ + ":1:"));
    EXPECT_THAT(e.what(), HasSubstr("Did you mean 'accuracy'?"));
  }
}

TEST_F(TableFormats, ATextOfNoFormIsRefused) {
  std::ofstream(path_) << "a,b\n1,2\n";
  EXPECT_THROW(read_table_file(path_, "", {testing_toy::markdown_table()}), DataError);
}

}  // namespace
}  // namespace nas
