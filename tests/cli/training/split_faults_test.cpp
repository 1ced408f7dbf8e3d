// Few-shot runs whose files are damaged and whose scoring is stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
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

/// Of the trained folder, which other tests see too.
std::string copied() {
  const std::string f = fresh_folder();
  std::filesystem::copy(trained(), f, std::filesystem::copy_options::recursive);
  return f;
}

// Weights that the leaf had at an earlier checkpoint, before its own training, are none of this
// tree's: its architectures fail, and the file is named.
TEST(SplitFaults, ADamagedLeafIsTold) {
  const std::string f = copied();
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(f))
    if (entry.path().filename().string().starts_with("set") && entry.path() > newest &&
        entry.path().extension() == ".safetensors")
      newest = entry.path();
  ASSERT_FALSE(newest.empty());
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  const Finished judged = nas(f, {"evaluate", "--run", "tree", "--all", "--json"});
  EXPECT_EQ(judged.code, 1) << judged.err;
  EXPECT_THAT(judged.err, HasSubstr(newest.filename().string()));
  EXPECT_THAT(judged.err, Not(HasSubstr("is used instead")));
  const Json judgements = Json::parse(judged.out)["evaluations"];
  size_t failed = 0;
  for (const Json& e : judgements) failed += e["accuracy"].is_null();
  EXPECT_GT(failed, 0u) << judged.out;
  EXPECT_LT(failed, judgements.size());
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
  const std::string f = copied();
  file = files_of_leaf(f, "1").back();
  cut_in_half(file);
  return f;
}

/// Judged architectures of the tree, by the leaf that owns them.
std::map<std::string, std::vector<std::string>> owned() {
  static const auto all = [] {
    std::map<std::string, std::vector<std::string>> found;
    // In a copy: what is stored is not judged again.
    const std::string f = copied();
    const Json json = document(nas(f, {"evaluate", "--run", "tree", "--all", "--json"}));
    for (const Json& e : json["evaluations"])
      found[e["weights"]].push_back(e["architecture"].get<std::string>());
    return found;
  }();
  return all;
}

// A leaf whose only file is damaged costs the architectures that it judges and no other.
TEST(SplitFaults, ALostLeafIsNoLostTree) {
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
          copied(),
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

TEST(SplitFaults, SearchAndRankGoOnWithoutALostLeaf) {
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
TEST(SplitFaults, ResumingTakesTheCheckpointWhoseLeavesAreWhole) {
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
  const auto step_of = [](const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return name.substr(name.find('-'));
  };
  // A set of the newest checkpoint; the kill may have left a set of one that was never finished.
  std::string last;
  std::vector<std::filesystem::path> sets;
  for (const auto& entry : std::filesystem::directory_iterator(f + "/nas-runs/" + id)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".safetensors")) continue;
    if (name.starts_with("set")) sets.push_back(entry.path());
    if (name.starts_with("checkpoint")) last = std::max(last, step_of(entry.path()));
  }
  std::filesystem::path newest;
  for (const auto& set : sets)
    if (step_of(set) <= last && (newest.empty() || step_of(set) > step_of(newest))) newest = set;
  ASSERT_FALSE(newest.empty());
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  const Finished rest = nas(f, {"train", "--resume", "cut", "--json"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("is used instead"));
  EXPECT_EQ(Json::parse(rest.out)["weights_sha256"], Json::parse(whole.out)["weights_sha256"]);
}

// `nas split` that was stopped goes on at the next choice, and says the same.
TEST(SplitFaults, AnInterruptedScoringKeepsWhatIsDone) {
  const std::string f = copied();
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
  Json rest = document(nas(f, args)), whole = document(nas(copied(), args));
  for (Json* json : {&rest, &whole}) (*json)["scoring"].erase("seconds");
  EXPECT_EQ(rest["choices"], whole["choices"]);
  EXPECT_EQ(rest["scoring"], whole["scoring"]);
  EXPECT_EQ(kept(), 0);
}

}  // namespace
}  // namespace nas::test

#endif
