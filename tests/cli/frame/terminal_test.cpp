// What people see on a terminal: progress lines, widths, tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <regex>
#include <sstream>
#include <thread>

#include "cli/command.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/suggest.hpp"
#include "process.hpp"
#include "spaces/base/shell_word.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Every state that a redrawn line had.
std::vector<std::string> frames_of(const std::string& output, const std::string& label) {
  std::vector<std::string> frames;
  for (size_t at = 0; (at = output.find("\r" + label + " [", at)) != std::string::npos; ++at)
    frames.push_back(output.substr(at + 1, output.find_first_of("\r\n\x1b", at + 1) - at - 1));
  return frames;
}

double seconds_of(const std::string& text) {
  std::smatch m;
  if (std::regex_match(text, m, std::regex("([0-9]+)m([0-9]+)s")))
    return 60 * std::stod(m[1]) + std::stod(m[2]);
  if (std::regex_match(text, m, std::regex("([0-9.]+)ms"))) return std::stod(m[1]) / 1000;
  if (std::regex_match(text, m, std::regex("([0-9.]+)s"))) return std::stod(m[1]);
  ADD_FAILURE() << text;
  return 0;
}

// A batch is done at the first update: 4 of 20, then 4 every 100 ms.
TEST(Progress, TimeLeftFollowsFromThePaceSinceTheFirstUpdate) {
  ::testing::internal::CaptureStderr();
  {
    cli::Progress progress({}, "search", 20);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // Loading counts for nothing.
    for (int done = 4; done <= 20; done += 4) {
      progress.update(done, "front 3", /*milestone=*/true);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  const std::vector<std::string> lines = lines_of(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("search 4/20  elapsed "), Not(HasSubstr("ETA"))));
  EXPECT_THAT(lines[4], Not(HasSubstr("ETA")));
  const std::regex eta("search ([0-9]+)/20  ETA ([^,]+), elapsed [^ ]+  front 3");
  for (size_t i = 1; i < 4; ++i) {
    std::smatch m;
    ASSERT_TRUE(std::regex_match(lines[i], m, eta)) << lines[i];
    const double right = 0.1 * (20 - std::stod(m[1])) / 4;
    EXPECT_NEAR(seconds_of(m[2]), right, 0.6 * right) << lines[i];
  }
}

TEST(Progress, NothingMovesOffATerminal) {
  ::testing::internal::CaptureStderr();
  {
    cli::Progress progress({}, "train", 10);
    for (int done = 1; done <= 10; ++done) progress.update(done, "loss 1", done == 10);
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\r")), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(lines_of(text), SizeIs(1));
}

TEST(Terminal, HelpFitsAndBreaksBetweenWordsOnly) {
  for (const int columns : {80, 60, 132}) {
    for (const std::vector<std::string>& args :
         std::vector<std::vector<std::string>>{{"--help"},
                                               {"runs", "--help"},
                                               {"space", "show", "--help"},
                                               {"search", "--help"},
                                               {"results", "--help"},
                                               {"config", "--help"},
                                               {"help", "config"},
                                               {"help", "exit-codes"},
                                               {"help", "environment"},
                                               {"help", "evaluators"},
                                               {"help", "tables"},
                                               {"help", "few-shot"},
                                               {"space", "count", "mobilenet"},
                                               {"doctor"}}) {
      Launch launch;
      launch.args = args;
      const Finished done = run_on_terminal(launch, columns);
      EXPECT_EQ(done.code, 0);
      for (const std::string& line : screen_lines(done.out)) {
        if (columns < 80) break;  // The topics are written for 80.
        EXPECT_LE(cli::display_width(line), static_cast<size_t>(columns)) << line;
      }
    }
  }
  // Off a terminal: 80 columns, or COLUMNS.
  for (const std::string& line : lines_of(run({"search", "--help"}).out))
    EXPECT_LE(line.size(), 80u) << line;
  Launch narrow;
  narrow.args = {"search", "--help"};
  narrow.environment = {{"COLUMNS", "64"}};
  for (const std::string& line : lines_of(run(narrow).out)) EXPECT_LE(line.size(), 64u) << line;
}

TEST(Terminal, ListsFit) {
  for (const char* list : {"spaces", "families", "algorithms", "configs", "commands"}) {
    Launch launch;
    launch.args = {"list", list, "-q"};
    for (const std::string& line : screen_lines(run_on_terminal(launch, 80).out))
      EXPECT_LE(cli::display_width(line), 80u) << line;
    // A summary is a sentence, not its first line.
    launch.environment = {{"COLUMNS", "400"}};
    for (const std::string& line : lines_of(run(launch).out)) {
      EXPECT_FALSE(line.ends_with(",") || line.ends_with(" unit a") || line.ends_with(" with"))
          << line;
    }
  }
}

TEST(Table, WideLettersTakeTwoColumns) {
  EXPECT_EQ(cli::display_width("abc"), 3u);
  EXPECT_EQ(cli::display_width("größer"), 6u);
  EXPECT_EQ(cli::display_width("実験"), 4u);
  EXPECT_EQ(cli::display_width("한글"), 4u);
  EXPECT_EQ(cli::display_width("🚀"), 2u);
  EXPECT_EQ(cli::display_width("e\u0301"), 1u);  // A combining accent.
  EXPECT_EQ(cli::display_width("\xff\xfe"), 2u);
  EXPECT_EQ(cli::cut_to_width("実験x", 3), "実");
  cli::Table table({"name", "n"});
  table.row({"実験", "1"});
  table.row({"🚀", "22"});
  table.row({"plain", "3"});
  EXPECT_EQ(table.text(0),
            "name    n\n"
            "実験    1\n"
            "🚀     22\n"
            "plain   3");
}

TEST(Table, ControlCharactersAreShownNotSent) {
  cli::Table table({"name"});
  table.row({"a\x1b[31mb\nc\td"});
  EXPECT_EQ(table.text(0), "name\na\\x1b[31mb\\x0ac\\x09d");
}

TEST(Table, WrapsProseBetweenWords) {
  cli::Table table({"name", "summary"});
  table.row({"digits", "A small space for the handwritten digits of the quickstart"});
  EXPECT_EQ(table.text(40),
            "name    summary\n"
            "digits  A small space for the\n"
            "        handwritten digits of the\n"
            "        quickstart");
}

TEST(Table, BreaksArchitecturesAfterSignsAndLeavesColumnsOutByName) {
  cli::Table table({"architecture", "accuracy", "peak_activation_bytes", "latency_ms"});
  table.row({"24-conv3-sep3/48-conv3-mb3-mb3/96-sep5", "0.98607", "117664", "0.626"});
  EXPECT_EQ(table.text(0).find("\n", 0), table.text(200).find("\n", 0));
  const std::string text = table.text(60);
  for (const std::string& line : lines_of(text)) EXPECT_LE(line.size(), 60u) << text;
  EXPECT_THAT(text, HasSubstr("24-conv3-sep3/"));
  EXPECT_THAT(text, HasSubstr("0.98607"));
  for (const size_t width : {20u, 30u, 40u, 50u}) {
    const std::string narrow = table.text(width);
    EXPECT_THAT(narrow, HasSubstr("latency_ms")) << narrow;  // As a column, or as left out.
    EXPECT_THAT(narrow, HasSubstr("0.98607")) << narrow;
  }
  EXPECT_THAT(table.text(40), HasSubstr("(no room at 40 columns for: "));
}

TEST(Table, NumbersRightTextLeft) {
  cli::Table table({"name", "macs", "top1"});
  table.row({"a", "40.8M", "96.1%"});
  table.row({"größer", "1.69M", "-"});
  EXPECT_EQ(table.text(),
            "name     macs   top1\n"
            "a       40.8M  96.1%\n"
            "größer  1.69M      -");
  EXPECT_EQ(cli::Table({"only", "header"}).text(), "only  header");
}

TEST(Table, ShortRowsAreFilled) {
  cli::Table table({"a", "b"});
  table.row({"x"});
  EXPECT_EQ(table.text(), "a  b\nx");
}

TEST(Format, Numbers) {
  EXPECT_EQ(cli::format_number(0.91234), "0.9123");
  EXPECT_EQ(cli::format_number(0.5), "0.5");
  EXPECT_EQ(cli::format_number(1234.5678), "1235");
  EXPECT_EQ(cli::format_number(0), "0");
  EXPECT_EQ(cli::format_number(-3), "-3");
  EXPECT_EQ(cli::format_number(270906), "270906");
  EXPECT_EQ(cli::format_number(1.5e-7), "1.5e-07");
  EXPECT_EQ(cli::format_number(0.00123456), "0.001235");
  EXPECT_EQ(cli::format_number(std::numeric_limits<double>::quiet_NaN()), "-");
  EXPECT_EQ(cli::format_number(std::numeric_limits<double>::infinity()), "-");
}

TEST(Format, Counts) {
  EXPECT_EQ(cli::format_count(40'800'000), "40.8M");
  EXPECT_EQ(cli::format_count(1'690'000), "1.69M");
  EXPECT_EQ(cli::format_count(270'906), "270.9k");
  EXPECT_EQ(cli::format_count(999), "999");
  EXPECT_EQ(cli::format_count(999'999), "1M");
  EXPECT_EQ(cli::format_count(0), "0");
}

TEST(Format, Seconds) {
  EXPECT_EQ(cli::format_seconds(3720), "1h02m");
  EXPECT_EQ(cli::format_seconds(200), "3m20s");
  EXPECT_EQ(cli::format_seconds(12.34), "12.3s");
  EXPECT_EQ(cli::format_seconds(1.234), "1.23s");
  EXPECT_EQ(cli::format_seconds(0.0123), "12.3ms");
  EXPECT_EQ(cli::format_seconds(59.99), "1m00s");
  EXPECT_EQ(cli::format_seconds(90000), "1d01h");
  EXPECT_EQ(cli::format_seconds(-1), "-");
}

TEST(Fold, LongLinesBreakBetweenWords) {
  EXPECT_EQ(cli::fold("short\n  lines  stay", 20), "short\n  lines  stay");
  EXPECT_EQ(cli::fold("one two three four five six", 0), "one two three four five six");
  EXPECT_EQ(cli::fold("one two three four five six", 14), "one two three\n  four five\n  six");
  EXPECT_EQ(cli::fold("  one two three four", 12), "  one two\n    three\n    four");
  EXPECT_EQ(cli::fold("name   one two three four", 20), "name   one two three\n       four");
  EXPECT_EQ(cli::fold("a/path/that/fits/nowhere then more", 12),
            "a/path/that/fits/nowhere\n  then more");
  EXPECT_EQ(cli::fold("実験 実験 実験", 10), "実験 実験\n  実験");
}

TEST(Fold, CommandsStayWholeOrAreBrokenAsAShellReadsThem) {
  EXPECT_EQ(cli::fold("saved. Resume with: nas train --resume t-1 --db my.db", 40),
            "saved. Resume with:\n  nas train --resume t-1 --db my.db");
  EXPECT_EQ(cli::fold("in x.db there is none; `nas runs --db x.db` lists them", 30),
            "in x.db there is none;\n  `nas runs --db x.db` lists\n  them");
  EXPECT_EQ(cli::fold("next: nas evaluate --run t-1 --sample 5 --db 'my db.sqlite'", 40),
            "next: nas evaluate --run t-1 \\\n          --sample 5 --db 'my db.sqlite'");
  // Blanks inside of quotes are part of a word.
  EXPECT_THAT(cli::fold("Resume with: nas train --resume t-1 --db 'two  blanks.db'", 30),
              HasSubstr("--db 'two  blanks.db'"));
  // `nas` in a sentence is a word.
  EXPECT_EQ(cli::fold("this nas reads files of nas that are older", 24),
            "this nas reads files of\n  nas that are older");
}

TEST(Suggested, CommandsKeepStoreQuotingAndPlaces) {
  cli::Common common;
  EXPECT_EQ(cli::suggested({"runs"}, common), "nas runs");
  common.db = "my db.sqlite";
  common.sets = {"data.path=/new place", "evaluate.images=50", "device=cpu"};
  const std::string db = " --db 'my db.sqlite'", data = " --set 'data.path=/new place'";
  EXPECT_EQ(cli::suggested({"evaluate", "--run", "t-1"}, common),
            "nas evaluate --run t-1" + data + " --set device=cpu" + db);
  EXPECT_EQ(cli::suggested({"export", "--run", "t-1", "--arch", "[4,3]"}, common),
            "nas export --run t-1 --arch '[4,3]'" + data + " --set device=cpu" + db);
  // An exported subnet answers as it was judged.
  common.sets.emplace_back("evaluate.recalibrate.enabled=false");
  EXPECT_THAT(cli::suggested({"export", "--run", "t-1"}, common),
              HasSubstr(" --set evaluate.recalibrate.enabled=false"));
  EXPECT_THAT(cli::suggested({"evaluate", "--run", "t-1"}, common), Not(HasSubstr("recalibrate")));
  common.sets.pop_back();
  // What goes on keeps its device; these take no --set.
  EXPECT_EQ(cli::suggested({"train", "--resume", "t-1"}, common),
            "nas train --resume t-1" + data + db);
  EXPECT_EQ(cli::suggested({"results", "t-1"}, common), "nas results t-1" + db);
  EXPECT_EQ(cli::suggested_again("search", "s-1", common),
            "nas runs show s-1 --config-only" + db +
                " > again.yaml; nas search --config again.yaml" + data + " --set device=cpu" + db);
  EXPECT_EQ(cli::runs_are_listed("x.db"), "`nas runs --db x.db` lists them");
}

// To be copied as it stands.
TEST(Fold, PathsWithBlanksStayWhole) {
  const std::string folder = fresh_folder() + "/my own tables of last year";
  std::filesystem::create_directories(folder);
  write_file(folder + "/a b.csv", "x");
  for (const std::string end : {":3:14: acc: '0.9' is odd", ", a file", "."})
    EXPECT_THAT(lines_of(cli::fold("warning: the file " + folder + "/a b.csv" + end, 40)),
                testing::Contains(HasSubstr(folder + "/a b.csv")))
        << end;
  EXPECT_TRUE(cli::names_a_path("('" + folder + "/a b.csv:3:14')"));
  EXPECT_FALSE(cli::names_a_path(folder + "/a b.csv is"));
  EXPECT_FALSE(cli::names_a_path(""));
  cli::Table table({"format", "path"});
  table.row({"json", folder + "/a b.csv"});
  EXPECT_THAT(table.text(40), HasSubstr(folder + "/a b.csv"));
}

// Cells of tables, words of programs and names of files may hold anything.
TEST(Terminal, NothingQuotedSteersTheTerminal) {
  const std::string folder = fresh_folder();
  write_file(folder + "/t.csv", "architecture,acc\n\"[4,3,3]\",1\x1b]0;owned\x07\n");
  write_file(folder + "/k.csv", "architecture,a\x1b[31mc\n\"[4,3,3]\",1\n\"[1,1,8]\",2\n");
  write_file(folder + "/a.csv", "architecture,acc\n\x1b[2J[9,9,9],1\n");
  write_file(folder + "/c1.csv",
             "architecture,acc\n\xc2\x9b"
             "2J[9,9,9],1\n");
  write_file(folder + "/bad.csv", "architecture,acc\n\"[4,3,3]\",\xe9\n");
  for (const char* file : {"t.csv", "k.csv", "a.csv", "c1.csv", "bad.csv"}) {
    Launch launch;
    launch.folder = folder;
    launch.args = {"rank", "--space", "resnet20-pool", "--truth", file};
    const Finished done = run(launch);
    const std::string all = done.out + done.err;
    for (const char* raw : {"\x1b", "\x07", "\xc2\x9b", "\xe9"})
      EXPECT_THAT(all, Not(HasSubstr(raw))) << file << all;
  }
}

// Notes, warnings and errors fit; what has no blank does not break.
TEST(Fold, MessagesFitTheTerminal) {
  const std::string folder = fresh_folder();
  write_file(folder + "/a.yaml", "space: digits\ntrain: {epochs: 3, batchh: 4}\n");
  for (const int columns : {80, 50})
    for (const std::vector<std::string>& args :
         std::vector<std::vector<std::string>>{{"train", "--config", "a.yaml"},
                                               {"search"},
                                               {"evaluate", "--run", "none"},
                                               {"config", "new", "search", "search.yaml"},
                                               {"space", "cost", "digits", "--arch", "wrong"}}) {
      Launch launch;
      launch.folder = folder;
      launch.args = args;
      std::filesystem::remove(folder + "/search.yaml");
      static const std::regex colours("\x1b\\[[0-9;]*m");
      for (const std::string& shown : screen_lines(run_on_terminal(launch, columns).out)) {
        const std::string line = std::regex_replace(shown, colours, "");
        const bool prose = line.find(' ') != std::string::npos &&
                           line.find("| ") == std::string::npos &&
                           line.find('/') == std::string::npos;
        if (!prose) continue;
        EXPECT_LE(cli::display_width(line), static_cast<size_t>(columns)) << line;
      }
    }
}

TEST(ShellWord, ReadsBackAsItWas) {
  EXPECT_EQ(shell_word("nas.db"), "nas.db");
  EXPECT_EQ(shell_word(""), "''");
  for (const std::string& word : {std::string("my db.sqlite"),
                                  std::string("o'clock"),
                                  std::string("a\"b$c`d\\e"),
                                  std::string("[4,3,3]"),
                                  std::string("|nor_conv_3x3~0|+|a~0|b~1|"),
                                  std::string("{'ks': [3], 'e': [4]}"),
                                  std::string("grün/ü*?~;&#"),
                                  std::string("~"),
                                  std::string("two\nlines")}) {
    const std::string line = "printf %s " + shell_word(word);
    FILE* pipe = popen(line.c_str(), "r");
    char text[200] = "";
    const size_t got = fread(text, 1, sizeof text - 1, pipe);
    pclose(pipe);
    EXPECT_EQ(std::string(text, got), word);
  }
}

#ifdef NAS_TORCH
TEST(Terminal, TrainingAndSearchShowTheTimeLeftAndSummariesOnTheirOwnLines) {
  const std::string folder = fresh_folder();
  write_file(folder + "/q.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 8, validation: {every: 4, subnets: 2}}\n");
  for (const int columns : {80, 60}) {
    const std::string db = "my db " + std::to_string(columns) + ".sqlite";
    Launch launch;
    launch.folder = folder;
    launch.args = {"train", "--config", "q.yaml", "--name", "実験 1", "--db", db};
    const Finished trained = run_on_terminal(launch, columns);
    ASSERT_EQ(trained.code, 0) << trained.out;
    const std::vector<std::string> frames = frames_of(trained.out, "train");
    ASSERT_GT(frames.size(), 1u) << trained.out;
    for (const std::string& frame : frames)
      EXPECT_LT(cli::display_width(frame), static_cast<size_t>(columns)) << frame;
    EXPECT_THAT(frames, testing::Contains(HasSubstr("/24  ETA "))) << trained.out;
    const std::vector<std::string> screen = screen_lines(trained.out);
    // Whole lines: nothing is glued to the bar, and no rest of the bar is left.
    size_t summaries = 0;
    for (const std::string& line : screen) {
      EXPECT_THAT(line, Not(HasSubstr("train ["))) << trained.out;
      summaries += line.starts_with("run t-") && line.find(", named 実験 1") != std::string::npos;
    }
    EXPECT_EQ(summaries, 1u) << trained.out;
    EXPECT_THAT(screen, testing::Contains(HasSubstr("next: nas evaluate --run t-")));
    EXPECT_THAT(trained.out, HasSubstr(" --db 'my db " + std::to_string(columns) + ".sqlite'"));
  }
  Launch search;
  search.folder = folder;
  search.args = {"search",
                 "--run",
                 "last",
                 "--evaluations",
                 "24",
                 "--set",
                 "search.population=8",
                 "--set",
                 "evaluate.images=50",
                 "--db",
                 "my db 80.sqlite"};
  const Finished done = run_on_terminal(search, 80);
  ASSERT_EQ(done.code, 0) << done.out;
  EXPECT_THAT(frames_of(done.out, "search"), testing::Contains(HasSubstr("/24  ETA ")));
  EXPECT_THAT(screen_lines(done.out), Each(Not(HasSubstr("search ["))));
}
#endif

// For comments of CI: GitHub's table, numbers to the right, nothing in a cell that is markup.
TEST(Tables, AreMarkdownWhenAsked) {
  const Finished cost =
      run({"space", "cost", "digits", "--arch", "24-conv3/48-conv3", "--tables", "markdown"});
  ASSERT_EQ(cost.code, 0) << cost.err;
  const std::vector<std::string> lines = lines_of(cost.out);
  ASSERT_GT(lines.size(), 3U);
  EXPECT_EQ(lines[0], "");
  EXPECT_THAT(lines[1], ::testing::StartsWith("| architecture | "));
  EXPECT_THAT(lines[2], ::testing::StartsWith("| --- | ---: | "));
  EXPECT_EQ(std::count(lines[2].begin(), lines[2].end(), '|'),
            std::count(lines[1].begin(), lines[1].end(), '|'));
  EXPECT_THAT(lines[3], HasSubstr("| 24\\-conv3/48\\-conv3 | "));
  const Finished same =
      run({"space", "cost", "digits", "--arch", "24-conv3/48-conv3", "--format", "markdown"});
  EXPECT_EQ(same.out, cost.out);
  EXPECT_EQ(run({"space", "cost", "digits", "--tables", "html"}).code, 2);
}

}  // namespace
}  // namespace nas::test
