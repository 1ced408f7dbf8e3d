// How an exported network came about, from the rows of a store, and the commands that follow.
#include "cli/runs/results/lineage.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "cli/runs/results/recipe.hpp"
#include "cli/runs/results/reproduction.hpp"
#include "search/store/store.hpp"
#include "spaces/base/scratch_file.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineageTest : public testing::Test {
 protected:
  RunRow run(const std::string& id,
             const std::string& command,
             const std::string& config,
             const std::string& parent = "") {
    RunRow row;
    row.id = id;
    row.name = "name-of-" + id;
    row.command = command;
    row.status = "running";
    row.space = "resnet20-pool";
    row.fingerprint = "print-" + id;
    row.config_yaml = config;
    row.parent = parent;
    row.seed = 7;
    row.versions_json = R"({"nas": "0.2", "threads": 2})";
    row.directory = store_.folder_of(id);
    store_.add_run(row);
    store_.finish_run(id, "finished");
    return *store_.run(id);
  }
  std::string file(const std::string& path, const std::string& text) const {
    const fs::path at = fs::path(folder_.path()) / path;
    fs::create_directories(at.parent_path());
    std::ofstream(at) << text;
    return at.string();
  }
  Json steps(const RunRow& train, const std::string& search = "") const {
    const Json lineage = lineage_of(store_, train, search);
    EXPECT_EQ(lineage["schema"], "nas-lineage/1");
    return lineage["steps"];
  }
  static std::vector<std::string> runs_of(const Json& steps) {
    std::vector<std::string> runs;
    for (const Json& step : steps)
      runs.push_back(step["command"].get<std::string>() + " " + step["run"].get<std::string>());
    return runs;
  }
  static std::string value(const Json& step, const std::string& key) {
    YamlSource source;
    source.text = step["config"];
    return yaml_scalar(source, key).value_or("-");
  }

  ScratchFolder folder_{"nas-lineage"};
  Store store_{folder_.path() + "/nas.db"};
};

TEST_F(LineageTest, ATrainingSaysAllThatItWasGiven) {
  const std::string config =
      "space: resnet20-pool\ndata: {path: /images}\ntrain: {shards: 0, memory_format: "
      "contiguous}\n";
  const RunRow train = run("t-1", "train", config);
  store_.set_document("t-1", "train", R"({"weights_sha256": "ww"})");
  store_.set_document("t-1", "data", R"({"contents_sha256": "dd", "every": 10})");
  store_.add_splits({{"t-1", "validation", "ss", 100}});
  store_.add_checkpoint({"t-1", file("nas-runs/t-1/a.pt", "1"), "c1", 1, 1, ""});
  store_.add_checkpoint({"t-1", file("nas-runs/t-1/b.pt", "2"), "c2", 2, 2, ""});
  const Json all = steps(train);
  ASSERT_EQ(all.size(), 1U);
  const Json& step = all[0];
  EXPECT_EQ(step["command"], "train");
  EXPECT_EQ(step["name"], "name-of-t-1");
  EXPECT_EQ(step["seed"], 7);
  EXPECT_EQ(step["config"], config);
  EXPECT_EQ(step["versions"]["threads"], 2);
  EXPECT_EQ(step["hashes"],
            (Json{{"space", "print-t-1"},
                  {"config", sha256_hex(config)},
                  {"split", "ss"},
                  {"data", "dd"},
                  {"data_every", 10},
                  {"weights", "ww"},
                  {"checkpoint", "c2"}}));
  EXPECT_EQ(step["needs"],
            Json::array({Json{{"what", "data"}, {"which", "/images"}, {"hash", "dd"}}}));
  EXPECT_FALSE(step.contains("space_file"));
}

TEST_F(LineageTest, WhatIsUnknownIsLeftOut) {
  RunRow train = run("t-1", "train", "space: resnet20-pool\n");
  train.versions_json = "not JSON";
  store_.set_document("t-1", "data", "[1]");
  const Json step = steps(train).at(0);
  EXPECT_EQ(step["versions"], Json::object());
  EXPECT_FALSE(step["hashes"].contains("data"));
  EXPECT_FALSE(step["hashes"].contains("split"));
  EXPECT_FALSE(step["hashes"].contains("weights"));
  EXPECT_THAT(step["needs"], IsEmpty());
}

// The training, what was cut of it, the network trained alone from that, oldest first; the search
// that found it last.
TEST_F(LineageTest, EveryRunThatIsNeededStandsBeforeThoseThatNeedIt) {
  run("t-1", "train", "space: resnet20-pool\n");
  store_.set_document("t-1", "train", "{}");
  run("t-2", "train", "space: resnet20-pool\n", "t-1");
  const RunRow alone = run("t-3", "train", "space: resnet20-pool\ntrain: {init: /old.pt}\n");
  keep_recipe(store_, "t-3", {"[1,2,3]", "s-1", "knee", "t-2", "second", "hash"});
  run("s-1", "search", "search: {algorithm: random}\n", "t-1");
  store_.set_document("s-1", "front", R"({"evaluations": 40})");
  const Json all = steps(alone, "s-1");
  EXPECT_THAT(runs_of(all), ElementsAre("train t-1", "split t-2", "train t-3", "search s-1"));
  EXPECT_EQ(all[1]["of"], "t-1");
  EXPECT_EQ(all[2]["inherits"], "t-2");
  EXPECT_EQ(all[2]["recipe"]["weights"], "second");
  // The file it began with was one of this program's, and is made again.
  EXPECT_EQ(value(all[2], "train.init"), "");
  EXPECT_THAT(all[2]["needs"], IsEmpty());
  EXPECT_EQ(all[3]["of"], "t-1");
  EXPECT_EQ(all[3]["hashes"]["evaluations"], 40);

  Json about{{"schema", "nas-export/1"}, {"lineage", lineage_of(store_, alone, "s-1")}};
  std::vector<std::string> begins;
  for (const auto& command : reproduction_of({"f", "onnx", about.dump()}).commands)
    begins.push_back(command.line.substr(0, command.line.find(" --db")));
  EXPECT_THAT(begins, ElementsAre("nas train", "nas split", "nas train", "nas search"));
}

TEST_F(LineageTest, RunsThatAreGoneAreNeeded) {
  const RunRow cut = run("t-2", "train", "space: resnet20-pool\n", "t-1");
  const Json of_cut = steps(cut);
  EXPECT_THAT(runs_of(of_cut), ElementsAre("split t-2"));
  EXPECT_EQ(of_cut[0]["needs"],
            Json::array({Json{{"what", "run"}, {"which", "t-1"}, {"hash", ""}}}));

  const RunRow alone = run("t-3", "train", "space: resnet20-pool\n");
  keep_recipe(store_, "t-3", {"[1,2,3]", "", "", "t-1", "", "of the checkpoint"});
  const Json of_alone = steps(alone);
  EXPECT_THAT(runs_of(of_alone), ElementsAre("train t-3"));
  EXPECT_EQ(of_alone[0]["needs"],
            Json::array({Json{{"what", "run"}, {"which", "t-1"}, {"hash", "of the checkpoint"}}}));
}

TEST_F(LineageTest, WeightsFromOutsideAreImportedOrBegunWith) {
  const std::string weights = file("w.pth", "weights");
  const std::string config = "space: resnet20-pool\ntrain: {init: '" + weights + "'}\n";
  const RunRow imported = run("t-1", "train", config);
  const RunRow trained = run("t-2", "train", config);
  store_.set_document("t-2", "train", "{}");
  const Json need =
      Json::array({Json{{"what", "weights"}, {"which", weights}, {"hash", sha256_hex("weights")}}});
  for (const auto& [row, command] : {std::pair(imported, "import"), {trained, "train"}}) {
    const Json step = steps(row).at(0);
    EXPECT_EQ(step["command"], command);
    EXPECT_EQ(step["needs"], need);
    EXPECT_EQ(value(step, "train.init"), weights);
  }
  // A file that is gone has no hash.
  fs::remove(weights);
  EXPECT_EQ(steps(imported).at(0)["needs"][0]["hash"], "");
}

TEST_F(LineageTest, SpacesThatWereFilesGoAlong) {
  const std::string space = file("spaces/mine.yaml", "family: cnn\n");
  const RunRow train = run("t-1", "train", "space: '" + space + "'\nseed: 4\n");
  Json step = steps(train).at(0);
  EXPECT_EQ(step["space_file"], (Json{{"name", "mine.yaml"}, {"text", "family: cnn\n"}}));
  EXPECT_EQ(value(step, "space"), "./mine.yaml");
  EXPECT_EQ(value(step, "seed"), "4");
  // The copy that the run keeps is what it was trained with, whatever became of the file.
  file("nas-runs/t-1/mine.yaml", "family: cnn\nclasses: 5\n");
  step = steps(train).at(0);
  EXPECT_EQ(step["space_file"]["text"], "family: cnn\nclasses: 5\n");
  fs::remove_all(folder_.path() + "/nas-runs/t-1");
  fs::remove(space);
  step = steps(train).at(0);
  EXPECT_FALSE(step.contains("space_file"));
  EXPECT_EQ(value(step, "space"), space);
}

TEST_F(LineageTest, SearchesNeedWhatTheyRead) {
  const RunRow train = run("t-1", "train", "space: resnet20-pool\n");
  run("s-1",
      "search",
      "search: {algorithm: random, warm_from: s-0}\n"
      "evaluator: {kind: external, external: {command: ./judge.py}}\n");
  store_.add_evaluations(
      {{"s-1", "[1,1,1]", "accuracy", 0.5, "table", R"({"file": "t.csv", "sha256": "hh"})"},
       {"s-1", "[1,1,2]", "accuracy", 0.6, "table", R"({"file": "t.csv", "sha256": "hh"})"},
       {"s-1", "[1,1,1]", "macs", 5, "plan", "{}"}});
  const Json needs = steps(train, "s-1").at(1)["needs"];
  EXPECT_EQ(needs,
            Json::array({Json{{"what", "table"}, {"which", "t.csv"}, {"hash", "hh"}},
                         Json{{"what", "front of the search"}, {"which", "s-0"}, {"hash", ""}},
                         Json{{"what", "program"}, {"which", "./judge.py"}, {"hash", ""}}}));
  // Named, but not what judged.
  run("s-2", "search", "evaluator: {kind: table, external: {command: ./judge.py}}\n");
  EXPECT_THAT(steps(train, "s-2").at(1)["needs"], IsEmpty());
  EXPECT_EQ(steps(train, "s-none").size(), 1U);
}

TEST_F(LineageTest, StepsAreFoundByTheirRun) {
  run("t-1", "train", "space: resnet20-pool\n");
  const RunRow cut = run("t-2", "train", "space: resnet20-pool\n", "t-1");
  const Json lineage = lineage_of(store_, cut, "");
  EXPECT_EQ((*step_of(lineage, "t-2"))["command"], "split");
  EXPECT_EQ((*step_of(lineage, "t-1"))["command"], "train");
  EXPECT_EQ(step_of(lineage, "t-3"), nullptr);
  for (const Json& odd : {Json(),
                          Json(5),
                          Json::array(),
                          Json::object(),
                          Json{{"steps", 5}},
                          Json{{"steps", {1, "a", nullptr, Json::object()}}}})
    EXPECT_EQ(step_of(odd, "t-1"), nullptr) << odd;
}

TEST_F(LineageTest, RecipesGoThroughTheStore) {
  run("t-1", "train", "space: resnet20-pool\n");
  EXPECT_FALSE(recipe_of(store_, "t-1").has_value());
  keep_recipe(store_, "t-1", {"a", "b", "c", "d", "e", "f"});
  const Recipe r = *recipe_of(store_, "t-1");
  EXPECT_THAT((std::vector{r.architecture, r.search, r.pick, r.inherited, r.weights, r.checkpoint}),
              ElementsAre("a", "b", "c", "d", "e", "f"));
  store_.set_document("t-1", "recipe", "[]");
  EXPECT_FALSE(recipe_of(store_, "t-1").has_value());
}

}  // namespace
}  // namespace nas::cli
