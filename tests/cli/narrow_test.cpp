// nas space narrow: what a search has come to favour, and the search after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Narrow : public testing::Test {
 protected:
  /// All 36 architectures of the pooling space, the better the later the first downsampling.
  void search(const std::string& more) {
    std::string csv = "architecture,accuracy\n";
    for (int a = 1; a <= 8; ++a)
      for (int b = 1; a + b <= 9; ++b)
        csv += "\"[" + std::to_string(a) + "," + std::to_string(b) + "," +
               std::to_string(10 - a - b) + "]\"," + std::to_string(0.5 + 0.04 * a - 0.01 * b) +
               "\n";
    write_file(folder_ + "/truth.csv", csv);
    write_file(folder_ + "/search.yaml",
               "space: resnet20-pool\n"
               "search: {" +
                   more +
                   "objectives: [maximize: accuracy, minimize: macs]}\n"
                   "evaluator: {kind: table, table: {file: truth.csv}}\n");
    const Finished done = ask({"search", "--config", "search.yaml", "--name", "first"});
    ASSERT_EQ(done.code, 0) << done.err;
  }
  Finished ask(std::vector<std::string> args) const {
    Launch launch;
    launch.folder = folder_;
    launch.args = std::move(args);
    return run(launch);
  }
  std::string folder_ = fresh_folder();
};

TEST_F(Narrow, SharesArePrintedAndTheNextSearchTakesThem) {
  search("algorithm: random, evaluations: 36, ");
  // No clusters in so few: all 36 count. The first downsampling at unit 8, 7 or 6 has one, two and
  // three of them: 2.8, 5.6 and 8.3 %. 36 networks tell of shares from 3 / 36 on.
  const Finished told = ask({"space", "narrow", "--run", "first", "--min-share", "0.09", "--json"});
  ASSERT_EQ(told.code, 0) << told.err;
  const Json json = Json::parse(told.out);
  EXPECT_EQ(json.at("networks"), 36);
  EXPECT_EQ(json.at("clusters"), 0);
  EXPECT_EQ(json.at("architectures_before"), "36");
  const Json& first = json.at("choices")[0];
  EXPECT_EQ(first.at("networks"), 36);
  for (const Json& option : first.at("options")) {
    const int unit = std::stoi(option.at("option").get<std::string>());
    EXPECT_DOUBLE_EQ(option.at("share").get<double>(), (9 - unit) / 36.);
    EXPECT_EQ(option.at("kept"), unit < 6);
  }
  const auto fix = json.at("fix").get<std::string>();
  const Json count =
      Json::parse(ask({"space", "count", "resnet20-pool", "--fix", fix, "--json"}).out);
  EXPECT_EQ(count.at("architectures"), json.at("architectures_after"));
  // [8,1,1] is the most accurate, so that it is on the front, and outside.
  EXPECT_THAT(json.at("front_left_out").dump(), HasSubstr("[8,1,1]"));
  const Finished text = ask({"space", "narrow", "--run", "first", "--min-share", "0.09"});
  EXPECT_THAT(text.out, HasSubstr("36 of the 36 networks of search s-"));
  EXPECT_THAT(text.out, HasSubstr("no clusters, so that all count"));
  EXPECT_THAT(text.out, HasSubstr("search there with: --fix '" + fix + "'"));
  const Finished next = ask({"search", "--config", "search.yaml", "--fix", fix, "--json"});
  ASSERT_EQ(next.code, 0) << next.err;
  EXPECT_EQ(std::to_string(Json::parse(next.out).at("evaluations").get<int>()),
            json.at("architectures_after").get<std::string>());
}

TEST_F(Narrow, StaysInsideThePartThatWasSearchedAndSaysWhereNothingIsLeftOut) {
  search("algorithm: random, evaluations: 36, fix: ['down1=2|3'], ");
  const Json json = Json::parse(ask({"space", "narrow", "--run", "first", "--json"}).out);
  EXPECT_EQ(json.at("architectures_before"), "13");
  EXPECT_EQ(json.at("architectures_after"), "13");
  EXPECT_THAT(json.at("fix").get<std::string>(), HasSubstr("down1=2|3"));
  EXPECT_THAT(ask({"space", "narrow", "--run", "first"}).out, HasSubstr("nothing is left out"));
}

TEST_F(Narrow, OnlyNetworksWithinTheLimitsCountAndFewTellNothing) {
  // Accuracy of 0.7 or more: a from 5 on, and few others.
  search("algorithm: random, evaluations: 36, constraints: ['accuracy >= 0.7'], ");
  const Json json =
      Json::parse(ask({"space", "narrow", "--run", "first", "--min-share", "0.3", "--json"}).out);
  EXPECT_EQ(json.at("judged"), 36);
  int within = 0;
  for (int a = 1; a <= 8; ++a)
    for (int b = 1; a + b <= 9; ++b)
      if (0.5 + 0.04 * a - 0.01 * b >= 0.7 - 1e-9) ++within;
  EXPECT_EQ(json.at("networks"), within);
  const Finished few = ask({"space", "narrow", "--run", "first"});
  EXPECT_THAT(few.out, HasSubstr("too few networks have them open to tell"));
  EXPECT_THAT(few.out, HasSubstr("nothing is left out"));
}

TEST_F(Narrow, MistakesAreTold) {
  const Finished none = ask({"space", "narrow", "--run", "last", "--db", "no.db"});
  EXPECT_EQ(none.code, 2);
  search("algorithm: random, evaluations: 4, ");
  const Finished other = ask({"space", "narrow", "--run", "nobody"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("--run: there is no search 'nobody'"));
  EXPECT_EQ(ask({"space", "narrow", "--run", "first", "--min-cluster", "1"}).code, 2);
  EXPECT_EQ(ask({"space", "narrow", "--run", "first", "--min-share", "2"}).code, 2);
  EXPECT_EQ(ask({"space", "narrow"}).code, 2);
}

}  // namespace
}  // namespace nas::test
