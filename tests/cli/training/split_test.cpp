// nas split and few-shot runs with the real binaries: from a plain supernet to a tree that is
// shown, judged, exported and survives being killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "process.hpp"
#include "training/split_runs.hpp"

#ifdef NAS_TORCH

namespace nas::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

TEST(Split, ScoresEveryChoice) {
  const std::string& f = trained();
  const Finished told = nas(f, {"split", "--run", "plain", "--batches", "4", "--matrices"});
  ASSERT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("(taken)"));
  EXPECT_THAT(told.out, HasSubstr("% of the training's"));
  const Json json = document(nas(f, {"split", "--run", "plain", "--batches", "4", "--json"}));
  EXPECT_EQ(json["schema"], "nas-split/1");
  ASSERT_EQ(json["choices"].size(), 3u);
  for (const Json& c : json["choices"]) {
    EXPECT_TRUE(c["usable"].get<bool>());
    ASSERT_EQ(c["groups"].size(), 2u);
    EXPECT_EQ(c["groups"][0].size() + c["groups"][1].size(), 4u);
    double total = 0;
    for (size_t i = 0; i < 4; ++i)
      for (size_t k = i + 1; k < 4; ++k) total += c["distance"][i][k].get<double>();
    EXPECT_NEAR(c["cut"].get<double>() + c["within"].get<double>(), total, 1e-9);
  }
  EXPECT_EQ(json["scoring"]["passes"], 4 * 4 * 3);
  EXPECT_TRUE(json["applied"].is_null());
  // Nothing was made.
  EXPECT_EQ(document(nas(f, {"runs", "--json"}))["runs"].size(), 2u);
}

TEST(Split, AppliedItTrainsTheGroupsThatWerePrinted) {
  const std::string f = fresh_folder();
  std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
  const Json json = document(nas(f,
                                 {"split",
                                  "--run",
                                  "plain",
                                  "--batches",
                                  "4",
                                  "--apply",
                                  "--epochs",
                                  "1",
                                  "--name",
                                  "leaves",
                                  "--json"}));
  const std::string made = json["applied"];
  EXPECT_EQ(json["leaves"]["epochs"], 2);
  const Finished rest = nas(f, {"train", "--resume", "leaves", "--json"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(Json::parse(rest.out)["epochs"], 3 + 2);
  const Json shown = document(nas(f, {"runs", "show", made, "--json"}));
  const Json& root = shown["split_tree"]["nodes"][0];
  EXPECT_EQ(root["choice"], json["chosen"]);
  EXPECT_EQ(root["epochs"], 3);
  for (const Json& c : json["choices"]) {
    if (c["choice"] != root["choice"]) continue;
    Json names = Json::array();
    for (const Json& group : root["groups"]) {
      names.push_back(Json::array());
      for (const Json& o : group) names.back().push_back(c["options"][o.get<size_t>()]);
    }
    EXPECT_EQ(names, c["groups"]);
    EXPECT_EQ(root["scores"][0]["distance"][1], c["distance"][0][1]) << "to the last bit";
  }
  // Its compute is that of the whole way.
  const Json plain = document(nas(f, {"runs", "show", "plain", "--json"}));
  EXPECT_GT(shown["compute"]["macs"], plain["compute"]["macs"]);
  EXPECT_EQ(shown["compute"]["epochs"], 5);
  EXPECT_EQ(shown["compute"]["scoring_passes"], 48);
  EXPECT_EQ(shown["progress"], "epoch 5/5");
}

TEST(Split, TheTreeIsShownJudgedAndExported) {
  const std::string& f = trained();
  EXPECT_THAT(nas(f, {"runs", "show", "tree"}).out, HasSubstr("nas evaluate --run"));
  const Json judged = document(nas(f, {"evaluate", "--run", "tree", "--sample", "6", "--json"}));
  std::set<std::string> owners;
  for (const Json& e : judged["evaluations"]) owners.insert(e["weights"].get<std::string>());
  EXPECT_THAT(owners, testing::IsSubsetOf({"leaf 1", "leaf 2"}));
  const Json shown = document(nas(f, {"runs", "show", "tree", "--json"}));
  int64_t count = 0, leaves = 0;
  double sum = 0, best = 0;
  for (const Json& node : shown["split_tree"]["nodes"]) {
    if (node["status"] != "leaf") continue;
    ++leaves;
    count += std::stoll(node["architectures"].get<std::string>());
    if (node["judged"] == 0) continue;
    sum += node["accuracy_mean"].get<double>() * node["judged"].get<double>();
    best = std::max(best, node["accuracy_best"].get<double>());
  }
  EXPECT_EQ(leaves, 2);
  EXPECT_EQ(count, 64);
  std::map<std::string, double> different;
  double most = 0, total = 0;
  for (const Json& e : judged["evaluations"])
    different[e["architecture"]] = e["accuracy"].get<double>();
  for (const auto& [name, accuracy] : different) {
    most = std::max(most, accuracy);
    total += accuracy;
  }
  EXPECT_NEAR(sum, total, 1e-9);
  EXPECT_EQ(best, most);
  const Finished text = nas(f, {"runs", "show", "tree"});
  EXPECT_THAT(text.out, HasSubstr("Split tree"));
  EXPECT_THAT(text.out, testing::Not(HasSubstr("nas evaluate --run")));
  EXPECT_THAT(text.out, HasSubstr("+- "));
  EXPECT_THAT(text.out, HasSubstr("passes"));
  const Finished drawn = nas(f, {"runs", "show", "tree", "--out", "tree.dot"});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_TRUE(std::filesystem::exists(f + "/tree.dot"));
  EXPECT_EQ(nas(f, {"runs", "show", "plain", "--format", "dot"}).code, 2);

  const std::string architecture = judged["evaluations"][0]["architecture"];
  const Finished exported =
      nas(f, {"export", "--run", "tree", "--arch", architecture, "--out", "model"});
  ASSERT_EQ(exported.code, 0) << exported.err;
  std::ifstream file(f + "/model/model.json");
  EXPECT_EQ(Json::parse(file)["weights"], judged["evaluations"][0]["weights"]);
}

TEST(Split, LeavesAreNamedAndSplitFurther) {
  const std::string& f = trained();
  const std::vector<std::string> fixed = {
      "split", "--run", "plain", "--batches", "2", "--edge", "fixed:stage2.layer1", "--json"};
  const Json named = document(nas(f, fixed));
  EXPECT_EQ(named["choices"].size(), 1u) << named;
  const Finished which = nas(f, {"split", "--run", "tree"});
  EXPECT_EQ(which.code, 2);
  EXPECT_THAT(which.err, HasSubstr("1 (leaf 1), 2 (leaf 2)"));
  const Json json = document(
      nas(f, {"split", "--run", "tree", "--weights", "leaf 2", "--batches", "2", "--json"}));
  EXPECT_EQ(json["set"], 2);
  EXPECT_EQ(json["choices"].size(), 2u) << "what was split already is no candidate";
  const Finished applied =
      nas(f, {"split", "--run", "tree", "--weights", "2", "--apply", "--epochs", "1"});
  EXPECT_EQ(applied.code, 2);
  EXPECT_THAT(applied.err, HasSubstr("one weight set"));
}

TEST(Split, RefusesWhatCannotBe) {
  const std::string& f = trained();
  const auto told = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "split");
    const Finished refused = nas(f, args);
    EXPECT_EQ(refused.code, 2) << refused.err;
    return refused.err;
  };
  EXPECT_THAT(told({"--run", "nobody"}), HasSubstr("no training run 'nobody'"));
  EXPECT_THAT(told({"--run", "plain", "--choices", "stage9"}), HasSubstr("no choice 'stage9'"));
  EXPECT_THAT(told({"--run", "plain", "--groups", "5"}), HasSubstr("5 groups"));
  EXPECT_THAT(told({"--run", "plain", "--apply"}), HasSubstr("--epochs"));
  EXPECT_THAT(told({"--run", "plain", "--weights", "7"}), HasSubstr("no weight set '7'"));
  EXPECT_THAT(told({"--run", "plain", "--edge", "fixed"}), HasSubstr("--choices"));
  EXPECT_THAT(told({"--run", "plain", "--batches", "1"}), HasSubstr("--batches"));
}

TEST(Split, EndsWithinTwoSecondsOfASignal) {
  Launch launch;
  launch.signal = SIGINT;
  launch.signal_at = "forward-backward passes";
  const Finished stopped =
      nas(trained(), {"split", "--run", "plain", "--batches", "1000000"}, launch);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_LT(stopped.seconds, 2 + 2 * torch_startup());
}

// Killed while choices are scored, between two epochs: the same tree and weights come out.
TEST(Split, KilledWhileScoringResumesToTheSame) {
  const std::string f = fresh_folder();
  write_file(f + "/t.yaml", kTrain);
  const char* const weights =
      "weights={kind: few-shot, split: {epochs: [1], score: {batches: 12}}, restart: none}";
  const Finished whole =
      nas(f, {"train", "--config", "t.yaml", "--set", weights, "--name", "whole", "--json"});
  ASSERT_EQ(whole.code, 0) << whole.err;
  Launch launch;
  launch.signal = SIGKILL;
  launch.signal_at = "epoch 1/";
  const Finished killed =
      nas(f, {"train", "--config", "t.yaml", "--set", weights, "--name", "cut"}, launch);
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  const Finished rest = nas(f, {"train", "--resume", "cut", "--json"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(Json::parse(rest.out)["weights_sha256"], Json::parse(whole.out)["weights_sha256"]);
}

// Splits before the first epoch write sets; a dry run leaves nothing, wherever it is.
TEST(Split, ADryRunLeavesNothing) {
  const std::string f = fresh_folder();
  write_file(f + "/t.yaml", kTrain);
  const Finished dry = nas(f,
                           {"train",
                            "--config",
                            "t.yaml",
                            "--dry-run",
                            "--set",
                            "weights={kind: few-shot, split: {epochs: [0], criterion: random}}"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(f)) ++files;
  EXPECT_EQ(files, 1);
}

// The drawing fits the terminal: lines are folded, the tree is not cut in two.
TEST(Split, TheTreeFitsTheTerminal) {
  Launch launch;
  launch.environment = {{"COLUMNS", "60"}};
  const Finished shown = nas(trained(), {"runs", "show", "tree"}, launch);
  ASSERT_EQ(shown.code, 0) << shown.err;
  const size_t from = shown.out.find("Split tree\n"), to = shown.out.find("\n\nCheckpoints");
  ASSERT_NE(from, std::string::npos);
  std::istringstream lines(shown.out.substr(from, to - from));
  int leaves = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool command = line.find("nas evaluate") != std::string::npos;
    EXPECT_LE(command ? 0 : line.size(), 60u) << line;
    leaves += line.starts_with("  +- ");
  }
  EXPECT_EQ(leaves, 2);
}

// Scoring is no training: neither its pace nor its time.
TEST(Split, TheTimeOfScoringIsTold) {
  const Json shown = document(nas(trained(), {"runs", "show", "tree", "--json"}));
  EXPECT_GT(shown["metrics"]["time.scoring_seconds"]["value"], 0);
  EXPECT_EQ(shown["metrics"]["time.scoring_seconds"]["step"], 2) << "before the second epoch";
}

TEST(Split, TheTypedKeyIsNamed) {
  const Finished edge =
      nas(trained(), {"split", "--run", "plain", "--edge", "fixed:stage9", "--batches", "2"});
  EXPECT_EQ(edge.code, 2);
  EXPECT_THAT(edge.err, HasSubstr("--edge fixed:stage9: the space"));
  EXPECT_THAT(edge.err, Not(HasSubstr("--choices")));
}

TEST(Split, RankingSaysWhetherThereIsABaselineOfEqualCompute) {
  const std::string f = fresh_folder();
  std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
  const Json list = document(nas(f, {"evaluate", "--run", "plain", "--sample", "6", "--json"}));
  std::string truth = "architecture,accuracy\n";
  double value = 0.5;
  std::set<std::string> seen;
  for (const Json& e : list["evaluations"])
    if (seen.insert(e["architecture"]).second)
      truth += e["architecture"].get<std::string>() + "," + std::to_string(value += 0.01) + "\n";
  write_file(f + "/truth.csv", truth);
  const Finished without =
      nas(f, {"rank", "--run", "tree", "--truth", "truth.csv", "--bootstrap", "10"});
  ASSERT_EQ(without.code, 0) << without.err;
  EXPECT_THAT(without.out, HasSubstr("no one-shot run of equal"));
  const Json rank = document(
      nas(f, {"rank", "--run", "tree", "--truth", "truth.csv", "--bootstrap", "10", "--json"}));
  const Json& equal = rank["equal_compute"][0];
  ASSERT_TRUE(equal["baseline"].is_null());
  const std::string make = equal["make"];
  // What it says to do makes one.
  const size_t sets = make.find(" --set ");
  Finished made = nas(f, {"runs", "show", "tree", "--config-only"});
  write_file(f + "/again.yaml", made.out);
  std::vector<std::string> args = {"train", "-q", "--config", "again.yaml"};
  std::istringstream words(make.substr(sets));
  for (std::string word; words >> word;) args.push_back(word);
  made = nas(f, args);
  ASSERT_EQ(made.code, 0) << made.err;
  const Json again = document(
      nas(f, {"rank", "--run", "tree", "--truth", "truth.csv", "--bootstrap", "10", "--json"}));
  EXPECT_NEAR(again["equal_compute"][0]["ratio"].get<double>(), 1, 0.05);
}

}  // namespace
}  // namespace nas::test

#endif
