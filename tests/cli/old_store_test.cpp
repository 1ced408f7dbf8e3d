// What version 0.1.0 left behind still opens, and goes on to the same bits (tests/cli/old).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using Json = nlohmann::json;

class OldStore : public testing::Test {
 protected:
  OldStore() : folder_(fresh_folder()) {
    const std::string command =
        "tar -xzf '" NAS_SOURCE_DIR "/tests/cli/old/store.tar.gz' -C '" + folder_ + "'";
    if (std::system(command.c_str()) != 0) ADD_FAILURE() << command;
  }
  Finished call(std::vector<std::string> args) const {
    Launch launch;
    launch.folder = folder_;
    launch.args = std::move(args);
    launch.environment = {{"ATEN_CPU_CAPABILITY", "default"},
                          {"ONEDNN_MAX_CPU_ISA", "SSE41"},
                          {"MKL_CBWR", "COMPATIBLE"},
                          {"OMP_NUM_THREADS", "1"}};
    return run(launch);
  }
  std::string folder_;
};

TEST_F(OldStore, IsReadAsItIs) {
  const Finished runs = call({"runs", "--json"});
  ASSERT_EQ(runs.code, 0) << runs.err;
  EXPECT_EQ(Json::parse(runs.out)["runs"].size(), 4u);
  const Finished check = call({"db", "check"});
  EXPECT_EQ(check.code, 0) << check.err << check.out;
  const Finished results = call({"results", "old-search", "--format", "csv"});
  EXPECT_EQ(results.code, 0) << results.err;
  EXPECT_THAT(results.out, testing::HasSubstr("4-conv3/8,0.21666666666666667"));
}

#ifdef NAS_TORCH
TEST_F(OldStore, IsJudgedAsBefore) {
  const Finished done = call({"evaluate",
                              "--run",
                              "old-uniform",
                              "--arch",
                              "4-conv3/8",
                              "--split",
                              "test",
                              "--json",
                              "-q"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["evaluations"][0]["accuracy"], 0.21666666666666667);
  EXPECT_EQ(json["evaluations"][0]["loss"], 2.271636199951172);
}

// `strategy: panda` meant then what is now the preset `unbiased`.
TEST_F(OldStore, InterruptedRunsGoOnToTheSameBits) {
  const std::pair<const char*, const char*> runs[] = {
      {"old-panda", "182ab9e30b2da7071d0bb1f7747f8f91daa425857c244e32481fc3ae4f4e1df0"},
      {"old-sumnas", "5624bb3a9fd455c65d647418d384e2aaa4204b9dc544b7362ce8733a11a5b9cc"}};
  for (const auto& [name, weights] : runs) {
    const Finished done = call({"train", "--resume", name, "-q", "--json"});
    ASSERT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(Json::parse(done.out)["weights_sha256"], weights) << name;
  }
}
#endif

}  // namespace
}  // namespace nas::test
