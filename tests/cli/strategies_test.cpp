// nas train --strategy with the real binary: every strategy of the table trains, tells its
// telemetry and resumes after a kill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string config(const std::string& folder, const std::string& more = "") {
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 4, validation: {every: 0}, optimizer: {lr: 0.05, clip_norm: 5, "
             "untouched: decay}}\n" +
                 more);
  return folder + "/train.yaml";
}

Finished call(const std::string& folder, std::vector<std::string> args) {
  Launch launch;
  launch.folder = folder;
  launch.args = std::move(args);
  return run(launch);
}

TEST(Strategies, ThoseOfThePapersTrain) {
  const std::string folder = fresh_folder();
  for (const char* name : {"panda", "spos", "fairnas", "sumnas"}) {
    const Finished done = call(
        folder,
        {"train", "--config", config(folder), "--strategy", name, "--name", name, "--json", "-q"});
    ASSERT_EQ(done.code, 0) << name << done.err;
    const Json json = Json::parse(done.out);
    EXPECT_GT(json["metrics"]["train.distinct_paths"].get<double>(), 1) << name;
    EXPECT_GT(json["metrics"]["train.macs"].get<double>(), 0) << name;
  }
}

TEST(Strategies, PandaTellsItsHealth) {
  const std::string folder = fresh_folder();
  const std::string file = config(folder, "strategy: {name: panda, preset: paper, tau_max: 1}\n");
  const Finished done = call(folder,
                             {"train",
                              "--config",
                              file,
                              "--name",
                              "net",
                              "--json",
                              "-q",
                              "--set",
                              "train.gradient_variance.every=2"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_FALSE(json["health"].empty());
  const Json shown = Json::parse(call(folder, {"runs", "show", "net", "--json"}).out);
  for (const char* name : {"panda.tau",
                           "data.distinct_share",
                           "data.effective_sample_size",
                           "path.max_weight",
                           "gradient.variance.sampling"})
    EXPECT_TRUE(shown["metrics"].contains(name)) << name;
  const Finished refused =
      call(folder, {"train", "--config", file, "--set", "train.optimizer.untouched=skip"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("train.optimizer.untouched"));
}

TEST(Strategies, KilledRunsResumeToTheSameBits) {
  const std::string folder = fresh_folder();
  const std::string file = config(folder, "strategy: {name: panda}\n");
  const std::vector<std::string> long_run = {"train",
                                             "--config",
                                             file,
                                             "--json",
                                             "-q",
                                             "--set",
                                             "train.epochs=60",
                                             "--set",
                                             "train.checkpoint.steps=3"};
  const Finished whole = call(folder, long_run);
  ASSERT_EQ(whole.code, 0) << whole.err;
  for (const char* moment : {"epoch 3/60", "epoch 11/60", "epoch 20/60"}) {
    Launch launch;
    launch.folder = folder;
    launch.args = long_run;
    std::erase(launch.args, "-q");
    launch.args.insert(launch.args.end(), {"--name", moment});
    launch.signal = SIGKILL;
    launch.signal_at = moment;
    ASSERT_EQ(run(launch).code, 128 + SIGKILL) << moment;
    const Finished resumed = call(folder, {"train", "--resume", moment, "--json", "-q"});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(Json::parse(resumed.out)["weights_sha256"], Json::parse(whole.out)["weights_sha256"]);
  }
}

}  // namespace
}  // namespace nas::test
