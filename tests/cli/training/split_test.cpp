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

#ifdef NAS_TORCH

namespace nas::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr const char* kTrain =
    "space:\n  family: cnn\n  channels: 1\n  resolution: 8\n  classes: 10\n  stem_width: 8\n"
    "  kinds: [conv3, conv5, sep3, sep5]\n  stages:\n"
    "    - {widths: [8], depths: [1], stride: 1}\n    - {widths: [12], depths: [2], stride: 2}\n"
    "data: {kind: digits, limit: 320}\nthreads: 1\n"
    "train: {epochs: 3, batch: 64, validation: {every: 0}}\n"
    "evaluate: {images: 60, recalibrate: {images: 100}}\n";
constexpr const char* kFewShot =
    "weights={kind: few-shot, split: {epochs: [1], score: {batches: 4}}, restart: none}";

Finished nas(const std::string& folder, std::vector<std::string> args, Launch launch = {}) {
  launch.folder = folder;
  launch.args = std::move(args);
  return run(launch);
}

/// `plain`: one set, three epochs; `tree`: a few-shot run of two leaves.
const std::string& trained() {
  static const std::string folder = [] {
    const std::string made = fresh_folder();
    write_file(made + "/t.yaml", kTrain);
    EXPECT_EQ(nas(made, {"train", "-q", "--config", "t.yaml", "--name", "plain"}).code, 0);
    const Finished tree =
        nas(made, {"train", "-q", "--config", "t.yaml", "--set", kFewShot, "--name", "tree"});
    EXPECT_EQ(tree.code, 0) << tree.err;
    EXPECT_THAT(tree.out, HasSubstr("scoring of choices"));
    return made;
  }();
  return folder;
}

Json document(const Finished& f) {
  EXPECT_EQ(f.code, 0) << f.err;
  return Json::parse(f.out, nullptr, false);
}

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

// A leaf's file that is damaged makes its checkpoint damaged: the older one is used, and that is
// said.
TEST(Split, ADamagedLeafIsTold) {
  const std::string f = fresh_folder();
  std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(f))
    if (entry.path().filename().string().starts_with("set") && entry.path() > newest &&
        entry.path().extension() == ".safetensors")
      newest = entry.path();
  ASSERT_FALSE(newest.empty());
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  const Finished judged = nas(f, {"evaluate", "--run", "tree", "--sample", "2"});
  EXPECT_EQ(judged.code, 0) << judged.err;
  EXPECT_THAT(judged.err, HasSubstr("damaged checkpoint"));
  EXPECT_THAT(judged.err, HasSubstr("is used instead"));
}

void cut_in_half(const std::string& file) {
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
}

/// Files of a leaf in the folder of the tree, the newest last.
std::vector<std::string> files_of_leaf(const std::string& folder, const std::string& leaf) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().filename().string().starts_with("set" + leaf + "-"))
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// A copy of the trained folder in which `file`, that of leaf 1, is cut in half. Both checkpoints
/// of the tree name it: the last epoch trained leaf 2.
std::string with_damaged_leaf(std::string& file) {
  const std::string f = fresh_folder();
  std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
  file = files_of_leaf(f, "1").back();
  cut_in_half(file);
  return f;
}

/// Judged architectures of the tree, by the leaf that owns them.
std::map<std::string, std::vector<std::string>> owned() {
  static const auto all = [] {
    std::map<std::string, std::vector<std::string>> found;
    // In a copy: what is stored is not judged again.
    const std::string f = fresh_folder();
    std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
    const Json json = document(nas(f, {"evaluate", "--run", "tree", "--all", "--json"}));
    for (const Json& e : json["evaluations"])
      found[e["weights"]].push_back(e["architecture"].get<std::string>());
    return found;
  }();
  return all;
}

// A leaf whose only file is damaged costs the architectures that it judges and no other.
TEST(Split, ALostLeafIsNoLostTree) {
  const auto names = owned();
  ASSERT_EQ(names.size(), 2u);
  const std::string mine = names.at("leaf 1")[0], other = names.at("leaf 2")[0];
  std::string file;
  const std::string f = with_damaged_leaf(file);
  EXPECT_EQ(nas(f, {"runs", "show", "tree"}).code, 0);
  const Finished good = nas(f, {"evaluate", "--run", "tree", "--arch", other, "--json"});
  EXPECT_EQ(
      Json::parse(good.out)["evaluations"][0]["accuracy"],
      document(nas(
          trained(),
          {"evaluate", "--run", "tree", "--arch", other, "--json"}))["evaluations"][0]["accuracy"]);
  // Said once, with the file and what to do.
  const size_t said = good.err.find(file);
  ASSERT_NE(said, std::string::npos) << good.err;
  EXPECT_EQ(good.err.find(file, said + 1), std::string::npos) << good.err;
  EXPECT_THAT(good.err, HasSubstr("put an undamaged copy there"));
  const Finished bad = nas(f, {"evaluate", "--run", "tree", "--arch", mine});
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(bad.out, "");
  EXPECT_THAT(bad.err, HasSubstr("the weights of leaf 1 cannot be read: " + file));
  const Finished both = nas(f, {"evaluate", "--run", "tree", "--arch", mine, "--arch", other});
  EXPECT_EQ(both.code, 1);
  EXPECT_THAT(both.out, testing::AllOf(HasSubstr("failed"), HasSubstr("60 images each")));
  EXPECT_THAT(both.err, HasSubstr("1 of 2 evaluations failed"));
  EXPECT_EQ(nas(f, {"export", "--run", "tree", "--arch", mine, "--out", "m"}).code, 1);
  // No leaf of the newest checkpoint is left, one of the older is.
  const std::vector<std::string> second = files_of_leaf(f, "2");
  ASSERT_EQ(second.size(), 2u);
  cut_in_half(second[1]);
  const Finished older = nas(f, {"evaluate", "--run", "tree", "--arch", other});
  EXPECT_EQ(older.code, 0) << older.err;
  EXPECT_THAT(older.err, HasSubstr("damaged checkpoint: " + second[1]));
  EXPECT_THAT(older.err, HasSubstr("is used instead"));
  // None is: each file is named once.
  cut_in_half(second[0]);
  const Finished none = nas(f, {"evaluate", "--run", "tree", "--arch", other});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no checkpoint in"));
  EXPECT_EQ(none.err.find(file), none.err.rfind(file));
}

TEST(Split, SearchAndRankGoOnWithoutALostLeaf) {
  const auto names = owned();
  std::string file;
  const std::string f = with_damaged_leaf(file);
  std::string truth = "architecture,accuracy\n";
  for (size_t i = 0; i < 3; ++i)
    for (const auto& [leaf, list] : names)
      truth += list[i] + "," + std::to_string(0.5 + 0.01 * static_cast<double>(i)) + "\n";
  write_file(f + "/truth.csv", truth);
  const Finished ranked =
      nas(f, {"rank", "--run", "tree", "--truth", "truth.csv", "--bootstrap", "10", "--json"});
  ASSERT_EQ(ranked.code, 0) << ranked.err;
  const Json rank = Json::parse(ranked.out);
  EXPECT_EQ(rank["n"], 3);
  EXPECT_EQ(rank["without_weights"], 3);
  EXPECT_THAT(ranked.err, HasSubstr("3 of 6 architectures are not ranked"));
  const Finished found =
      nas(f, {"search", "--run", "tree", "--algorithm", "random", "--evaluations", "24", "--json"});
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.err, HasSubstr(file));
  const Json told = document(nas(f, {"results", "--all", "--json"}));
  size_t ok = 0, failed = 0;
  for (const Json& e : told["evaluations"]) (e["status"] == "failed" ? failed : ok) += 1;
  EXPECT_GT(ok, 0u);
  EXPECT_GT(failed, 0u);
}

// Where an older checkpoint holds the leaf whole, training goes on from there.
TEST(Split, ResumingTakesTheCheckpointWhoseLeavesAreWhole) {
  const std::string f = fresh_folder();
  write_file(f + "/t.yaml", kTrain);
  const std::string weights = kFewShot;
  const std::vector<std::string> train = {
      "train", "--config", "t.yaml", "--set", weights, "--set", "train.epochs=4"};
  const auto named = [&](const char* name) {
    std::vector<std::string> args = train;
    args.insert(args.end(), {"--name", name, "--json"});
    return args;
  };
  const Finished whole = nas(f, named("whole"));
  ASSERT_EQ(whole.code, 0) << whole.err;
  Launch launch;
  launch.signal = SIGKILL;
  launch.signal_at = "epoch 5/";
  EXPECT_EQ(nas(f, named("cut"), launch).code, 128 + SIGKILL);
  std::string id = document(nas(f, {"runs", "show", "cut", "--json"}))["run"];
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(f + "/nas-runs/" + id)) {
    const std::string name = entry.path().filename().string();
    // Set numbers differ: the file written last is that of the newest checkpoint.
    if (name.starts_with("set") && name.ends_with(".safetensors") &&
        (newest.empty() ||
         name.substr(name.find('-')) > newest.filename().string().substr(name.find('-'))))
      newest = entry.path();
  }
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  const Finished rest = nas(f, {"train", "--resume", "cut", "--json"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("is used instead"));
  EXPECT_EQ(Json::parse(rest.out)["weights_sha256"], Json::parse(whole.out)["weights_sha256"]);
}

// `nas split` that was stopped goes on at the next choice, and says the same.
TEST(Split, AnInterruptedScoringKeepsWhatIsDone) {
  const std::string f = fresh_folder();
  std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
  const std::vector<std::string> args = {"split", "--run", "plain", "--batches", "12", "--json"};
  const auto kept = [&f] {
    const std::set<std::string> files = files_below(f);
    return std::count_if(files.begin(), files.end(), [](const std::string& name) {
      return name.find("scores-") != std::string::npos && name.ends_with(".json");
    });
  };
  Launch launch;
  launch.signal = SIGINT;
  launch.signal_when = [&] { return kept() > 0; };
  const Finished cut = nas(f, args, launch);
  ASSERT_EQ(cut.code, 130) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("of 3 are scored and kept: the same command goes on"));
  EXPECT_GT(kept(), 0);
  Json rest = document(nas(f, args)), whole = document(nas(trained(), args));
  for (Json* json : {&rest, &whole}) (*json)["scoring"].erase("seconds");
  EXPECT_EQ(rest["choices"], whole["choices"]);
  EXPECT_EQ(rest["scoring"], whole["scoring"]);
  EXPECT_EQ(kept(), 0);
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
