// Mixtures, samplers and their names with the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using Json = nlohmann::json;

#ifdef NAS_TORCH

Finished call(const std::string& folder, std::vector<std::string> args) {
  Launch launch;
  launch.folder = folder;
  launch.args = std::move(args);
  return run(launch);
}

/// A few networks, whose pairs with the models are visited too rarely.
std::string config(const std::string& folder, const std::string& weights) {
  write_file(folder + "/train.yaml",
             "space: {family: cnn, channels: 1, resolution: 8, classes: 10, stem_width: 4, kinds: "
             "[conv3, conv5], stages: [{widths: [4, 6], depths: [1], stride: 2}]}\n"
             "data: {kind: digits, limit: 240, validation: 0.3}\nthreads: 1\n"
             "train: {epochs: 12, batch: 20, validation: {every: 0}, checkpoint: {steps: 5}, "
             "optimizer: {lr: 0.05, clip_norm: 5}}\n"
             "weights: " +
                 weights + "\n");
  return folder + "/train.yaml";
}

std::vector<std::string> names(const Finished& list) {
  std::vector<std::string> all;
  const Json json = Json::parse(list.out);
  for (const Json& entry : json["entries"]) all.push_back(entry["name"]);
  return all;
}

TEST(Parts, AreListedAndTheirKeysShown) {
  const std::string folder = fresh_folder();
  const std::vector<std::string> samplers = names(call(folder, {"list", "samplers", "--json"}));
  EXPECT_THAT(samplers, AllOf(Contains("path_sampler:weighted"), Contains("data_sampler:shuffle")));
  const std::vector<std::string> weights = names(call(folder, {"list", "weights", "--json"}));
  EXPECT_THAT(weights, AllOf(Contains("single"), Contains("mixture"), Contains("few-shot")));
  // What is listed has keys and a schema under that name.
  for (const std::string& kind :
       {samplers.front(), samplers.back(), std::string("weights:mixture")}) {
    const Finished keys = call(folder, {"config", "keys", kind, "--json"});
    ASSERT_EQ(keys.code, 0) << kind << keys.err;
    EXPECT_EQ(Json::parse(keys.out)["kind"], kind);
  }
  EXPECT_THAT(call(folder, {"config", "keys", "weights:mixture"}).out, HasSubstr("inverse-linear"));
  const Json schema = Json::parse(call(folder, {"config", "schema", "weights:mixture"}).out);
  EXPECT_EQ(schema["properties"]["models"]["maximum"], 1024);
  const Finished wrong = call(folder, {"config", "keys", "weights:mixtur"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("weights:mixture"));
  EXPECT_THAT(call(folder, {"config", "keys", "--list-completions=path_sampler:u"}).out,
              HasSubstr("path_sampler:uniform"));
}

TEST(Mixtures, WhatWillNotDoIsToldBeforeTraining) {
  const std::string folder = fresh_folder();
  const std::string file = config(folder, "{kind: mixture, models: 3}");
  const Finished checked = call(folder, {"config", "check", file, "--json"});
  ASSERT_EQ(checked.code, 0) << checked.err;
  const Json told = Json::parse(checked.out)["files"][0];
  ASSERT_TRUE(told.contains("warnings")) << told;
  EXPECT_THAT(told["warnings"][0].get<std::string>(), HasSubstr("below 40"));
  const Finished dry = call(folder, {"train", "--config", file, "--dry-run", "--json"});
  ASSERT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.err, HasSubstr("below 40"));
  const Json plan = Json::parse(dry.out);
  EXPECT_EQ(plan["sets"], 3);
  EXPECT_THAT(plan["weights"].get<std::string>(), HasSubstr("visits of each pair"));
  // The place of the mistake, also of one that only the space can tell.
  const Finished key =
      call(folder, {"config", "check", config(folder, "{kind: mixture, key: [d]}")});
  EXPECT_EQ(key.code, 2);
  EXPECT_THAT(key.err, AllOf(HasSubstr("train.yaml:5:"), HasSubstr("weights.key")));
}

TEST(Mixtures, TellWhatTheyLearnedAndGoOnAfterAKill) {
  const std::string folder = fresh_folder();
  const std::string file = config(folder, "{kind: mixture, models: 2, beta: 0.7}");
  const Finished whole =
      call(folder, {"train", "--config", file, "--name", "whole", "--json", "-q"});
  ASSERT_EQ(whole.code, 0) << whole.err;
  const Json result = Json::parse(whole.out);
  EXPECT_LE(result["metrics"]["mixture.kl_after"].get<double>(), 1e-4);
  const Json shown = Json::parse(call(folder, {"runs", "show", "whole", "--json"}).out);
  EXPECT_TRUE(shown["metrics"].contains("mixture.drift"));
  EXPECT_TRUE(shown["metrics"].contains("mixture.validation.1"));
  EXPECT_THAT(shown["health"].dump(), HasSubstr("models trained between"));
  const Json history =
      Json::parse(call(folder, {"results", "whole", "--history", "--json"}).out)["steps"];
  EXPECT_EQ(history.size(), 12u);
  EXPECT_TRUE(history[3].contains("mixture.draws.0"));
  // The top of the moving averages is judged.
  const Finished top = call(folder, {"evaluate", "--run", "whole", "--top", "2", "--json"});
  ASSERT_EQ(top.code, 0) << top.err;
  EXPECT_EQ(Json::parse(top.out)["evaluations"].size(), 2u);
  EXPECT_THAT(top.err, HasSubstr("2 of 4 networks"));
  Launch launch;
  launch.folder = folder;
  launch.args = {"train", "--config", file, "--name", "cut"};
  launch.signal = SIGKILL;
  launch.signal_at = "epoch 5/12";
  ASSERT_EQ(run(launch).code, 128 + SIGKILL);
  const Finished resumed = call(folder, {"train", "--resume", "cut", "--json", "-q"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Json::parse(resumed.out)["weights_sha256"], result["weights_sha256"]);
  EXPECT_EQ(Json::parse(resumed.out)["health"], result["health"]);
}

#endif

}  // namespace
}  // namespace nas::test
