// What is printed of comparisons and reports: names from outside never become markup.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/diff/print.hpp"
#include "cli/page/page.hpp"
#include "cli/report/document.hpp"
#include "cli/report/markup.hpp"
#include "cli/report/plot/front_plot.hpp"
#include "cli/report/plot/text_plot.hpp"

namespace nas::test {
namespace {

using namespace nas::cli;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHostile =
    "</script><img src=x onerror=alert(1)>|[a](javascript:b) `c` @me & \"'\n# d\x1b[31m]]>";

Comparison hostile() {
  Comparison c;
  c.metric = "accuracy";
  c.of = kHostile;
  c.change = Change{0.9, 0.8, -0.1, -0.15, -0.05};
  c.limit = -0.01;
  c.verdict = Verdict::kWorse;
  c.method = kHostile;
  RunNumber n;
  n.run = "s-1";
  n.name = kHostile;
  n.value = 0.9;
  c.base = {n};
  n.why_not = kHostile;
  c.head = {n};
  return c;
}

TEST(Markup, Html) {
  EXPECT_EQ(escaped_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(escaped_html("a\x1b\x01\xff"), "a\\x1b\\x01\\xff");
}

TEST(Markup, MarkdownCellsHoldNoMarkup) {
  EXPECT_EQ(escaped_markdown("a|b"), "a&#124;b");
  EXPECT_EQ(escaped_markdown("*x* [y](z)"), "\\*x\\* \\[y\\]\\(z\\)");
  EXPECT_EQ(escaped_markdown("<b>@me"), "&#60;b&#62;&#64;me");
  EXPECT_THAT(escaped_markdown("a\nb"), Not(HasSubstr("\n")));
}

TEST(Markup, JsonCannotLeaveItsElement) {
  const std::string text = json_in_html(nlohmann::json("</script><!--\xe2\x80\xa8&").dump());
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xa8")));
  EXPECT_EQ(nlohmann::json::parse(text).get<std::string>(), "</script><!--\xe2\x80\xa8&");
}

TEST(DiffPrint, MarkdownIsOneTableWhateverNamesHold) {
  const std::string text = diff_markdown({kHostile, "b", 0.95, "-1%"}, {hostile()});
  EXPECT_THAT(text, Not(HasSubstr("<img")));
  EXPECT_THAT(text, Not(HasSubstr("](")));
  EXPECT_THAT(text,
              HasSubstr("\n| accuracy | 90 % | 80 % | \\-10 % | \\-11.1 % | \\-15 % .. \\-5 % "
                        "| **worse than the limit** |"));
}

TEST(DiffPrint, RunsThatAreLeftOutAreCountedFirst) {
  Comparison c = hostile();
  c.base = {c.base[0], c.head[0]};
  c.head = {c.base[0]};
  EXPECT_THAT(diff_table({"a", "b", 0.95, ""}, {c}),
              ::testing::StartsWith("accuracy: 2 of 3 runs compared; "));
  EXPECT_THAT(diff_markdown({"a", "b", 0.95, ""}, {c}), HasSubstr("\n\naccuracy&#58; 2 of 3 runs"));
  auto json = diff_json({"a", "b", 0.95, ""}, {c}, 0);
  EXPECT_EQ(json["metrics"][0]["runs"], 3);
  EXPECT_EQ(json["metrics"][0]["runs_compared"], 2);
  c.base.pop_back();
  EXPECT_THAT(diff_table({"a", "b", 0.95, ""}, {c}), ::testing::StartsWith("metric"));
}

TEST(DiffPrint, TheSameVerdictSaysWhatItMeans) {
  Comparison c = hostile();
  c.verdict = Verdict::kSame;
  auto json = diff_json({"a", "b", 0.95, "-1%"}, {c}, 0);
  EXPECT_EQ(json["metrics"][0]["verdict"], "same");
  EXPECT_EQ(json["metrics"][0]["shown"], "no worse than the limit");
  c.limit.reset();
  json = diff_json({"a", "b", 0.95, ""}, {c}, 0);
  EXPECT_EQ(json["metrics"][0]["verdict"], "same");
  EXPECT_EQ(json["metrics"][0]["shown"], "no difference shown");
  EXPECT_THAT(csv_text(diff_rows({c})), HasSubstr(",same,no difference shown,2,1"));
}

TEST(DiffPrint, JunitCountsAndEscapes) {
  Comparison fine = hostile(), open = hostile();
  fine.verdict = Verdict::kSame;
  open.verdict = Verdict::kUndecided;
  const std::string text = diff_junit({kHostile, "b", 0.95, "-1%"}, {hostile(), fine, open});
  EXPECT_THAT(text, HasSubstr("tests=\"3\" failures=\"1\" errors=\"1\""));
  EXPECT_THAT(text, Not(HasSubstr("<img")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  // Without a limit nothing fails.
  EXPECT_THAT(diff_junit({"a", "b", 0.95, ""}, {hostile()}),
              HasSubstr("tests=\"1\" failures=\"0\" errors=\"0\""));
}

TEST(DiffPrint, JsonHasEverything) {
  const auto json = diff_json({"a", "b", 0.95, "-1%"}, {hostile()}, 4);
  EXPECT_EQ(json["schema"], "nas-diff/1");
  EXPECT_EQ(json["exit_code"], 4);
  EXPECT_EQ(json["metrics"][0]["verdict"], "worse");
  EXPECT_EQ(json["metrics"][0]["interval"][0], -0.15);
  EXPECT_EQ(json["metrics"][0]["head_runs"][0]["why_not"], kHostile);
}

// A cell holds a number as it is, and nothing where nothing compares.
TEST(DiffPrint, RowsForScripts) {
  Comparison none;
  none.metric = "latency_ms";
  none.why_not = "no latency";
  const std::string text = csv_text(diff_rows({hostile(), none}));
  EXPECT_EQ(text,
            "metric,base,head,change,change_low,change_high,relative,limit,verdict,"
            "shown,runs,runs_compared\n"
            "accuracy,0.9,0.8,-0.1,-0.15,-0.05," +
                nlohmann::json(-0.1 / 0.9).dump() +
                ",-0.01,worse,worse than the limit,2,1\n"
                "latency_ms,,,,,,,,not compared,not compared,0,0");
}

TEST(JsonLines, ARowIsALine) {
  const Rows rows{{"a", "b"}, {{1, "x\ny"}, {nullptr, 0.5}}};
  EXPECT_EQ(json_lines(rows), "{\"a\":1,\"b\":\"x\\ny\"}\n{\"a\":null,\"b\":0.5}");
  EXPECT_EQ(json_lines({{"a"}, {}}), "");
}

TEST(TextPlot, PointsStandWhereTheyBelong) {
  const std::string text =
      text_scatter({{'.', "all", {{0, 0}, {1, 1}, {0.5, 0.5}}}, {'o', "front", {{1, 1}}}},
                   {"cost", {}},
                   {"gain", {}},
                   30,
                   3);
  EXPECT_EQ(text,
            "gain\n"
            "1 |                          o\n"
            "  |             .\n"
            "0 |.\n"
            "  +---------------------------\n"
            "   0          cost           1\n"
            ". all   o front");
}

TEST(TextPlot, NothingToSeeIsNothing) {
  EXPECT_EQ(text_scatter({{'.', "a", {{1, 1}, {1, 1}, {NAN, 2}}}}, {"x", {}}, {"y", {}}, 80), "");
  EXPECT_EQ(front_plot({{"accuracy", true}}, {{{"accuracy", 0.5}}}, {}, 80), "");
}

TEST(TextPlot, NeverWiderThanAsked) {
  const std::vector<PlotValues> points = {{{"accuracy", 0.51234}, {"macs", 123456789}},
                                          {{"accuracy", 0.9}, {"macs", 1e12}}};
  const std::string text = front_plot({{"accuracy", true}, {"macs", false}}, points, points, 200);
  EXPECT_THAT(text, HasSubstr("accuracy (more is better)"));
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    EXPECT_LE(end - start, 80U);
    start = end + 1;
  }
}

TEST(Page, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Page, NothingFromOutsideIsMarkupAndEmptySectionsAreAbsent) {
  Page page(kHostile);
  page.section("Nothing here");
  page.begin_plots();
  page.end_plots();
  page.begin_details("empty");
  page.end_details();
  page.section("Something");
  page.text(kHostile);
  page.list({kHostile});
  page.heading(kHostile);
  page.preformatted(kHostile);
  page.table({kHostile}, {{{kHostile, Cell::Kind::kButton, kHostile}}});
  page.heat(kHostile, {kHostile}, {kHostile}, {{0.5}}, 0, 1);
  page.picture("<svg><script>alert(1)</script></svg>", kHostile);
  page.chart({{"kind", "lines"}, {"name", kHostile}}, kHostile);
  EXPECT_THAT(page.sections(), ::testing::ElementsAre("Something"));
  const std::string html = page.html({kHostile});
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(html, Not(HasSubstr("Nothing here")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  // The scripts of the page itself, the data, and no other.
  size_t scripts = 0;
  for (size_t at = 0; (at = html.find("<script", at)) != std::string::npos; ++at) ++scripts;
  EXPECT_EQ(scripts, 3U);
  const size_t start = html.find("id=\"report-data\">") + 17;
  const auto data =
      nlohmann::json::parse(html.substr(start, html.find("</script>", start) - start));
  EXPECT_EQ(data["charts"]["c1"]["name"], kHostile);
}

}  // namespace
}  // namespace nas::test
