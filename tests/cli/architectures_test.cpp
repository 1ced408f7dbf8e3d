// Architectures on the command line, in files and in configurations, in every command that takes
// them; what `nas space show` says and draws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Architectures, SpaceCostReadsArgumentsFilesAndStandardInput) {
  const std::string folder = fresh_folder();
  write_file(folder + "/list.txt", "\xef\xbb\xbf[4,3,3]\r\n# other\r\n[1,1,8]\r\n");
  const auto rows = [&](std::vector<std::string> args, const std::string& input = "") {
    args.insert(args.begin(), {"space", "cost", "resnet20-pool", "--json"});
    const Finished done = run(Launch{.args = args, .folder = folder, .input = input});
    EXPECT_EQ(done.code, 0) << done.err;
    return done.code == 0 ? Json::parse(done.out)["architectures"] : Json();
  };
  const Json both = rows({"--arch", "[4,3,3]", "--arch", "[1,1,8]"});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_TRUE(both[0].contains("peak_bytes"));
  EXPECT_FALSE(both[0].contains("peak_activation_bytes"));  // Its former name.
  EXPECT_EQ(rows({"--file", "list.txt"}), both);
  EXPECT_EQ(rows({"--file", "-"}, "[4,3,3]\n[1,1,8]"), both);
  EXPECT_EQ(rows({"--arch", "-"}, "[\"[4,3,3]\", \"[1,1,8]\"]"), both);
  EXPECT_EQ(rows({"--arch", "[4,3,3]", "--file", "list.txt"}).size(), 3u);
  const Finished csv =
      run({"space", "cost", "resnet20-pool", "--arch", "[4,3,3]", "--format", "csv"});
  EXPECT_THAT(csv.out, HasSubstr("architecture,macs,params,activation_bytes,peak_bytes\n"));
  write_file(folder + "/bad.txt", "[4,3,3]\n  [4,3,4]\n");
  const Finished bad = run(
      Launch{.args = {"space", "cost", "resnet20-pool", "--file", "bad.txt"}, .folder = folder});
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, HasSubstr("bad.txt:2:3"));
  EXPECT_EQ(run({"space", "cost", "resnet20-pool"}).code, 2);
}

TEST(Architectures, ShowExplainsAndDraws) {
  for (const char* name : {"digits",
                           "custom-digits",
                           "nasbench201",
                           "nasbench-macro",
                           "mobilenet",
                           "darts",
                           "ofa-resnet50",
                           "resnet20-pool"}) {
    const Finished shown = run({"space", "show", name});
    EXPECT_EQ(shown.code, 0) << name << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("An architecture is written such as")) << name;
    EXPECT_THAT(shown.out, HasSubstr("Also read:")) << name;
    const Json json = Json::parse(run({"space", "show", name, "--json"}).out);
    EXPECT_FALSE(json["notation"]["parts"].empty()) << name;
  }
  EXPECT_THAT(run({"space", "show", "mobilenet"}).out, HasSubstr("{'ks': [...]"));

  const std::string folder = fresh_folder();
  const auto show = [&](std::vector<std::string> more) {
    std::vector<std::string> args{"space", "show", "resnet20-pool", "--arch", "[4,3,3]"};
    args.insert(args.end(), more.begin(), more.end());
    return run(Launch{.args = args, .folder = folder});
  };
  for (const char* file : {"n.dot", "n.gv"}) {
    EXPECT_EQ(show({"--out", file}).code, 0);
    const std::string dot = content(folder + "/" + file);
    EXPECT_THAT(dot, HasSubstr("digraph"));
    EXPECT_THAT(dot, HasSubstr("<b>resnet20-pool</b>"));
    EXPECT_THAT(dot, HasSubstr("[4,3,3]"));
    EXPECT_THAT(dot, HasSubstr("multiply-adds"));
    EXPECT_THAT(dot, HasSubstr("parameters"));
    EXPECT_THAT(dot, HasSubstr("fixed: in every network"));
  }
  EXPECT_EQ(show({"--out", "n.json"}).code, 0);
  EXPECT_TRUE(Json::parse(content(folder + "/n.json")).is_object());
  EXPECT_EQ(show({"--out", "n.txt"}).code, 0);
  for (const char* file : {"n.png", "n"}) {
    const Finished unknown = show({"--out", file});
    EXPECT_EQ(unknown.code, 2) << file;
    EXPECT_THAT(unknown.err, HasSubstr("--format"));
    EXPECT_FALSE(std::filesystem::exists(folder + "/" + file));
  }
  EXPECT_EQ(show({"--out", "n", "--format", "dot"}).code, 0);
  EXPECT_EQ(show({"--out", "m.svg", "--format", "text"}).code, 2);
}

#ifdef NAS_TORCH
TEST(Architectures, EveryCommandReadsThemAlike) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args, const std::string& input = "") {
    return run(Launch{.args = std::move(args), .folder = folder, .input = input});
  };
  const std::string rest =
      "space: {family: downsampling, variant: resnet20-pool, resolution: 16}\n"
      "data: {kind: synthetic, synthetic_resolution: 16, synthetic_size: 64}\nthreads: 1\n"
      "train: {epochs: 1, batch: 32, validation: {every: 0}}\n"
      "evaluate: {recalibrate: {images: 32}}\n";
  write_file(folder + "/train.yaml", "strategy: {name: uniform}\n" + rest);
  // Brackets in a configuration need no quotes.
  write_file(folder + "/alone.yaml", "strategy: {name: fixed, architecture: [1, 1, 8]}\n" + rest);
  for (const char* name : {"train", "alone"}) {
    const Finished trained =
        call({"train", "-q", "--config", std::string(name) + ".yaml", "--name", name});
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  const auto evaluated = [&](const std::vector<std::string>& more, const std::string& input = "") {
    std::vector<std::string> args{"evaluate", "--json", "-q"};
    args.insert(args.end(), more.begin(), more.end());
    const Finished done = call(args, input);
    EXPECT_EQ(done.code, 0) << done.err;
    std::string list;
    if (done.code != 0) return list;
    const Json document = Json::parse(done.out);
    for (const Json& e : document["evaluations"]) list += e["architecture"].get<std::string>();
    return list;
  };
  EXPECT_EQ(evaluated({"--run", "train", "--arch", "[4,3,3]", "--arch", "[1,1,8]"}),
            "[4,3,3][1,1,8]");
  EXPECT_EQ(evaluated({"--run", "train", "--arch=[4,3,3]"}), "[4,3,3]");
  EXPECT_EQ(evaluated({"--run", "train", "--file", "-"}, "\xef\xbb\xbf[4,3,3]\r\n"), "[4,3,3]");
  EXPECT_EQ(evaluated({"--run", "alone", "--arch", "{'architecture': [1, 1, 8]}"}), "[1,1,8]");
  EXPECT_EQ(call({"export", "--run", "train", "--arch", "[4,3,3]", "--out", "m", "-q"}).code, 0);
  EXPECT_EQ(Json::parse(content(folder + "/m/model.json"))["architecture"], "[4,3,3]");
}
#endif

TEST(SpaceCount, CountsAreTextsAndAgreeWithWhatIsListed) {
  const Finished count = run({"space", "count", "custom-digits", "--json"});
  ASSERT_EQ(count.code, 0) << count.err;
  const auto json = Json::parse(count.out);
  EXPECT_EQ(json.at("architectures"), "2160");
  EXPECT_EQ(json.at("distinct"), "1728");
  const Finished list = run({"space", "enumerate", "custom-digits", "--json"});
  ASSERT_EQ(list.code, 0) << list.err;
  const auto all = Json::parse(list.out).at("architectures");
  EXPECT_EQ(all.size(), 2160U);
  const auto own = std::count_if(
      all.begin(), all.end(), [](const auto& row) { return row.at("same_as").is_null(); });
  EXPECT_EQ(own, 1728);
  // Too many to compare: said, not left out.
  const Finished large = run({"space", "count", "mobilenet", "--json"});
  EXPECT_TRUE(Json::parse(large.out).at("distinct").is_null());
}

TEST(SpaceSample, SamplesAreTheSameInAnyNumberAndForm) {
  const Finished few =
      run({"space", "sample", "digits", "-n", "3", "--seed", "4", "--format", "csv"});
  const Finished many =
      run({"space", "sample", "digits", "-n", "20000", "--seed", "4", "--format", "csv"});
  ASSERT_EQ(many.code, 0) << many.err;
  EXPECT_EQ(std::count(many.out.begin(), many.out.end(), '\n'), 20001);
  EXPECT_TRUE(many.out.starts_with(few.out));
  const Finished json = run({"space", "sample", "digits", "-n", "20000", "--seed", "4", "--json"});
  EXPECT_EQ(Json::parse(json.out).at("architectures").size(), 20000U);
  const Finished table = run({"space", "sample", "digits", "-n", "20000", "--seed", "4"});
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 20001);
}

}  // namespace
}  // namespace nas::test
