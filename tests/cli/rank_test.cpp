// nas rank with the real binary against a truth made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(Rank, AgainstItsOwnAccuraciesIsPerfect) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = folder;
    return run(launch);
  };
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 4, validation: {every: 0}, schedule: {warmup_epochs: 1}}\n"
             "evaluate: {recalibrate: {images: 200}}\n");
  ASSERT_EQ(call({"train", "-q", "--config", "train.yaml", "--name", "net"}).code, 0);
  const Finished judged = call({"evaluate", "--run", "net", "--sample", "25", "--json", "-q"});
  ASSERT_EQ(judged.code, 0) << judged.err;
  const Json evaluations = Json::parse(judged.out)["evaluations"];
  std::string good = "architecture,test\n", bad = good;
  for (const Json& e : evaluations) {
    good += e["architecture"].get<std::string>() + "," + e["accuracy"].dump() + "\n";
    bad += e["architecture"].get<std::string>() + "," +
           std::to_string(-e["accuracy"].get<double>()) + "\n";
  }
  write_file(folder + "/good.csv", good);
  write_file(folder + "/bad.csv", bad);
  for (const auto& [file, tau] : {std::pair{"good.csv", 1.0}, std::pair{"bad.csv", -1.0}}) {
    const Finished done =
        call({"rank", "--run", "net", "--truth", file, "--bootstrap", "50", "--json", "-q"});
    ASSERT_EQ(done.code, 0) << done.err;
    const Json json = Json::parse(done.out);
    EXPECT_EQ(json["schema"], "nas-rank/1");
    EXPECT_EQ(json["rankers"][0]["ranker"], "net");
    EXPECT_NEAR(json["rankers"][0]["tau_b"].get<double>(), tau, 1e-12);
    EXPECT_EQ(json["rankers"][1]["ranker"], "macs");
    EXPECT_GT(json["n"].get<int>(), 15);
  }
  const Finished missing = call({"rank", "--run", "net", "--truth", "nowhere.csv"});
  EXPECT_NE(missing.code, 0);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.csv"));
  EXPECT_EQ(call({"rank", "--run", "net"}).code, 2);
  EXPECT_EQ(call({"rank", "--run", "net", "--truth", "good.csv", "--archs", "none"}).code, 2);
}

}  // namespace
}  // namespace nas::test
