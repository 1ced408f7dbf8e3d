// Tables as spreadsheets and scripts write them: cells with their places, any separator, and
// random tables that are written and read back.
#include "spaces/text/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Table = std::vector<std::vector<std::string>>;

Table cells(const Csv& csv) {
  Table table;
  const auto add = [&](const std::vector<CsvCell>& row) {
    auto& texts = table.emplace_back();
    for (const CsvCell& cell : row) texts.push_back(cell.text);
  };
  if (!csv.header.empty()) add(csv.header);
  for (const auto& row : csv.rows) add(row);
  return table;
}
Table cells(const std::string& text) {
  return cells(read_csv("t.csv", text));
}

std::string refusal(const std::string& text) {
  try {
    read_csv("t.csv", text);
  } catch (const DataError& e) {
    return e.what();
  }
  return "read";
}

TEST(Csv, TheSeparatorIsWhatTheRowsAgreeOn) {
  const Table expected = {{"a", "b"}, {"1", "2"}, {"3", "4"}};
  for (const char* text : {"a,b\n1,2\n3,4\n",
                           "a;b\n1;2\n3;4\n",
                           "a\tb\n1\t2\n3\t4\n",
                           "sep=;\na;b\n1;2\n3;4\n",
                           "\xef\xbb\xbfsep=|\r\na|b\r\n1|2\r\n3|4",
                           "\xef\xbb\xbf"
                           "a,b\r\n1,2\r\n3,4\r\n",
                           "a,b\r1,2\r3,4\r",
                           "# made by hand\n\na, b\n\n 1 ,2\n#\n3,\t4\n\n",
                           "\"a\",\"b\"\n\"1\",2\n3,\"4\"\n"})
    EXPECT_EQ(cells(text), expected) << text;
  EXPECT_EQ(read_csv("t", "a;b,c\n1;2,5\n3;4,5\n").separator, ',') << "the first that agrees";
  // Decimal commas between semicolons.
  EXPECT_EQ(cells("x;y\n1,5;2,5\n3;4,5\n"), (Table{{"x", "y"}, {"1,5", "2,5"}, {"3", "4,5"}}));
  // Texts with commas in a table of tabs.
  EXPECT_EQ(cells("name\tv\na,b\t1\nc\t2\n"), (Table{{"name", "v"}, {"a,b", "1"}, {"c", "2"}}));
}

TEST(Csv, QuotedCellsHoldAnything) {
  EXPECT_EQ(cells("a,b\n\"1,2\",\"say \"\"so\"\"\"\n"), (Table{{"a", "b"}, {"1,2", "say \"so\""}}));
  EXPECT_EQ(cells("a,b\n\"two\nlines\",\"\"\nx,y\n"),
            (Table{{"a", "b"}, {"two\nlines", ""}, {"x", "y"}}));
  // Line ends inside are one newline, whatever they were.
  EXPECT_EQ(cells("a,b\r\n\"1\r\n2\r3\",z\r\n"), (Table{{"a", "b"}, {"1\n2\n3", "z"}}));
  EXPECT_EQ(cells("a,b\n  \"  kept  \"  ,x\n"), (Table{{"a", "b"}, {"  kept  ", "x"}}));
  // A quote inside of a plain cell is a character.
  EXPECT_EQ(cells("a,b\n5\" pipe,x\n"), (Table{{"a", "b"}, {"5\" pipe", "x"}}));
}

TEST(Csv, CellsKnowTheirPlaces) {
  const Csv csv = read_csv("t", "\xef\xbb\xbfid , value\n# note\n\n 7,  \"a\nb\" \n8,c\n");
  const auto place = [](const CsvCell& cell) { return std::pair(cell.line, cell.column); };
  ASSERT_EQ(csv.rows.size(), 2u);
  EXPECT_EQ(place(csv.header[0]), std::pair(1, 1)) << "the mark has no column";
  EXPECT_EQ(place(csv.header[1]), std::pair(1, 6));
  EXPECT_EQ(place(csv.rows[0][0]), std::pair(4, 2));
  EXPECT_EQ(place(csv.rows[0][1]), std::pair(4, 6));
  EXPECT_EQ(place(csv.rows[1][0]), std::pair(6, 1)) << "the quoted cell took two lines";
  EXPECT_EQ(place(csv.rows[1][1]), std::pair(6, 3));
}

TEST(Csv, RowsHaveAsManyCellsAsTheHeader) {
  EXPECT_EQ(cells("a,b\n1,2,,,\n3,\n"), (Table{{"a", "b"}, {"1", "2"}, {"3", ""}}));
  EXPECT_EQ(refusal("a,b\n1,2\n1,2,3,4\n"),
            "t.csv:3:5: 4 cells, the header has 2; a text that holds ',' must stand in double "
            "quotes");
  EXPECT_EQ(refusal("a;b;c\n1;2;3\n1;2\n"), "t.csv:3:3: 2 cells, the header has 3");
  EXPECT_EQ(refusal("a\n1|2\n"), "read") << "one column";
  EXPECT_EQ(refusal("a\n1\n1,2\n"),
            "t.csv:3:3: 2 cells, the header has 1; cells are separated by commas, semicolons or "
            "tabs");
}

TEST(Csv, QuotesThatDoNotCloseAreToldWhereTheyOpen) {
  EXPECT_EQ(refusal("a,b\n1,\"two\nthree\n"), "t.csv:2:3: a quoted cell does not end");
  EXPECT_EQ(refusal("a,b\n1,\"two\" three\n"), "t.csv:2:9: a quoted cell is followed by more text");
  EXPECT_EQ(refusal("a,b\n1,\""), "t.csv:2:3: a quoted cell does not end");
  EXPECT_EQ(refusal("\"a\"\"\n"), "t.csv:1:1: a quoted cell does not end");
}

TEST(Csv, NothingIsATableWithoutRows) {
  for (const char* text :
       {"", "\n\n", "\xef\xbb\xbf", "# only\n# notes\n", ",,,\n\"\"\n", "sep=;\n"}) {
    const Csv csv = read_csv("t", text);
    EXPECT_TRUE(csv.header.empty()) << text;
    EXPECT_TRUE(csv.rows.empty()) << text;
  }
  EXPECT_EQ(cells("a,b"), (Table{{"a", "b"}}));
  // Comments are told by the blank behind their sign: numbers of architectures are none.
  EXPECT_EQ(cells("a,b\n#12,1\n#x,2\n"), (Table{{"a", "b"}, {"#12", "1"}, {"#x", "2"}}));
}

TEST(Csv, MessagesOfPlacesAreWhole) {
  const auto said = [](int line) -> std::string {
    try {
      fail_at("f.csv", line, 7, "is wrong");
    } catch (const DataError& e) {
      return e.what();
    }
  };
  EXPECT_EQ(said(3), "f.csv:3:7: is wrong");
  EXPECT_EQ(said(0), "f.csv: is wrong");
}

// Random tables, each written with a random separator, line end and more quotes than it needs.
TEST(Csv, WhatIsWrittenIsReadBack) {
  Rng rng(1, "csv");
  const std::string alphabet = "ab1.,;\t\"' \n#-";
  for (int i = 0; i < 600; ++i) {
    const char separator = ",;\t"[rng.below(3)];
    const std::string end = std::vector<std::string>{"\n", "\r\n", "\r"}[rng.below(3)];
    const size_t columns = 2 + rng.below(4), rows = 1 + rng.below(6);
    Table table;
    std::string text = rng.below(4) == 0 ? "\xef\xbb\xbf" : "";
    for (size_t r = 0; r < rows; ++r) {
      auto& row = table.emplace_back();
      for (size_t c = 0; c < columns; ++c) {
        // The first cell is never empty: a row of nothing is no row.
        std::string cell(c == 0 ? 1 : 0, 'x');
        for (uint64_t k = rng.below(6); k > 0; --k) cell += alphabet[rng.below(alphabet.size())];
        std::string written;
        for (const char ch : cell)
          written += ch == '"' ? "\"\"" : ch == '\n' ? end : std::string(1, ch);
        const bool plain = cell.empty() || (cell.find_first_of(",;\t\"\n#") == std::string::npos &&
                                            cell.front() != ' ' && cell.back() != ' ');
        text += plain && rng.below(2) == 0 ? written : "\"" + written + "\"";
        if (c + 1 < columns) text += separator;
        row.push_back(cell);
      }
      text += end;
    }
    // Where every row agrees on another separator, that one is as good: say which.
    const std::string named = std::string("sep=") + separator + "\n";
    const bool mark = text.substr(0, 3) == "\xef\xbb\xbf";
    const std::string whole = mark ? text.substr(0, 3) + named + text.substr(3) : named + text;
    ASSERT_EQ(cells(whole), table) << whole;
  }
}

// Whatever the bytes are, the reader answers with a table that is rectangular or with a place.
TEST(Csv, AnyBytesAreATableOrARefusal) {
  Rng rng(2, "csv");
  const std::string alphabet = "a1,;\t\"\n\r #=s\xef\xbb\xbf\xff";
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (uint64_t k = rng.below(40); k > 0; --k) text += alphabet[rng.below(alphabet.size())];
    try {
      const Csv csv = read_csv("t.csv", text);
      for (const auto& row : csv.rows) ASSERT_EQ(row.size(), csv.header.size()) << text;
      for (const auto& row : csv.rows)
        for (const CsvCell& cell : row) {
          ASSERT_GE(cell.line, 1);
          ASSERT_GE(cell.column, 1);
        }
    } catch (const DataError& e) {
      ASSERT_THAT(e.what(), testing::ContainsRegex("^t.csv:[0-9]+:[0-9]+: ")) << text;
    }
  }
}

}  // namespace
}  // namespace nas
