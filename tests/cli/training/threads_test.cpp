// One configuration gives one result, to the last bit, with any number of threads: also where a run
// is killed and goes on with another number, and with several weight sets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "process.hpp"

#ifdef NAS_TORCH

namespace nas::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

/// Killed with one thread, gone on with two.
Finished gone_on(const std::string& folder, const std::string& shards) {
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 200}\nstrategy: uniform\n"
             "train: {epochs: 6, batch: 64, validation: {every: 0}" +
                 shards + "}\n");
  Launch launch;
  launch.folder = folder;
  launch.args = {"train", "--config", "train.yaml"};
  launch.environment = {{"OMP_NUM_THREADS", "1"}};
  launch.signal = SIGKILL;
  launch.signal_at = "epoch 2/";
  EXPECT_EQ(run(launch).code, 128 + SIGKILL);
  launch.args = {"train", "--resume", "last", "--json"};
  launch.environment = {{"OMP_NUM_THREADS", "2"}};
  launch.signal = 0;
  Finished done = run(launch);
  EXPECT_EQ(done.code, 0) << done.err;
  return done;
}

TEST(Threads, GoingOnWithOtherThreadsInsideOpsIsTold) {
  const std::string folder = fresh_folder();
  const Finished done = gone_on(folder, ", shards: 0");
  EXPECT_THAT(done.err, HasSubstr("was trained with 1 threads and goes on with 2"));
  const Json shown = Json::parse(nas(folder, {"runs", "show", "last", "--json"}).out);
  EXPECT_EQ(shown["versions"]["threads"], 2);
  EXPECT_EQ(shown["versions"]["threads_before"], Json::array({1}));
}

TEST(Threads, InexactNormsAreTold) {
  const std::string folder = fresh_folder();
  for (const bool exact : {false, true}) {
    const Finished done =
        nas(folder,
            {"train",
             "--set",
             "space=digits",
             "--set",
             "data.limit=100",
             "--set",
             "train={epochs: 1, validation: {every: 0}, shards: 0, memory_format: " +
                 std::string(exact ? "contiguous}" : "channels_last}")});
    EXPECT_EQ(done.code, 0) << done.err;
    if (exact)
      EXPECT_THAT(done.err, Not(HasSubstr("in one float")));
    else
      EXPECT_THAT(done.err, HasSubstr("in one float"));
  }
}

TEST(Threads, GoingOnWithOtherThreadsGivesTheSameBits) {
  for (const char* const shards : {"", ", shards: 3"}) {
    const std::string folder = fresh_folder();
    const Finished done = gone_on(folder, shards);
    EXPECT_THAT(done.err, Not(HasSubstr("was trained with")));
    for (const char* const threads : {"1", "2"}) {
      const Finished whole = nas(folder,
                                 {"train",
                                  "--config",
                                  "train.yaml",
                                  "--json",
                                  "--set",
                                  std::string("threads=") + threads});
      ASSERT_EQ(whole.code, 0) << whole.err;
      EXPECT_EQ(Json::parse(whole.out)["weights_sha256"], Json::parse(done.out)["weights_sha256"])
          << shards << " " << threads;
    }
  }
}

/// What a training ends with, but for times.
Json result_of(const std::string& weights, const std::string& strategy, int threads) {
  const std::string folder = fresh_folder();
  write_file(folder + "/space.yaml",
             "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\n");
  write_file(folder + "/train.yaml",
             "space: space.yaml\ndata: {kind: digits, limit: 200}\nstrategy: " + strategy +
                 "\nweights: " + weights + "\nthreads: " + std::to_string(threads) +
                 "\ntrain: {epochs: 3, batch: 40, validation: {images: 40}}\n");
  const Finished done = nas(folder, {"train", "--config", "train.yaml", "--json", "-q"});
  EXPECT_EQ(done.code, 0) << done.err;
  Json metrics;
  const Json shown = Json::parse(nas(folder, {"runs", "show", "last", "--json"}).out);
  for (const auto& [name, metric] : shown["metrics"].items())
    if (!name.starts_with("time.")) metrics[name] = metric["value"];
  return {Json::parse(done.out)["weights_sha256"], metrics};
}

struct Kind {
  const char *name, *weights, *strategy;
};
class ThreadsOf : public testing::TestWithParam<Kind> {};

TEST_P(ThreadsOf, GiveTheSameBits) {
  const Json one = result_of(GetParam().weights, GetParam().strategy, 1);
  EXPECT_FALSE(one[1].empty());
  for (const int threads : {2, 3})
    EXPECT_EQ(result_of(GetParam().weights, GetParam().strategy, threads), one) << threads;
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ThreadsOf,
    testing::Values(
        Kind{"single", "single", "sandwich"},
        Kind{"mixture", "{kind: mixture, models: 3}", "uniform"},
        Kind{"tree", "{kind: few-shot, split: {epochs: [1], score: {batches: 2}}}", "uniform"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace nas::test

#endif
