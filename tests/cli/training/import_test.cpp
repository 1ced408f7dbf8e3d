// nas import and train.init with the real binary, on a file that Python's torch wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const std::string kWeights = std::string(NAS_SOURCE_DIR) + "/tests/supernet/data/ofa_tiny.pth";

std::string config(const std::string& folder) {
  write_file(
      folder + "/ofa.yaml",
      "space: {family: mobilenet, variant: mobilenetv3-32, width_mult: 0.1, expansions: [1, "
      "2], depths: [1, 2], resolutions: [16], classes: 4}\n"
      "data: {kind: synthetic, synthetic_size: 96, synthetic_classes: 4, "
      "synthetic_resolution: 16}\n"
      "evaluate: {recalibrate: {images: 32, batch: 16}}\nthreads: 1\n"
      "strategy: {name: ofa, phases: [{epochs: 1, lr: 0.001, kernel: 0, depth: 0, expand: 0, "
      "subnets: 2}]}\n"
      "train: {epochs: 1, batch: 32, validation: {every: 0}}\n");
  return folder + "/ofa.yaml";
}

Finished call(const std::string& folder, std::vector<std::string> args) {
  Launch launch;
  launch.folder = folder;
  launch.args = std::move(args);
  return run(launch);
}

TEST(Import, MakesARunThatSearchesAndExports) {
  const std::string folder = fresh_folder(), file = config(folder);
  const Finished made = call(
      folder, {"import", "--config", file, "--weights", kWeights, "--name", "ofa", "--json", "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(Json::parse(made.out)["kind"], "once-for-all checkpoint");
  const Finished judged =
      call(folder, {"evaluate", "--run", "ofa", "--sample", "2", "--json", "-q"});
  EXPECT_EQ(judged.code, 0) << judged.err;
  const Finished searched =
      call(folder, {"search", "--run", "ofa", "--evaluations", "12", "--name", "front", "-q"});
  EXPECT_EQ(searched.code, 0) << searched.err;
  const Finished written = call(folder, {"export", "--run", "ofa", "--pick", "best", "--out", "m"});
  EXPECT_EQ(written.code, 0) << written.err;
  EXPECT_TRUE(std::filesystem::exists(folder + "/m"));
}

TEST(Import, TrainingBeginsWithTheWeights) {
  const std::string folder = fresh_folder(), file = config(folder);
  const Finished done =
      call(folder, {"train", "--config", file, "--set", "train.init=" + kWeights, "--json", "-q"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, Not(HasSubstr("random weights")));
  const Finished plain = call(folder, {"train", "--config", file, "--json", "-q"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.err, HasSubstr("random weights"));
  EXPECT_NE(Json::parse(done.out)["weights_sha256"], Json::parse(plain.out)["weights_sha256"]);
}

TEST(Import, RefusesCodeAndLeavesNothing) {
  const std::string folder = fresh_folder(), file = config(folder);
  write_file(folder + "/evil.pth",
             "\x80\x02"
             "cposix\nsystem\nX\x0b" +
                 std::string(3, '\0') + "touch pwnedq\x01\x85R.");
  const Finished refused =
      call(folder, {"import", "--config", file, "--weights", "evil.pth", "--name", "ofa"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("posix.system"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/pwned"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/nas.db"));
  const Finished missing =
      call(folder, {"import", "--config", file, "--weights", "nowhere.pth", "--name", "ofa"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.pth cannot be read: No such file"));
  // Before the data are looked at.
  const Finished both = call(folder,
                             {"import",
                              "--config",
                              file,
                              "--weights",
                              "nowhere.pth",
                              "--set",
                              "data={kind: auto, path: nowhere}"});
  EXPECT_THAT(both.err, HasSubstr("nowhere.pth cannot be read"));
  EXPECT_EQ(call(folder, {"import", "--config", file}).code, 2);
}

}  // namespace
}  // namespace nas::test
