// Rankings against plain counting; names of rankers; which difference is told; verdicts and exit
// codes of comparisons; fidelities that compare.
#include "cli/report/ranking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cli/report/rank_names.hpp"
#include "cli/runs/results/comparable.hpp"
#include "cli/runs/results/comparison.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas::test {
namespace {

using namespace nas::cli;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using List = std::vector<double>;

List random_list(Rng& rng, size_t n) {
  List list;
  for (size_t i = 0; i < n; ++i) list.push_back(rng.uniform());
  return list;
}
double tau(const List& a, const List& b) {
  int64_t sum = 0, pairs = 0;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      sum += (a[i] > a[j]) == (b[i] > b[j]) ? 1 : -1;
      ++pairs;
    }
  return static_cast<double>(sum) / static_cast<double>(pairs);
}

TEST(RankingRows, AreThoseOfCounting) {
  Rng rng(1, "rows");
  for (int i = 0; i < 20; ++i) {
    const size_t n = 8 + rng.below(30);
    const List truth = random_list(rng, n), predicted = random_list(rng, n);
    RankingOptions options;
    options.top = {"3", "25%"};
    options.bootstrap = 60;
    const auto row = Ranking(options, truth).row("r", predicted);
    EXPECT_EQ(row["ranker"], "r");
    EXPECT_EQ(row["n"], n);
    EXPECT_NEAR(row["tau_b"].get<double>(), tau(predicted, truth), 1e-12);
    EXPECT_EQ(row["ties"], (nlohmann::ordered_json{{"predicted", 0}, {"truth", 0}, {"both", 0}}));
    for (const std::string& top : options.top) {
      const size_t k = top == "3" ? 3 : (n + 3) / 4;  // Rounded up.
      std::vector<size_t> by_guess(n), by_truth(n);
      for (size_t x = 0; x < n; ++x) by_guess[x] = by_truth[x] = x;
      std::sort(by_guess.begin(), by_guess.end(), [&](size_t a, size_t b) {
        return predicted[a] > predicted[b];
      });
      std::sort(by_truth.begin(), by_truth.end(), [&](size_t a, size_t b) {
        return truth[a] > truth[b];
      });
      size_t hits = 0, best = n;
      double found = -1;
      for (size_t a = 0; a < k; ++a) {
        const auto place = static_cast<size_t>(
            std::find(by_truth.begin(), by_truth.end(), by_guess[a]) - by_truth.begin());
        hits += place < k ? 1 : 0;
        best = std::min(best, place);
        found = std::max(found, truth[by_guess[a]]);
      }
      EXPECT_NEAR(row["precision_at_" + top].get<double>(),
                  static_cast<double>(hits) / static_cast<double>(k),
                  1e-12);
      EXPECT_NEAR(row["best_rank_at_" + top].get<double>(), static_cast<double>(best + 1), 1e-12);
      EXPECT_NEAR(row["regret_at_" + top].get<double>(), truth[by_truth[0]] - found, 1e-12);
    }
    // An interval of resamples lies around the value, or nearly so, and inside what can be.
    const auto interval = row["tau_b_interval"];
    EXPECT_LE(interval[0].get<double>(), interval[1].get<double>());
    EXPECT_GE(interval[0].get<double>(), -1);
    EXPECT_LE(interval[1].get<double>(), 1);
  }
}

TEST(RankingRows, OneThatCallsAllEqualHasNoOrder) {
  const List truth = {1, 2, 3, 4}, equal(4, 7.0);
  RankingOptions options;
  options.top = {"2"};
  options.bootstrap = 20;
  const auto row = Ranking(options, truth).row("r", equal);
  EXPECT_TRUE(row["tau_b"].is_null());
  EXPECT_TRUE(row["spearman"].is_null());
  EXPECT_FALSE(row.contains("precision_at_2"));
  EXPECT_EQ(row["ties"]["predicted"], 6);
  EXPECT_TRUE(row["tau_b_interval"][0].is_null());
  // More than there are is not asked for.
  options.top = {"5"};
  EXPECT_FALSE(Ranking(options, truth).row("r", truth).contains("precision_at_5"));
}

TEST(RankingRows, OneSeedGivesOneInterval) {
  Rng rng(2, "seed");
  const List truth = random_list(rng, 30), predicted = random_list(rng, 30);
  RankingOptions options;
  options.bootstrap = 50;
  EXPECT_EQ(Ranking(options, truth).row("r", predicted),
            Ranking(options, truth).row("r", predicted));
  RankingOptions other = options;
  other.seed = 1;
  EXPECT_NE(Ranking(options, truth).row("r", predicted)["tau_b_interval"],
            Ranking(other, truth).row("r", predicted)["tau_b_interval"]);
}

TEST(RankingDifferences, AreThoseOfTheTwo) {
  Rng rng(3, "differences");
  const List truth = random_list(rng, 40), a = random_list(rng, 40);
  RankingOptions options;
  options.bootstrap = 100;
  const Ranking ranking(options, truth);
  const auto d = ranking.difference("a", a, "truth", truth);
  EXPECT_NEAR(d["tau_b_difference"].get<double>(), 1 - tau(a, truth), 1e-12);
  EXPECT_EQ(d["from"], "a");
  EXPECT_EQ(d["to"], "truth");
  EXPECT_GT(d["interval"][0].get<double>(), 0) << "the truth orders better than chance";
  // Turned round it is the negative, on the same draws.
  const auto turned = ranking.difference("truth", truth, "a", a);
  EXPECT_NEAR(turned["interval"][0].get<double>(), -d["interval"][1].get<double>(), 1e-12);
  EXPECT_NEAR(
      turned["bootstrap_deviation"].get<double>(), d["bootstrap_deviation"].get<double>(), 1e-12);
  // Half the difference needs four times the architectures.
  const double wide = d["architectures_needed"]["0.2"].get<double>(),
               narrow = d["architectures_needed"]["0.1"].get<double>();
  EXPECT_NEAR(narrow / wide, 4, 4 / wide);
  // A ranker and itself: no difference, no deviation, no number of architectures.
  const auto same = ranking.difference("a", a, "a", a);
  EXPECT_EQ(same["tau_b_difference"], 0);
  EXPECT_EQ(same["bootstrap_deviation"], 0);
  EXPECT_TRUE(same["architectures_needed"]["0.1"].is_null());
}

TEST(RankingDifferences, AreTakenToTheStrongestThatNeedsNoTraining) {
  const List truth = {1, 2, 3, 4, 5, 6};
  const std::vector<std::pair<std::string, List>> rankers = {{"run-a", {1, 2, 3, 4, 6, 5}},
                                                             {"run-b", {2, 1, 3, 4, 5, 6}},
                                                             {"macs", {1, 3, 2, 4, 6, 5}},
                                                             {"params", {1, 2, 3, 5, 4, 6}},
                                                             {"equal", {1, 1, 1, 1, 1, 1}}};
  RankingOptions options;
  options.bootstrap = 10;
  const Ranking ranking(options, truth);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& [name, list] : rankers) rows.push_back(ranking.row(name, list));
  std::vector<std::string> pairs;
  const auto all = differences(ranking, rankers, rows, 2);
  for (const auto& d : all)
    pairs.push_back(d["from"].get<std::string>() + ">" + d["to"].get<std::string>());
  EXPECT_THAT(
      pairs,
      ElementsAre("macs>run-a", "params>run-a", "macs>run-b", "params>run-b", "run-a>run-b"));
}

// ---- Names.

RunRow run_row(const std::string& id, const std::string& name) {
  RunRow row;
  row.id = id;
  row.name = name;
  return row;
}

TEST(RankNames, AreAllDifferent) {
  EXPECT_THAT(unique_names({run_row("t-1", "a"), run_row("t-2", "b")}, {}), ElementsAre("a", "b"));
  EXPECT_THAT(unique_names({run_row("t-1", "a"), run_row("t-2", "a"), run_row("t-3", "")}, {}),
              ElementsAre("a (t-1)", "a (t-2)", "t-3"));
  EXPECT_THAT(unique_names({run_row("t-1", "macs")}, {"macs"}), ElementsAre("macs (t-1)"));
  // A name that is another run's id, and one made to look like a name with an id.
  EXPECT_THAT(unique_names({run_row("t-1", "t-2"), run_row("t-2", "x")}, {}),
              ElementsAre("t-2 (t-1)", "x"));
  EXPECT_THAT(
      unique_names({run_row("t-1", "a"), run_row("t-2", "a"), run_row("t-3", "a (t-1)")}, {}),
      ElementsAre("a (t-1)'", "a (t-2)", "a (t-1)"));
  EXPECT_THAT(unique_names({run_row("t-1", "a\x1b")}, {}), ElementsAre("a\\x1b"));
  try {
    unique_names({run_row("t-1", "a"), run_row("t-1", "a")}, {});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("run t-1 is given twice"));
  }
}

TEST(RankNames, DirectionsAreStatedToldOrGuessed) {
  EXPECT_EQ(truth_direction("accuracy", false, false).better, Better::kHigher);
  EXPECT_EQ(truth_direction("test_loss", false, false).better, Better::kLower);
  EXPECT_FALSE(truth_direction("test_loss", false, false).guessed);
  EXPECT_TRUE(truth_direction("column7", false, false).guessed);
  EXPECT_EQ(truth_direction("column7", false, false).better, Better::kHigher);
  EXPECT_EQ(truth_direction("accuracy", true, false).better, Better::kLower) << "as stated";
  EXPECT_EQ(truth_direction("accuracy_drop", false, true).better, Better::kHigher);
  EXPECT_THROW(truth_direction("accuracy_drop", false, false), ConfigError);
}

// ---- Comparisons.

TEST(Verdicts, TheGravestDecidesTheExitCode) {
  const std::vector<std::pair<Verdict, std::pair<int, int>>> codes = {
      {Verdict::kBetter, {0, 0}},
      {Verdict::kSame, {0, 0}},
      {Verdict::kWorse, {0, 4}},
      {Verdict::kUndecided, {0, 5}},
      {Verdict::kInfeasible, {3, 3}},
      {Verdict::kNoNumbers, {5, 5}}};
  const auto code = [](std::vector<Verdict> verdicts, bool limited) {
    std::vector<Comparison> list;
    for (const Verdict v : verdicts) {
      list.emplace_back();
      list.back().verdict = v;
    }
    return exit_code(list, limited);
  };
  EXPECT_EQ(code({}, true), 0);
  // Infeasible, worse, not enough, fine; whatever their order.
  const auto graver = [](int a, int b) {
    const std::vector<int> order = {0, 5, 4, 3};
    const auto place = [&](int c) {
      return std::find(order.begin(), order.end(), c) - order.begin();
    };
    return place(a) > place(b) ? a : b;
  };
  for (const auto& [a, of_a] : codes)
    for (const auto& [b, of_b] : codes) {
      EXPECT_EQ(code({a, b}, false), graver(of_a.first, of_b.first))
          << to_string(a) << to_string(b);
      EXPECT_EQ(code({a, b}, true), graver(of_a.second, of_b.second))
          << to_string(a) << to_string(b);
    }
}

TEST(Verdicts, GainsAreInTheGoodDirection) {
  Comparison c;
  c.change = Change{20, 15, -5, -7, -3};
  EXPECT_EQ(c.gain(), -5);
  EXPECT_EQ(c.gain_low(), -7);
  EXPECT_EQ(c.gain_high(), -3);
  EXPECT_EQ(c.relative(c.gain()), -0.25);
  c.better = Better::kLower;
  EXPECT_EQ(c.gain(), 5);
  EXPECT_EQ(c.gain_low(), 3);
  EXPECT_EQ(c.gain_high(), 7);
  c.change->base = -20;
  EXPECT_EQ(c.relative(5), 0.25) << "of the base's size";
  c.change.reset();
  EXPECT_TRUE(std::isnan(c.gain()) && std::isnan(c.gain_low()) && std::isnan(c.relative(1)));
}

TEST(Comparable, FidelitiesAreHeldApartByWhatTheyMean) {
  SidedRun a, b;
  a.run.fingerprint = b.run.fingerprint = "f";
  a.run.space = b.run.space = "digits";
  const auto why =
      [&](const std::string& x, const std::string& y, std::set<std::string> ignored = {}) {
        return not_comparable(a, x, b, y, ignored);
      };
  EXPECT_EQ(why("", ""), "");
  EXPECT_EQ(why("{}", ""), "");
  EXPECT_EQ(why(R"({"images": 100, "checkpoint": "a"})", R"({"checkpoint": "b", "images": 100})"),
            "")
      << "the weights are what is compared";
  EXPECT_THAT(
      why(R"({"images": 100})", R"({"images": 200})"),
      ::testing::AllOf(HasSubstr("measured otherwise"), HasSubstr("--ignore images compares")));
  EXPECT_EQ(why(R"({"images": 100})", R"({"images": 200})", {"images"}), "");
  EXPECT_EQ(why(R"({"images": 100, "batch": 1})", R"({"images": 200, "batch": 7})", {"images"}),
            "");
  EXPECT_THAT(why(R"({"images": 100, "bn": "recalibrated"})", R"({"images": 200, "bn": "stored"})"),
              HasSubstr("--ignore images --ignore recalibration compares"));
  EXPECT_THAT(why(R"({"images": 1, "bn": "x"})", R"({"images": 2, "bn": "y"})", {"images"}),
              HasSubstr("(--ignore recalibration compares"));
  // A file with a hash is the same wherever it lies.
  EXPECT_EQ(why(R"({"file": "/a", "sha256": "1"})", R"({"file": "/b", "sha256": "1"})"), "");
  EXPECT_THAT(why(R"({"file": "/a", "sha256": "1"})", R"({"file": "/a", "sha256": "2"})"),
              HasSubstr("--ignore table"));
  EXPECT_NE(why(R"({"file": "/a"})", R"({"file": "/b"})"), "");
  // What has no kind cannot be ignored.
  EXPECT_THAT(why(R"({"odd": 1})", R"({"odd": 2})"), ::testing::Not(HasSubstr("--ignore")));
  EXPECT_NE(why("not JSON", "other"), "");
  EXPECT_EQ(why("not JSON", "not JSON"), "");
  b.run.fingerprint = "g";
  EXPECT_THAT(why("", ""), HasSubstr("of another space (digits, digits that has changed)"));
  b.run.space = "darts";
  EXPECT_THAT(why("", ""), HasSubstr("of another space (digits, darts)"));
}

TEST(Comparable, LatencyTablesAreOneOrAreTold) {
  const std::string a = R"({"table": "a"})", b = R"({"table": "b"})";
  EXPECT_EQ(other_table(a, a, {}), "");
  EXPECT_THAT(other_table(a, b, {}), HasSubstr("of another latency table"));
  EXPECT_EQ(other_table(a, b, {"latency-table"}), "");
}

}  // namespace
}  // namespace nas::test
