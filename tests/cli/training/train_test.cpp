// nas train and nas evaluate with the real binaries: results, reliability, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

/// Trains in well under a second: 2 small stages, a third of the digits.
std::string small_config(const std::string& folder, const std::string& train = "") {
  const std::string path = folder + "/train.yaml";
  write_file(path,
             "space: digits\n"
             "data: {kind: digits, limit: 320, crop_padding: 1}\n"
             "strategy: {name: sandwich, random: 1}\n"
             "threads: 1\n"
             "train:\n  epochs: 3\n  batch: 64\n"
             "  validation: {every: 20, subnets: 2, images: 100}\n" +
                 train);
  return path;
}

Finished train(const std::string& folder, std::vector<std::string> more) {
  Launch launch;
  launch.folder = folder;
  launch.args = {"train", "--json"};
  launch.args.insert(launch.args.end(), more.begin(), more.end());
  return run(launch);
}

/// All metrics of all epochs but those of time, to the last bit.
std::string outcome(const std::string& folder, const std::string& id) {
  const Store store(folder + "/nas.db");
  std::ostringstream text;
  text << std::hexfloat;
  for (const MetricRow& m : store.metrics(id))
    if (m.name.rfind("time.", 0) != 0) text << m.step << ' ' << m.name << ' ' << m.value << '\n';
  EXPECT_THAT(text.str(), HasSubstr("train.loss"));
  text << store.document(id, "draws").value_or("no counts of what was drawn");
  return text.str();
}

TEST(Train, JsonAndStoredRun) {
  const std::string folder = fresh_folder();
  const Finished done = train(folder, {"--config", small_config(folder), "--name", "small"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["schema"], "nas-train/1");
  EXPECT_TRUE(std::filesystem::exists(folder + "/nas.db"));
  const Finished judged =
      run(Launch{{"evaluate", "--run", "small", "--sample", "3", "--json"}, folder});
  ASSERT_EQ(judged.code, 0) << judged.err;
  EXPECT_EQ(Json::parse(judged.out)["schema"], "nas-evaluate/1");
}

TEST(Train, SameSeedSameWeightsOtherSeedOthers) {
  const std::string folder = fresh_folder();
  const std::string config = small_config(folder);
  std::vector<std::string> hashes;
  for (const char* seed : {"4", "4", "5"}) {
    const Finished done =
        train(folder, {"--config", config, "--seed", seed, "--set", "train.epochs=1"});
    ASSERT_EQ(done.code, 0) << done.err;
    hashes.push_back(Json::parse(done.out)["weights_sha256"]);
  }
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
}

/// Kills of a training in turn: at any moment of its start, while a checkpoint is written, when two
/// more are complete.
Launch killed_at(int turn, const std::string& folder, std::mt19937& random) {
  Launch launch;
  launch.folder = folder;
  launch.signal = SIGKILL;
  const std::set<std::string> before = files_below(folder + "/nas-runs");
  const auto fresh = [=](bool complete) {
    const std::set<std::string> now = files_below(folder + "/nas-runs");
    return std::count_if(now.begin(), now.end(), [&](const std::string& file) {
      return !before.contains(file) &&
             (complete ? file.ends_with(".safetensors") : file.find(".tmp") != std::string::npos);
    });
  };
  if (turn % 3 == 0)
    launch.signal_after = std::uniform_real_distribution<double>(0.02, torch_startup())(random);
  else if (turn % 3 == 1)
    launch.signal_when = [=] { return fresh(/*complete=*/false) > 0; };
  else
    launch.signal_when = [=] { return fresh(/*complete=*/true) >= 2; };
  return launch;
}

TEST(Train, KilledTenTimesEndsWithTheSameBits) {
  const std::string calm = fresh_folder(), rough = fresh_folder();
  const auto start = [](const std::string& folder) {
    return std::vector<std::string>{"train",
                                    "--config",
                                    small_config(folder, "  checkpoint: {steps: 1, epochs: 1}\n"),
                                    "--set",
                                    "train.epochs=12",
                                    "--set",
                                    "train.batch=32",
                                    "--set",
                                    "data.limit=160",
                                    "--set",
                                    "train.validation.every=5",
                                    "--name",
                                    "net",
                                    "--json",
                                    "-q"};
  };
  const Finished whole = run(Launch{start(calm), calm});
  ASSERT_EQ(whole.code, 0) << whole.err;

  std::mt19937 random(20);  // NOLINT: the same moments each time make a failure repeatable
  const std::vector<std::string> resume = {"train", "--resume", "net", "--json", "-q"};
  bool begun = false;
  for (int killed = 0; killed < 10; ++killed) {
    Launch launch = killed_at(killed, rough, random);
    launch.args = begun ? resume : start(rough);
    const Finished done = run(launch);
    ASSERT_EQ(done.code, 128 + SIGKILL) << "after " << killed << " kills: " << done.err;
    begun = std::filesystem::exists(rough + "/nas.db") &&
            Store(rough + "/nas.db").run("net", "train").has_value();
  }
  ASSERT_TRUE(begun);
  const Finished rest = run(Launch{resume, rough});
  ASSERT_EQ(rest.code, 0) << rest.err;
  const Json expected = Json::parse(whole.out), found = Json::parse(rest.out);
  EXPECT_EQ(found["weights_sha256"], expected["weights_sha256"]);
  EXPECT_EQ(outcome(rough, found["run"]), outcome(calm, expected["run"]));
}

TEST(Train, InterruptSavesAndTellsHowToGoOn) {
  const std::string folder = fresh_folder();
  Launch launch;
  launch.folder = folder;
  launch.args = {"train",
                 "--config",
                 small_config(folder),
                 "--set",
                 "train.epochs=100000",
                 "--set",
                 "train.checkpoint.epochs=0"};
  launch.signal = SIGINT;
  launch.signal_at = "epoch 2/";
  const Finished done = run(launch);
  EXPECT_EQ(done.code, 130) << done.err;
  EXPECT_THAT(done.err, HasSubstr("nas train --resume t-"));
  const Finished shown = run(Launch{{"runs", "show", "last", "--json"}, folder});
  EXPECT_EQ(Json::parse(shown.out)["status"], "interrupted");
}

TEST(Train, AFinishedRunIsNeverOverwritten) {
  const std::string folder = fresh_folder();
  const std::string config = small_config(folder);
  ASSERT_EQ(train(folder, {"--config", config, "--name", "one"}).code, 0);
  const Finished again = train(folder, {"--resume", "one"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("finished"));
}

TEST(Train, AllConfigurationErrorsAtOnce) {
  const std::string folder = fresh_folder();
  write_file(folder + "/bad.yaml",
             "space: digitz\ntrain:\n  epoch: 3\n  batch: -1\n  optimizer: {kind: sdg}\n");
  const Finished done = run(Launch{{"train", "--config", "bad.yaml"}, folder});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("bad.yaml:3:3"));
  EXPECT_THAT(done.err, HasSubstr("epochs"));
  EXPECT_THAT(done.err, HasSubstr("bad.yaml:4:10"));
  EXPECT_THAT(done.err, HasSubstr("sgd"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/nas.db"));
}

TEST(Train, CorruptCheckpointIsRefusedAndKept) {
  const std::string folder = fresh_folder();
  Launch launch;
  launch.folder = folder;
  launch.args = {"train",
                 "--config",
                 small_config(folder, "  checkpoint: {keep: 1}\n"),
                 "--set",
                 "train.epochs=100000"};
  launch.signal = SIGINT;
  launch.signal_at = "epoch 2/";
  ASSERT_EQ(run(launch).code, 130);
  std::string victim;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder + "/nas-runs"))
    if (entry.path().extension() == ".safetensors") victim = entry.path();
  ASSERT_FALSE(victim.empty());
  const auto size = std::filesystem::file_size(victim);
  std::filesystem::resize_file(victim, size / 2);
  const Finished done = train(folder, {"--resume", "last"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr(std::filesystem::path(victim).filename().string()));
  EXPECT_EQ(std::filesystem::file_size(victim), size / 2);
}

TEST(Train, DryRunWritesNothing) {
  const std::string folder = fresh_folder();
  const Finished done = train(folder, {"--config", small_config(folder), "--dry-run"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_GT(json["seconds_estimated"].get<double>(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder + "/nas.db"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/nas-runs"));
  // Both layouts are timed, and what is told first is that of the configuration.
  const Json layouts = json["seconds_per_step_by_memory_format"];
  EXPECT_EQ(json["memory_format"], "channels_last");
  EXPECT_EQ(layouts["channels_last"], json["seconds_per_step"]);
  EXPECT_GT(layouts["contiguous"].get<double>(), 0);
}

TEST(Evaluate, RefusesArchitecturesOutsideTheSpace) {
  const std::string folder = fresh_folder();
  ASSERT_EQ(train(folder, {"--config", small_config(folder), "--set", "train.epochs=1"}).code, 0);
  const Finished done = run(Launch{{"evaluate", "--arch", "13-conv5/16"}, folder});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("13"));
  const Finished other = run(Launch{{"evaluate", "--run", "nobody", "--sample", "1"}, folder});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("nobody"));
}

}  // namespace
}  // namespace nas::test
