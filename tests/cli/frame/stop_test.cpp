// Every command ends within two seconds of a signal; runs that are no supernets are not judged as
// if they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.hpp"

#ifdef NAS_TORCH

namespace nas::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr const char* kTrain =
    "space: digits\ndata: {kind: digits, limit: 300}\nthreads: 1\n"
    "train: {epochs: 1, validation: {every: 0}}\n"
    "evaluate: {images: 60, recalibrate: {images: 100}}\n";

/// Two runs: a supernet `super` and one architecture `alone`.
const std::string& trained() {
  static const std::string folder = [] {
    const std::string made = fresh_folder();
    write_file(made + "/t.yaml", kTrain);
    EXPECT_EQ(nas(made, {"train", "-q", "--config", "t.yaml", "--name", "super"}).code, 0);
    const Finished alone = nas(made,
                               {"train",
                                "--config",
                                "t.yaml",
                                "--name",
                                "alone",
                                "--set",
                                "strategy={name: fixed, architecture: 12-conv3/16-conv3}"});
    EXPECT_EQ(alone.code, 0) << alone.err;
    return made;
  }();
  return folder;
}

TEST(StandAlone, IsNeitherSearchedNorSampledNorRanked) {
  const std::string& f = trained();
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"search", "--run", "alone", "--evaluations", "5"},
           {"evaluate", "--run", "alone", "--sample", "2"},
           {"evaluate", "--run", "alone", "--all"},
           {"evaluate", "--run", "alone", "--arch", "24-conv3/48-conv3"},
           {"export", "--run", "alone", "--arch", "24-conv3/48-conv3"}}) {
    const Finished refused = nas(f, args);
    EXPECT_EQ(refused.code, 2) << args[0] << refused.out;
    EXPECT_THAT(refused.err, HasSubstr("nas export --run"));
    EXPECT_THAT(refused.err, HasSubstr("12-conv3/16-conv3"));
  }
  EXPECT_EQ(nas(f, {"evaluate", "--run", "alone", "--arch", "12-conv3/16-conv3"}).code, 0);
  EXPECT_EQ(
      nas(f, {"export", "--run", "alone", "--arch", "12-conv3/16-conv3", "--out", "own"}).code, 0);
}

struct Case {
  const char* name;
  std::vector<std::string> args;
  double after;
};

class StopsWithinTwoSeconds : public testing::TestWithParam<Case> {};

TEST_P(StopsWithinTwoSeconds, OfEachSignal) {
  const std::string& f = trained();
  for (const int number : {SIGINT, SIGHUP}) {
    Launch launch;
    launch.signal = number;
    launch.signal_after = torch_startup() + GetParam().after;
    const Finished done = nas(f, GetParam().args, launch);
    EXPECT_EQ(done.code, 130) << done.out << done.err;
    EXPECT_LT(done.seconds, launch.signal_after + 3) << "busy machines get a second more";
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    StopsWithinTwoSeconds,
    testing::Values(
        Case{"measure", {"measure", "--space", "digits", "--repeats", "100000"}, 0.5},
        Case{"check",
             {"measure", "--space", "resnet20-pool", "--repeats", "300", "--check", "5000"},
             1.5},
        Case{"evaluate", {"evaluate", "--run", "super", "--all"}, 0.5},
        Case{"search", {"search", "--run", "super", "--evaluations", "3000"}, 0.5}),
    [](const auto& info) { return info.param.name; });

TEST(Stop, CommandsThatWaitForAFileEnd) {
  const std::string f = fresh_folder();
  ASSERT_EQ(std::system(("mkfifo " + f + "/fifo").c_str()), 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    Launch launch;
    launch.signal = number;
    // A program with sanitizers takes longer to start.
    launch.signal_after = 0.3 + nas(f, {"version"}).seconds;
    const Finished done = nas(f, {"config", "check", "fifo"}, launch);
    EXPECT_EQ(done.code, 130);
    EXPECT_LT(done.seconds, launch.signal_after + 3);
  }
}

}  // namespace
}  // namespace nas::test

#endif
