// nas import and train.init with the real binary, on a file that Python's torch wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "process.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/base/subprocess.hpp"

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

std::string sha_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return sha256_hex(std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST(Import, MakesARunThatSearchesAndExports) {
  const std::string folder = fresh_folder(), file = config(folder);
  std::filesystem::copy_file(kWeights, folder + "/ofa.pth");
  const Finished made =
      call(folder,
           {"import", "--config", file, "--weights", "ofa.pth", "--name", "ofa", "--json", "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  // Whatever lies there later, those were the weights.
  write_file(folder + "/ofa.pth", "something else");
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

  const Finished said = call(folder, {"reproduce", "m", "--json"});
  ASSERT_EQ(said.code, 0) << said.err;
  const Json again = Json::parse(said.out);
  EXPECT_EQ(again["commands"].size(), 3U);
  EXPECT_EQ(again["variables"]["WEIGHTS"], folder + "/ofa.pth");
  EXPECT_THAT(again["missing"][0].get<std::string>(), HasSubstr("SHA-256 " + sha_of(kWeights)));
  // The script says where the weights are looked for; with them it makes the same network.
  std::string script = call(folder, {"reproduce", "m"}).out;
  const std::string place = "WEIGHTS=" + folder + "/ofa.pth\n";
  const size_t at = script.find(place);
  ASSERT_NE(at, std::string::npos) << script;
  script.replace(at, place.size(), "WEIGHTS='" + kWeights + "'\n");
  write_file(folder + "/again.sh", script);
  const std::string path = std::string(NAS_BINARY_DIR) + ":" + std::getenv("PATH");
  Subprocess shell({"env", "PATH=" + path, "sh", "-c", "cd '" + folder + "' && sh again.sh"},
                   {.out = true, .err = true});
  while (!shell.ending() || !shell.output_ended()) shell.turn(50);
  EXPECT_TRUE(shell.ending()->good()) << shell.output() << shell.errors();
  EXPECT_THAT(shell.output(), HasSubstr("the same network, to the last bit of its tensors"));
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
