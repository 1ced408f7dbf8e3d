// nas train --strategy with the real binary: every strategy of the table trains, tells its
// telemetry and resumes after a kill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string config(const std::string& folder, const std::string& more = "") {
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 2, validation: {every: 0}, optimizer: {lr: 0.05, clip_norm: 5, "
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

// The default preset is the released program with all that belongs to it; both are named in what is
// stored, so that a later default changes no run.
TEST(Strategies, PandaIsThePaperUnlessUnbiasedIsNamed) {
  const std::string folder = fresh_folder();
  write_file(folder + "/plain.yaml", "space: digits\ndata: {kind: digits}\ntrain: {epochs: 2}\n");
  const auto shown = [&](const std::string& strategy) {
    return call(folder, {"config", "show", "plain.yaml", "--set", "strategy=" + strategy}).out;
  };
  for (const char* strategy : {"panda", "{name: panda}", "{name: panda, preset: paper}"}) {
    EXPECT_THAT(shown(strategy), AllOf(HasSubstr("preset: paper"), HasSubstr("untouched: decay")))
        << strategy;
  }
  EXPECT_THAT(shown("{name: panda, preset: unbiased}"), HasSubstr("untouched: skip"));
  EXPECT_THAT(shown("uniform"), HasSubstr("untouched: skip"));
  EXPECT_THAT(shown("{name: panda, tau_max: 0.5}"), HasSubstr("tau_max: 0.5"));
  const Finished old =
      call(folder,
           {"train", "--config", "plain.yaml", "--set", "strategy={name: panda, preset: default}"});
  EXPECT_EQ(old.code, 2);
  EXPECT_THAT(old.err, HasSubstr("paper"));
}

// A run that version 0.1.0 stored with `strategy: panda` was trained with unbiased updates; that it
// goes on with them to the same bits is held by OldStore (reference_test.cpp).
TEST(Strategies, OldPandaRunsResumeWithWhatTheyWereTrainedWith) {
  const std::string folder = fresh_folder();
  const std::string unpack = "tar xzf " NAS_SOURCE_DIR "/tests/cli/old/store.tar.gz -C " + folder;
  ASSERT_EQ(std::system(unpack.c_str()), 0);
  EXPECT_THAT(call(folder, {"runs", "show", "old-panda", "--config-only"}).out,
              HasSubstr("preset: unbiased"));
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
  // Of every choice the options add up to the paths that had it.
  EXPECT_EQ(shown["draws"]["paths"], 2 * shown["metrics"]["train.paths"]["value"].get<int64_t>());
  for (const Json& choice : shown["draws"]["choices"]) {
    int64_t sum = 0;
    for (const Json& option : choice["options"]) sum += option["count"].get<int64_t>();
    EXPECT_EQ(sum, choice["active"]) << choice["choice"];
  }
  EXPECT_THAT(call(folder, {"runs", "show", "net"}).out, HasSubstr("least trained"));
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
                                             "train.epochs=8",
                                             "--set",
                                             "train.checkpoint.steps=3"};
  const Finished whole = call(folder, long_run);
  ASSERT_EQ(whole.code, 0) << whole.err;
  for (const char* moment : {"epoch 1/8", "epoch 3/8", "epoch 6/8"}) {
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
