// What is done with the winner of a search: its files are judged, made again, and it is trained
// alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "process.hpp"
#include "spaces/base/subprocess.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
namespace fs = std::filesystem;

class Winner : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new std::string(fresh_folder());
    // The space is a file of the user's, so that it must go along.
    write_file(*folder_ + "/my.yaml",
               "family: custom\nchannels: 1\nresolutions: [6, 8]\nclasses: 10\nstem: {width: 6}\n"
               "stages:\n  - {widths: [6, 8], depths: [1, 2], blocks: [conv, mbconv]}\n");
    write_file(*folder_ + "/train.yaml",
               "space: my.yaml\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
               "train: {epochs: 3, validation: {every: 0}}\n"
               "evaluate: {images: 100, recalibrate: {images: 200}}\n");
    done({"train", "-q", "--config", "train.yaml", "--name", "net", "--set", "train.batch=40"});
    done({"search",
          "-q",
          "--run",
          "net",
          "--name",
          "hunt",
          "--set",
          "search.population=8",
          "--evaluations",
          "24"});
    done({"export",
          "-q",
          "--run",
          "hunt",
          "--out",
          "model",
          "--format",
          "torchscript,onnx,safetensors,json"});
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static Finished call(std::vector<std::string> args) {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = *folder_;
    return run(launch);
  }
  /// The same, and it must succeed; its standard output.
  static std::string done(std::vector<std::string> args) {
    const Finished finished = call(std::move(args));
    EXPECT_EQ(finished.code, 0) << finished.out << finished.err;
    return finished.out;
  }
  static Json evaluation(std::vector<std::string> args) {
    args.insert(args.end(), {"--json", "-q"});
    return Json::parse(done(std::move(args)));
  }
  static std::string text_of(const std::string& name) {
    std::ifstream file(*folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string* folder_;
};
std::string* Winner::folder_ = nullptr;

// The number of the subnet in its supernet, from the files alone: another folder, no store.
TEST_F(Winner, FilesAreJudgedAsTheirRunIs) {
  const Json in_run = evaluation({"evaluate", "--run", "hunt", "--split", "test"});
  const Json& expected = in_run["evaluations"][0];
  EXPECT_GT(expected["accuracy"].get<double>(), 0.15);
  const std::string elsewhere = fresh_folder();
  fs::copy(*folder_ + "/model", elsewhere + "/model");
  for (const char* name : {"model/model.ts", "model/model.onnx", "model"}) {
    SCOPED_TRACE(name);
    Launch launch;
    launch.args = {"evaluate", name, "--split", "test", "--json"};
    launch.folder = elsewhere;
    const Finished finished = run(launch);
    ASSERT_EQ(finished.code, 0) << finished.err;
    const Json json = Json::parse(finished.out);
    EXPECT_EQ(json["split"], "test");
    EXPECT_EQ(json["images"], 100);
    const Json& found = json["evaluations"][0];
    EXPECT_EQ(found["architecture"], expected["architecture"]);
    EXPECT_EQ(found["accuracy"], expected["accuracy"]);
    EXPECT_EQ(found["accuracy_top5"], expected["accuracy_top5"]);
    EXPECT_NEAR(found["loss"].get<double>(), expected["loss"].get<double>(), 1e-5);
    EXPECT_EQ(found["params"], expected["params"]);
  }
  EXPECT_FALSE(fs::exists(elsewhere + "/nas.db"));
}

TEST_F(Winner, WhatIsNoFileOfTheKindIsTold) {
  const Finished run_as_file = call({"evaluate", "net"});
  EXPECT_EQ(run_as_file.code, 2);
  EXPECT_THAT(run_as_file.err, HasSubstr("nas evaluate --run net"));
  const Finished both = call({"evaluate", "model/model.ts", "--run", "net"});
  EXPECT_EQ(both.code, 2);
  EXPECT_THAT(both.err, HasSubstr("--run is for the networks of a run"));
  write_file(*folder_ + "/notes.onnx", "these are no bytes of a network");
  for (const char* command : {"evaluate", "reproduce"}) {
    const Finished broken = call({command, "notes.onnx"});
    EXPECT_EQ(broken.code, 1) << command;
    EXPECT_THAT(broken.err, HasSubstr("notes.onnx: not an ONNX file")) << command;
  }
  // The weights alone do not run; the file beside them does.
  EXPECT_EQ(evaluation({"evaluate", "model/model.safetensors"})["format"], "torchscript");
  fs::create_directories(*folder_ + "/alone");
  fs::copy_file(*folder_ + "/model/model.json", *folder_ + "/alone/model.json");
  const Finished alone = call({"evaluate", "alone/model.json"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--format torchscript,onnx"));
}

TEST_F(Winner, EveryFormatSaysTheSame) {
  const std::string of_ts = done({"reproduce", "model/model.ts", "--json"});
  for (const char* format : {"onnx", "safetensors", "json"}) {
    Json one = Json::parse(of_ts),
         other = Json::parse(done({"reproduce", std::string("model/model.") + format, "--json"}));
    EXPECT_EQ(other["format"], format);
    for (Json* json : {&one, &other}) json->erase("file"), json->erase("format");
    EXPECT_EQ(one, other);
  }
  const Json json = Json::parse(of_ts);
  EXPECT_EQ(json["commands"].size(), 3U);
  EXPECT_THAT(json["commands"][2].get<std::string>(),
              HasSubstr("nas export --db nas.db --run hunt --pick best"));
  EXPECT_EQ(json["missing"], Json::array());
  EXPECT_EQ(json["made_with"]["threads"], "1");
  EXPECT_TRUE(json["files"].contains("my.yaml"));
  EXPECT_THAT(json["files"]["net.yaml"].get<std::string>(), HasSubstr("batch: 40"));
}

// Pasted into a shell, the commands make the same network to the last bit.
TEST_F(Winner, TheCommandsMakeTheSameNetworkAgain) {
  const std::string elsewhere = fresh_folder();
  write_file(elsewhere + "/again.sh", done({"reproduce", "model/model.ts"}) + "\n");
  const std::string path = std::string(NAS_BINARY_DIR) + ":" + std::getenv("PATH");
  Subprocess shell({"env", "PATH=" + path, "sh", "-c", "cd '" + elsewhere + "' && sh again.sh"},
                   {.out = true, .err = true});
  while (!shell.ending() || !shell.output_ended()) shell.turn(50);
  EXPECT_TRUE(shell.ending()->good()) << shell.output() << shell.errors();
  EXPECT_THAT(shell.output(), HasSubstr("the same network, to the last bit of its tensors"));
  EXPECT_THAT(shell.output(), Not(HasSubstr("differs")));
  EXPECT_TRUE(fs::exists(elsewhere + "/again/model/model.onnx"));
  // Another network of the same run is not taken for it.
  done({"export",
        "-q",
        "--run",
        "hunt",
        "--pick",
        "knee",
        "--fold-bn",
        "--out",
        "other",
        "--format",
        "json"});
  const Finished other = call({"reproduce", "model", "--compare", "other", "--json"});
  EXPECT_EQ(other.code, 1) << other.err;
  EXPECT_EQ(Json::parse(other.out)["same_network"], false);
  // And it is said why.
  bool folded = false;
  const Json compared = Json::parse(other.out);
  for (const Json& fact : compared["facts"])
    if (fact["what"] == "batch norms: folded") folded = fact["same"] == false;
  EXPECT_TRUE(folded) << other.out;
  EXPECT_EQ(call({"reproduce", "model", "--compare", "nowhere"}).code, 2);
}

TEST_F(Winner, TrainedFromScratchWithTheRecipeOfItsSupernet) {
  const Json trained = Json::parse(done({"train",
                                         "-q",
                                         "--from-scratch",
                                         "best",
                                         "--run",
                                         "hunt",
                                         "--name",
                                         "alone",
                                         "--set",
                                         "train.epochs=2",
                                         "--json"}));
  EXPECT_EQ(trained["strategy"], "fixed");
  EXPECT_EQ(trained["epochs"], 2);
  const std::string folder = trained["directory"];
  std::ifstream file(folder + "/recipe.yaml");
  const std::string recipe{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(recipe, HasSubstr("# Found by search "));
  EXPECT_THAT(recipe, HasSubstr("batch: 40"));  // Of the supernet's configuration.
  const std::string best = Json::parse(text_of("model/model.json"))["architecture"];
  EXPECT_THAT(recipe, HasSubstr(best));
  // Its only network is judged and exported; the file tells the way to it.
  EXPECT_EQ(call({"evaluate", "-q", "--run", "alone", "--arch", best}).code, 0);
  done({"export", "-q", "--run", "alone", "--arch", best, "--out", "alone-model"});
  const Json again = Json::parse(done({"reproduce", "alone-model", "--json"}));
  EXPECT_EQ(again["commands"].size(), 2U);
  EXPECT_THAT(again["files"]["alone.yaml"].get<std::string>(), HasSubstr("name: fixed"));
  // The recipe is a configuration as it stands.
  const Json once_more =
      Json::parse(done({"train", "-q", "--config", folder + "/recipe.yaml", "--json"}));
  EXPECT_EQ(once_more["weights_sha256"], trained["weights_sha256"]);
}

// Without a step of training it answers as it does inside the supernet; from scratch it does not.
TEST_F(Winner, TrainedOnFromTheWeightsOfItsSupernet) {
  const Json trained = Json::parse(done({"train",
                                         "-q",
                                         "--inherit",
                                         "hunt",
                                         "--name",
                                         "tuned",
                                         "--set",
                                         "train.epochs=1",
                                         "--set",
                                         "train.optimizer.lr=1e-12",
                                         "--set",
                                         "train.optimizer.weight_decay=0",
                                         "--json"}));
  const std::string best = Json::parse(text_of("model/model.json"))["architecture"];
  const auto accuracy = [](const Json& json) {
    return json["evaluations"][0]["accuracy"].get<double>();
  };
  const double inside = accuracy(evaluation({"evaluate", "--run", "hunt", "--split", "test"}));
  EXPECT_NEAR(
      accuracy(evaluation({"evaluate", "--run", "tuned", "--arch", best, "--split", "test"})),
      inside,
      1e-9);
  EXPECT_TRUE(fs::exists(trained["directory"].get<std::string>() + "/inherited.safetensors"));
  const std::string shown = call({"runs", "show", "tuned"}).out;
  EXPECT_THAT(shown, HasSubstr(best + ", of search "));
  EXPECT_THAT(shown, HasSubstr(", from the weights of run "));
  EXPECT_THAT(shown, ::testing::Not(HasSubstr("least trained"))) << "one network alone";
  done({"export",
        "-q",
        "--run",
        "tuned",
        "--arch",
        best,
        "--out",
        "tuned-model",
        "--format",
        "json"});
  const Json again = Json::parse(done({"reproduce", "tuned-model", "--json"}));
  ASSERT_EQ(again["commands"].size(), 3U);
  EXPECT_THAT(again["commands"][1].get<std::string>(), HasSubstr("--inherit net --arch "));
}

TEST_F(Winner, RetrainingSaysWhatDoesNotGoTogether) {
  const auto told = [](std::vector<std::string> args) {
    args.insert(args.begin(), "train");
    const Finished finished = call(args);
    EXPECT_EQ(finished.code, 2);
    return finished.err;
  };
  EXPECT_THAT(told({"--from-scratch", "best"}), HasSubstr("Add --run SEARCH"));
  EXPECT_THAT(told({"--from-scratch", "[1]"}), HasSubstr("Add --config FILE, or --run RUN"));
  EXPECT_THAT(told({"--from-scratch", "99", "--run", "hunt"}), HasSubstr("an index from 0 to"));
  EXPECT_THAT(told({"--from-scratch", "best", "--inherit", "net"}), HasSubstr("--inherit"));
  EXPECT_THAT(told({"--run", "hunt", "--config", "train.yaml"}), HasSubstr("--from-scratch best"));
  EXPECT_THAT(told({"--from-scratch", "best", "--run", "hunt", "--set", "train.init=x"}),
              HasSubstr("--from-scratch decides that"));
  EXPECT_THAT(told({"--from-scratch", "best", "--run", "hunt", "--config", "quickstart/train"}),
              HasSubstr("is not that of run"));
}

}  // namespace
}  // namespace nas::test
