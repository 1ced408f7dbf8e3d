// nas latency: work that goes out and comes back, tables of other programs, and what is said of
// input that cannot be. What the readers refuse is in tests/hardware.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Finished latency(const std::string& folder, std::vector<std::string> args) {
  args.insert(args.begin(), "latency");
  return run(Launch{.args = std::move(args), .folder = folder});
}

std::vector<std::string> measured(std::vector<std::string> args) {
  args.insert(args.end(),
              {"--unit", "ms", "--device", "phone", "--batch", "1", "--dtype", "float32"});
  return args;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The whole way: plan, work, the runner that ships, results, check, use. A line that is lost, and
// one that the runner cannot do, show at the end.
TEST(Latency, WorkGoesOutAndComesBackAsATable) {
  const std::string folder = fresh_folder();
  const Finished work = latency(folder, {"export-work", "digits", "--out", "work.jsonl", "--json"});
  ASSERT_EQ(work.code, 0) << work.err;
  const auto lines = Json::parse(work.out).at("lines").get<size_t>();
  const Finished plan = latency(folder, {"plan", "digits", "--json"});
  ASSERT_EQ(plan.code, 0) << plan.err;
  const Json said = Json::parse(plan.out);
  EXPECT_EQ(said.at("ops").size(), lines);
  EXPECT_TRUE(said.at("exact").get<bool>());
  const std::string runner = std::string("cd '") + folder + "' && python3 '" + NAS_SOURCE_DIR +
                             "/configs/latency/runner.py' --estimate 1 < work.jsonl > done.jsonl";
  ASSERT_EQ(std::system(runner.c_str()), 0);
  const Finished table = latency(
      folder,
      measured(
          {"import-results", "done.jsonl", "--work", "work.jsonl", "--name", "phone", "--json"}));
  ASSERT_EQ(table.code, 0) << table.err << table.out;
  EXPECT_EQ(Json::parse(table.out).at("ops"), lines);
  EXPECT_EQ(latency(folder, {"check", "digits", "--table", "phone"}).code, 0);
  const Finished use = run(Launch{
      .args =
          {"space", "check", "digits", "--max", "latency_ms <= 1", "--table", "phone", "--json"},
      .folder = folder});
  EXPECT_EQ(use.code, 0) << use.err;

  std::string done = read_file(folder + "/done.jsonl");
  const Json last = Json::parse(done.substr(done.rfind('\n', done.size() - 2) + 1));
  done.resize(done.rfind('\n', done.size() - 2) + 1);
  write_file(folder + "/cut.jsonl", done);
  const Finished cut = latency(
      folder, measured({"import-results", "cut.jsonl", "--work", "work.jsonl", "--name", "cut"}));
  EXPECT_EQ(cut.code, 3);
  EXPECT_THAT(cut.out, HasSubstr("no answer: " + last.at("id").get<std::string>().substr(0, 20)));
  const Finished check = latency(folder, {"check", "digits", "--table", "cut", "--json"});
  EXPECT_EQ(check.code, 3);
  EXPECT_EQ(Json::parse(check.out).at("missing").size(), 1U);
  const Finished rest =
      latency(folder, {"export-work", "digits", "--missing-from", "cut", "--out", "-"});
  EXPECT_EQ(Json::parse(rest.out).at("id"), last.at("id"));
  write_file(folder + "/rest.jsonl", last.dump() + "\n");
  ASSERT_EQ(
      latency(folder,
              measured({"import-results", "rest.jsonl", "--add-to", "cut", "--name", "whole"}))
          .code,
      0);
  EXPECT_EQ(latency(folder, {"diff", "phone", "whole", "--fail-above", "0"}).code, 0);
}

TEST(Latency, AnImportSaysItsUnitAndConditions) {
  const std::string folder = fresh_folder();
  const std::string block =
      "expanded_conv-input:112x112x16-output:56x56x24-expand:48-kernel:3-stride:2-idskip:0-se:0-"
      "hs:0: {count: 9, mean: TIME}\nConv-input:224x224x3-output:112x112x16: {mean: TIME}\n";
  const auto write = [&](const char* name, const std::string& time) {
    std::string text = block;
    for (size_t at = 0; (at = text.find("TIME")) != std::string::npos;) text.replace(at, 4, time);
    write_file(folder + "/" + name, text);
  };
  write("lut.yaml", "1.5");
  write("seconds.yaml", "0.00001");
  const Finished bare = latency(folder, {"import", "lut.yaml"});
  EXPECT_EQ(bare.code, 2);
  EXPECT_THAT(bare.err, HasSubstr("--unit"));
  const Finished good = latency(folder, measured({"import", "lut.yaml", "--name", "a", "--json"}));
  ASSERT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(Json::parse(good.out).at("grouping"), "ofa-mobilenetv3");
  EXPECT_EQ(good.err, "");
  const Finished odd = latency(folder, measured({"import", "seconds.yaml", "--name", "b"}));
  EXPECT_EQ(odd.code, 0);
  EXPECT_THAT(odd.err, HasSubstr("are they in"));
  const Finished lacks = latency(folder, {"check", "mobilenet", "--table", "a"});
  EXPECT_EQ(lacks.code, 3);
  EXPECT_THAT(lacks.out, HasSubstr("has 2 of the"));
  const Finished moved = latency(folder, {"diff", "a", "b", "--fail-above", "10", "--json"});
  EXPECT_EQ(moved.code, 3);
  EXPECT_EQ(Json::parse(moved.out).at("above"), 2);
  ASSERT_EQ(latency(folder, {"export", "a", "--format", "once-for-all", "--out", "x.yaml"}).code,
            0);
  ASSERT_EQ(latency(folder, measured({"import", "x.yaml", "--name", "c"})).code, 0);
  EXPECT_EQ(latency(folder, {"diff", "a", "c", "--fail-above", "0"}).code, 0);
}

TEST(Latency, WholeNetworksBecomeRowsForPredictors) {
  const std::string folder = fresh_folder();
  std::string csv = "arch,pi_latency,gpu_latency\n";
  const Json all = Json::parse(run({"space", "enumerate", "digits", "--json"}).out);
  for (size_t i = 0; i < 40; ++i)
    csv += "\"" + all.at("architectures")[i * 90].at("architecture").get<std::string>() + "\"," +
           std::to_string(20 + i) + ",1\n";
  write_file(folder + "/hw.csv", csv);
  const Finished ambiguous = latency(folder, measured({"import", "hw.csv", "--out", "rows.csv"}));
  EXPECT_EQ(ambiguous.code, 2);
  EXPECT_THAT(ambiguous.err, HasSubstr("pi_latency, gpu_latency"));
  const Finished rows = latency(
      folder,
      measured({"import", "hw.csv", "--column", "latency=pi_latency", "--out", "rows.csv"}));
  ASSERT_EQ(rows.code, 0) << rows.err;
  EXPECT_THAT(rows.out, HasSubstr("nas predict curve --data rows.csv"));
  const Finished fit = run(Launch{.args = {"predict",
                                           "fit",
                                           "--data",
                                           "rows.csv",
                                           "--space",
                                           "digits",
                                           "--target",
                                           "latency_ms",
                                           "--model",
                                           "ridge",
                                           "--out",
                                           "p.json"},
                                  .folder = folder});
  EXPECT_EQ(fit.code, 0) << fit.err;
}

}  // namespace
}  // namespace nas::test
