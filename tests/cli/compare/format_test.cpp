// Numbers, tables and sentences as people read them, over many random ones: nothing is lost, no
// line is longer than asked, and what is written for programs is read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.hpp"
#include "cli/report/document.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/row_stream.hpp"
#include "spaces/random.hpp"
#include "spaces/text/csv.hpp"

namespace nas::test {
namespace {

using namespace nas::cli;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}
std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

double random_number(Rng& rng) {
  const double value = std::pow(10, 24 * rng.uniform() - 9) * (rng.below(2) == 0 ? 1 : -1);
  return rng.below(4) == 0 ? std::round(value) : value;
}

TEST(FormatNumber, SaysTheValueToSoManyDigits) {
  Rng rng(1, "numbers");
  for (int i = 0; i < 5000; ++i) {
    const double value = random_number(rng);
    for (const int digits : {2, 4, 5, 10}) {
      const std::string text = format_number(value, digits);
      const double read = std::stod(text);
      const bool whole = value == std::round(value) && std::abs(value) < 1e15;
      // Whole numbers and what is left of the point stay as they are.
      const double unit = std::abs(value) >= std::pow(10, digits) && std::abs(value) < 1e15
                              ? 1
                              : std::pow(10, std::floor(std::log10(std::abs(value))) + 1 - digits);
      EXPECT_LE(std::abs(read - value), whole ? 0 : 0.5001 * unit) << text << " of " << value;
      EXPECT_FALSE(text.find('.') != text.npos && text.find('e') == text.npos && text.back() == '0')
          << text;
      EXPECT_NE(text.back(), '.') << text;
    }
  }
}

TEST(FormatNumber, Edges) {
  EXPECT_EQ(format_number(-0.0), "0");
  EXPECT_EQ(format_number(0.99999), "1");
  EXPECT_EQ(format_number(9999.96), "10000");
  EXPECT_EQ(format_number(999999999999999), "999999999999999");
  EXPECT_EQ(format_number(1e15), "1e+15");
  EXPECT_EQ(format_number(0.0001), "0.0001");
  EXPECT_EQ(format_number(-0.00012344), "-0.0001234");
  EXPECT_EQ(format_number(1e-300, 3), "1e-300");
  EXPECT_EQ(format_number(HUGE_VAL), "-");
}

TEST(FormatCount, IsReadBackToThreeDigits) {
  const std::string suffixes = "kMGTP";
  Rng rng(2, "counts");
  for (int i = 0; i < 5000; ++i) {
    const double value = std::floor(std::pow(10, 17.9 * rng.uniform())) * (i % 2 == 0 ? 1 : -1);
    const std::string text = format_count(value);
    const size_t suffix = suffixes.find(text.back());
    const double read =
        std::stod(text) *
        (suffix == suffixes.npos ? 1 : std::pow(1000, static_cast<double>(suffix + 1)));
    EXPECT_LE(std::abs(read - value), 0.0051 * std::abs(value)) << text << " of " << value;
    EXPECT_LE(text.size(), value < 0 ? 7u : 6u) << text;
  }
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{{999, "999"},
                                                                               {999.94, "999.9"},
                                                                               {1000, "1k"},
                                                                               {1049, "1.05k"},
                                                                               {99999, "100k"},
                                                                               {999949, "999.9k"},
                                                                               {999950, "1M"},
                                                                               {1e9, "1G"},
                                                                               {1.5e12, "1.5T"},
                                                                               {1e18, "1000P"},
                                                                               {-2500, "-2.5k"},
                                                                               {0.5, "0.5"},
                                                                               {-0.0, "0"}})
    EXPECT_EQ(format_count(value), text) << value;
  EXPECT_EQ(format_count(NAN), "-");
}

/// Seconds of `3m20s`, `1h02m`, `12.3ms`.
double seconds_of(const std::string& text) {
  double sum = 0, number = 0;
  for (size_t at = 0; at < text.size();) {
    size_t used = 0;
    number = std::stod(text.substr(at), &used);
    at += used;
    const std::string unit = text.substr(at, text.substr(at, 2) == "ms" ? 2 : 1);
    at += unit.size();
    sum += number * (unit == "ms"  ? 1e-3
                     : unit == "s" ? 1
                     : unit == "m" ? 60
                     : unit == "h" ? 3600
                                   : 86400);
  }
  return sum;
}

TEST(FormatSeconds, IsReadBackAndNeverFalls) {
  double before = 0;
  for (double s = 1e-5; s < 1e7; s *= 1.0007) {
    const std::string text = format_seconds(s);
    const double read = seconds_of(text);
    // Three digits, hundredths at most below a minute; an hour to the minute, a day to the hour.
    EXPECT_LE(std::abs(read - s),
              std::max(0.006 * s,
                       s < 0.0995  ? 0.0
                       : s < 60    ? 0.0051
                       : s < 3600  ? 0.5
                       : s < 86400 ? 60.0
                                   : 3600.0))
        << text << " of " << s;
    EXPECT_GE(read, before - 1e-12) << text << " of " << s;
    before = read;
  }
  for (const auto& [s, text] : std::vector<std::pair<double, std::string>>{{0, "0ms"},
                                                                           {0.0994, "99.4ms"},
                                                                           {0.0996, "0.10s"},
                                                                           {9.99, "9.99s"},
                                                                           {9.996, "10.0s"},
                                                                           {59.94, "59.9s"},
                                                                           {59.96, "1m00s"},
                                                                           {3599.4, "59m59s"},
                                                                           {3599.6, "1h00m"},
                                                                           {86399.6, "1d00h"},
                                                                           {1e6, "11d13h"}})
    EXPECT_EQ(format_seconds(s), text) << s;
}

// ---- Sentences.

std::string random_sentence(Rng& rng, int count) {
  static const std::vector<std::string> kWords = {"a",
                                                  "of",
                                                  "the",
                                                  "architecture",
                                                  "wide,",
                                                  "48",
                                                  "實驗",
                                                  "größer",
                                                  "end.",
                                                  "(so)",
                                                  "very-long-word-with-dashes"};
  std::string text;
  for (int i = 0; i < count; ++i) text += (i > 0 ? " " : "") + kWords[rng.below(kWords.size())];
  return text;
}

TEST(Folding, LosesNoWordAndFits) {
  Rng rng(3, "fold");
  for (int i = 0; i < 400; ++i) {
    const std::string indent(rng.below(6), ' ');
    const std::string text = indent + random_sentence(rng, 1 + static_cast<int>(rng.below(30)));
    const size_t width = 20 + rng.below(60);
    const std::string folded = fold(text, width);
    EXPECT_EQ(words(folded), words(text)) << folded;
    const auto all = lines(folded);
    for (size_t k = 0; k < all.size(); ++k) {
      const size_t blanks = all[k].find_first_not_of(' ');
      EXPECT_TRUE(display_width(all[k]) <= width || words(all[k]).size() == 1) << folded;
      EXPECT_EQ(all[k].back() == ' ', false) << folded;
      // The rest stands two further in.
      EXPECT_EQ(blanks, k == 0 ? indent.size() : indent.size() + 2) << folded;
      // No word would have fitted on the line before.
      if (k > 0) {
        EXPECT_GT(display_width(all[k - 1]) + 1 + display_width(words(all[k]).front()), width)
            << folded;
      }
    }
    EXPECT_EQ(fold(folded, 0), folded);
    if (display_width(text) <= width) {
      EXPECT_EQ(folded, text);
    }
  }
}

TEST(Folding, WrappedWordsAreThoseOfTheText) {
  Rng rng(4, "wrap");
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_sentence(rng, static_cast<int>(rng.below(30)));
    const size_t width = 5 + rng.below(60);
    const std::string wrapped = wrap_words(text, width);
    EXPECT_EQ(words(wrapped), words(text));
    for (const std::string& line : lines(wrapped))
      EXPECT_TRUE(display_width(line) <= width || words(line).size() == 1) << wrapped;
  }
}

TEST(Folding, BrokenCommandsAreOneCommandToAShell) {
  Rng rng(5, "command");
  static const std::vector<std::string> kParts = {"--run t-1",
                                                  "--db 'my  db.sqlite'",
                                                  "--set a.b=1",
                                                  "--json",
                                                  "--out \"a b\"",
                                                  "file.yaml",
                                                  "-v"};
  for (int i = 0; i < 300; ++i) {
    std::string line = "nas search";
    for (uint64_t k = rng.below(8); k > 0; --k) line += " " + kParts[rng.below(kParts.size())];
    // What cannot be broken, with its indent and backslash, has 26.
    const size_t width = 26 + rng.below(60);
    std::string wrapped = wrap_command(line, width);
    for (const std::string& one : lines(wrapped)) EXPECT_LE(one.size(), width) << wrapped;
    // A shell takes a backslash and a line end as nothing.
    for (size_t at = 0; (at = wrapped.find(" \\\n    ", at)) != wrapped.npos;)
      wrapped.replace(at, 7, " ");
    EXPECT_EQ(wrapped, line);
  }
}

TEST(Widths, CutsAreTheLongestThatFit) {
  Rng rng(6, "cut");
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_sentence(rng, static_cast<int>(rng.below(6)));
    for (size_t columns = 0; columns < 30; ++columns) {
      const std::string cut = cut_to_width(text, columns);
      EXPECT_LE(display_width(cut), columns);
      EXPECT_EQ(text.substr(0, cut.size()), cut);
      if (cut.size() == text.size()) continue;
      size_t next = cut.size() + 1;  // One character more.
      while (next < text.size() && (text[next] & 0xc0) == 0x80) ++next;
      EXPECT_GT(display_width(text.substr(0, next)), columns);
    }
  }
}

// ---- Tables.

TEST(Tables, EveryCellStandsInItsColumn) {
  Rng rng(7, "tables");
  for (int i = 0; i < 200; ++i) {
    const size_t columns = 1 + rng.below(5), rows = rng.below(6);
    std::vector<std::vector<std::string>> cells(1);
    for (size_t c = 0; c < columns; ++c) cells[0].push_back("head" + std::to_string(c));
    for (size_t r = 0; r < rows; ++r) {
      auto& row = cells.emplace_back();
      for (size_t c = 0; c < columns; ++c)
        row.push_back(c % 2 == 1
                          ? std::to_string(rng.below(100000))
                          : std::vector<std::string>{"x", "größer", "實驗", "plain"}[rng.below(4)]);
    }
    Table table(cells[0]);
    for (size_t r = 1; r <= rows; ++r) table.row(cells[r]);
    const auto all = lines(table.text(0));
    ASSERT_EQ(all.size(), rows + 1);
    size_t begin = 0;
    for (size_t c = 0; c < columns; ++c) {
      size_t width = 0;
      for (const auto& row : cells) width = std::max(width, display_width(row[c]));
      for (size_t r = 0; r <= rows; ++r) {
        const std::string before = cut_to_width(all[r], begin);
        std::string cell = cut_to_width(all[r].substr(before.size()), width);
        // Numbers to the right, texts to the left.
        const bool right = c % 2 == 1 && rows > 0;
        const std::string blanks(width - display_width(cells[r][c]), ' ');
        cell += std::string(width - std::min(width, display_width(cell)), ' ');
        EXPECT_EQ(cell, right ? blanks + cells[r][c] : cells[r][c] + blanks) << table.text(0);
      }
      begin += width + 2;
    }
  }
}

TEST(Tables, NarrowOnesLoseNothingOrSayWhat) {
  Rng rng(8, "narrow");
  for (int i = 0; i < 200; ++i) {
    const size_t columns = 2 + rng.below(5);
    std::vector<std::string> header, row;
    for (size_t c = 0; c < columns; ++c) {
      header.push_back("metric_number_" + std::to_string(c));
      row.push_back(c == 0 ? "12-conv3/24-sep5/48-mb3-mb5" : std::to_string(1000000 + c));
    }
    Table table(header);
    table.row(row);
    // Two columns stay, whatever the width: `48-mb3-mb5`, two blanks and a metric.
    const size_t width = 30 + rng.below(74);
    const std::string text = table.text(width);
    for (const std::string& line : lines(text)) EXPECT_LE(display_width(line), width) << text;
    std::string joined;
    for (const char c : text)
      if (c != ' ' && c != '\n') joined += c;
    for (size_t c = 1; c < columns; ++c) {
      const bool shown = text.find(row[c]) != text.npos;
      const bool named = text.find("no room") != text.npos && joined.find(header[c]) != joined.npos;
      EXPECT_TRUE(shown || named) << row[c] << "\n" << text;
    }
  }
}

// ---- Rows for programs.

Json random_cell(Rng& rng) {
  switch (rng.below(6)) {
    case 0:
      return nullptr;
    case 1:
      return static_cast<int64_t>(rng.next()) / 7;
    case 2:
      return rng.uniform() * 1000;
    case 3:
      return static_cast<double>(rng.below(100));
    case 4:
      return rng.below(2) == 0;
    default: {
      static const std::vector<std::string> kParts = {"a", ",", "\"", "\n", "ü", "'", ";", " b"};
      std::string text = "t";
      for (uint64_t k = rng.below(6); k > 0; --k) text += kParts[rng.below(kParts.size())];
      return text;
    }
  }
}

Rows random_rows(Rng& rng) {
  Rows rows{{"first", "sec,ond", "th\"ird"}, {}};
  for (uint64_t r = rng.below(6); r > 0; --r)
    rows.rows.push_back({"row" + std::to_string(r), random_cell(rng), random_cell(rng)});
  return rows;
}

TEST(RowsForPrograms, CsvIsReadBack) {
  Rng rng(9, "csv");
  for (int i = 0; i < 300; ++i) {
    const Rows rows = random_rows(rng);
    const Csv csv = read_csv("f", "sep=,\n" + csv_text(rows) + "\n");
    ASSERT_EQ(csv.rows.size(), rows.rows.size());
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(csv.header[c].text, rows.header[c]);
    for (size_t r = 0; r < rows.rows.size(); ++r)
      for (size_t c = 0; c < 3; ++c) {
        const Json& cell = rows.rows[r][c];
        const std::string& text = csv.rows[r][c].text;
        if (cell.is_null())
          EXPECT_EQ(text, "");
        else if (cell.is_string())
          EXPECT_EQ(text, cell.get<std::string>());
        else if (cell.is_number_float())
          EXPECT_EQ(std::stod(text), cell.get<double>());
        else
          EXPECT_EQ(text, cell.dump());
      }
  }
  EXPECT_EQ(csv_text({{"a"}, {{5.0}, {0.25}, {nullptr}, {"x,y"}, {true}, {1e300}}}),
            "a\n5\n0.25\n\n\"x,y\"\ntrue\n1e+300");
}

TEST(RowsForPrograms, JsonLinesAreObjects) {
  Rng rng(10, "lines");
  for (int i = 0; i < 100; ++i) {
    const Rows rows = random_rows(rng);
    const auto all = lines(json_lines(rows));
    ASSERT_EQ(all.size(), rows.rows.size());
    for (size_t r = 0; r < all.size(); ++r) {
      const Json json = Json::parse(all[r]);
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(json[rows.header[c]], rows.rows[r][c]);
    }
  }
}

TEST(RowsForPrograms, StreamsPrintWhatWholeTablesPrint) {
  Rng rng(11, "streams");
  const auto captured = [](const auto& f) {
    ::testing::internal::CaptureStdout();
    f();
    return ::testing::internal::GetCapturedStdout();
  };
  for (int i = 0; i < 40; ++i) {
    const Rows rows = random_rows(rng);
    const RowSource source = [&](const std::function<void(const Row&)>& f) {
      for (const Row& row : rows.rows) f(row);
    };
    const Json document{{"schema", "nas-test/1"}, {"note", "x"}};
    for (const Format format : {Format::kTable, Format::kCsv, Format::kJson, Format::kJsonLines})
      EXPECT_EQ(captured([&] { print_row_stream(rows.header, source, format, document, "rows"); }),
                captured([&] { print_rows(rows, format, document, "rows"); }))
          << static_cast<int>(format) << " of " << rows.rows.size();
  }
}

// Tables of more rows than are laid out at once have the same columns all the way.
TEST(RowsForPrograms, LongTablesKeepTheirColumns) {
  const RowSource source = [](const std::function<void(const Row&)>& f) {
    f({"abcde", 1});
    for (int i = 0; i < 10'000; ++i) f({"x", 1});
    f({"實驗", 1});  // More bytes than the first, fewer columns.
  };
  ::testing::internal::CaptureStdout();
  print_row_stream({"name", "n"}, source, Format::kTable, {}, "rows");
  const auto all = lines(::testing::internal::GetCapturedStdout());
  ASSERT_EQ(all.size(), 10'003u);
  for (const size_t line : {1u, 2u, 5000u, 10'001u, 10'002u})
    EXPECT_EQ(display_width(all[line]), 8u) << all[line];
}

TEST(Documents, TextsOfEarlierVersionsGetASchema) {
  EXPECT_EQ(document_text("{\"schema\": \"x/1\", \"a\": 1}", "k"),
            "{\"schema\": \"x/1\", \"a\": 1}");
  EXPECT_EQ(Json::parse(document_text("{\"a\": 1}", "k")),
            (Json{{"schema", "nas-document-k/1"}, {"a", 1}}));
  EXPECT_EQ(Json::parse(document_text("[1, 2]", "k"))["document"], Json::parse("[1, 2]"));
  EXPECT_EQ(Json::parse(document_text("no JSON", "k"))["document"], "no JSON");
  EXPECT_EQ(parsed_or_text("{"), "{");
  EXPECT_EQ(parsed_or_text("3"), 3);
  EXPECT_TRUE(json_number(NAN).is_null() && json_number(HUGE_VAL).is_null());
  EXPECT_EQ(json_number(0.5), 0.5);
  EXPECT_THAT(json_line(Json("a\xff")), HasSubstr("\xef\xbf\xbd")) << "no UTF-8 ends no program";
  EXPECT_EQ(cell_text(nullptr), "-");
  EXPECT_EQ(cell_text(0.123456789), "0.12346");
  EXPECT_EQ(cell_text("a\x1b"), "a\\x1b");
  EXPECT_EQ(cell_text(Json::parse("[1, 2]")), "[1,2]");
}

}  // namespace
}  // namespace nas::test
