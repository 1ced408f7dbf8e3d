// nas latency: work that goes out and comes back, tables of other programs, and what is said of
// input that cannot be. What the readers refuse is in tests/hardware.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/runs/latency.hpp"
#include "in_process.hpp"
#include "process.hpp"
#include "search/store/store.hpp"
#include "spaces/base/sha256.hpp"

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
  EXPECT_EQ(odd.code, 2);
  EXPECT_THAT(odd.err, HasSubstr("are they in"));
  EXPECT_EQ(
      latency(folder, measured({"import", "seconds.yaml", "--name", "b", "--trust-unit"})).code, 0);
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

// A table of the space's former networks is refused, with its place and what to do.
TEST(Latency, ATableRemembersItsSpace) {
  const std::string folder = fresh_folder();
  const std::string before =
      "family: custom\nchannels: 1\nresolutions: [8]\nstages:\n"
      "  - {widths: [8], depths: [1, 2], blocks: [conv]}\n";
  std::string after = before;
  after.replace(after.find("[8], depths"), 3, "[8, 16]");
  write_file(folder + "/mine.yaml", before);
  ASSERT_EQ(latency(folder, {"export-work", "mine.yaml", "--out", "w.jsonl"}).code, 0);
  const std::string runner = std::string("cd '") + folder + "' && python3 '" + NAS_SOURCE_DIR +
                             "/configs/latency/runner.py' --estimate 1 < w.jsonl > d.jsonl";
  ASSERT_EQ(std::system(runner.c_str()), 0);
  ASSERT_EQ(latency(folder,
                    measured({"import-results",
                              "d.jsonl",
                              "--space",
                              "mine.yaml",
                              "--name",
                              "t",
                              "--out",
                              "t.json"}))
                .code,
            0);
  EXPECT_EQ(Json::parse(latency(folder, {"check", "mine.yaml", "--table", "t", "--json"}).out)
                .at("made_for"),
            "this space");
  write_file(folder + "/mine.yaml", after);
  const Finished changed = latency(folder, {"check", "mine.yaml", "--table", "t", "--json"});
  EXPECT_EQ(changed.code, 3);
  EXPECT_EQ(Json::parse(changed.out).at("made_for"), "this space before it was changed");
  const Finished limit = run(Launch{
      .args = {"space", "check", "mine.yaml", "--max", "latency_ms <= 1", "--table", "t.json"},
      .folder = folder});
  EXPECT_EQ(limit.code, 2);
  EXPECT_THAT(limit.err, HasSubstr("t.json:"));
  EXPECT_THAT(limit.err, HasSubstr("built other networks"));
  EXPECT_THAT(limit.err, HasSubstr("--missing-from t"));
}

// From a known table to a new device: the few ops to measure go out alone.
TEST(Latency, AFewOpsAreChosenAndGoOut) {
  const std::string folder = fresh_folder();
  ASSERT_EQ(latency(folder, {"export-work", "digits", "--out", "w.jsonl"}).code, 0);
  const std::string runner = std::string("cd '") + folder + "' && python3 '" + NAS_SOURCE_DIR +
                             "/configs/latency/runner.py' --estimate 1 < w.jsonl > d.jsonl";
  ASSERT_EQ(std::system(runner.c_str()), 0);
  ASSERT_EQ(
      latency(folder, measured({"import-results", "d.jsonl", "--space", "digits", "--name", "a"}))
          .code,
      0);
  const Finished few =
      latency(folder, {"plan", "digits", "--table", "a", "--budget", "5", "--out", "few.txt"});
  ASSERT_EQ(few.code, 0) << few.err;
  EXPECT_THAT(few.out, HasSubstr("export-work digits --only few.txt"));
  const Finished work = latency(folder, {"export-work", "digits", "--only", "few.txt"});
  EXPECT_EQ(std::count(work.out.begin(), work.out.end(), '\n'), 5);
  write_file(folder + "/few.txt", "conv2d in=1x1x1\n");
  const Finished none = latency(folder, {"export-work", "digits", "--only", "few.txt"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("few.txt:1: `conv2d in=1x1x1` is no op that is needed"));
  const Finished networks = latency(folder, {"plan", "digits", "--budget", "4"});
  EXPECT_EQ(std::count(networks.out.begin(), networks.out.end(), '\n'), 4);
  EXPECT_EQ(latency(folder, {"plan", "digits", "--budget", "4", "--what", "ops"}).code, 2);
  EXPECT_EQ(latency(folder, {"plan", "digits", "--out", "few.txt"}).code, 2);
}

// A table that does not say for how many images its times are is taken as of one, wherever it is
// read, and that is told once.
TEST(Latency, AnAssumedBatchIsTold) {
  const std::string folder = fresh_folder();
  ASSERT_EQ(latency(folder, {"export-work", "digits", "--out", "w.jsonl"}).code, 0);
  const std::string runner = std::string("cd '") + folder + "' && python3 '" + NAS_SOURCE_DIR +
                             "/configs/latency/runner.py' --estimate 1 < w.jsonl > d.jsonl";
  ASSERT_EQ(std::system(runner.c_str()), 0);
  ASSERT_EQ(latency(folder,
                    measured({"import-results",
                              "d.jsonl",
                              "--work",
                              "w.jsonl",
                              "--name",
                              "stated",
                              "--out",
                              "stated.json"}))
                .code,
            0);
  Json table = Json::parse(read_file(folder + "/stated.json"));
  ASSERT_EQ(table["conditions"].erase("batch") + table.erase("batch"), 1u);
  table["id"] = "bare";
  write_file(folder + "/bare.json", table.dump());
  const auto told = [&](std::vector<std::string> args) {
    const Finished done = run(Launch{.args = std::move(args), .folder = folder});
    EXPECT_EQ(done.code, 0) << done.err;
    int times = 0;
    for (size_t at = 0;
         (at = done.err.find("does not say for how many images", at)) != std::string::npos;
         ++at)
      ++times;
    return times;
  };
  for (const auto& [file, times] : {std::pair("bare.json", 1), std::pair("stated.json", 0)}) {
    EXPECT_EQ(told({"latency", "check", "digits", "--table", file}), times);
    EXPECT_EQ(told({"latency", "diff", file, file}), times);
    EXPECT_EQ(told({"latency", "export", file}), times);
    EXPECT_EQ(told({"space", "check", "digits", "--max", "latency_ms <= 9", "--table", file}),
              times);
  }
}

Finished fitted(const std::string& folder,
                const std::vector<std::string>& data,
                const char* target,
                const char* out) {
  std::vector<std::string> words{
      "predict", "fit", "--space", "digits", "--model", "ridge", "--target", target, "--out", out};
  for (const std::string& file : data) words.insert(words.end(), {"--data", file});
  return run(Launch{.args = words, .folder = folder});
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
  const Finished fit = fitted(folder, {"rows.csv"}, "latency_ms", "p.json");
  EXPECT_EQ(fit.code, 0) << fit.err;
  // The predictor knows what it predicts: milliseconds are a latency, and nothing else is.
  const auto check = [&](const char* predictor) {
    return run(Launch{.args = {"space",
                               "check",
                               "digits",
                               "--table",
                               predictor,
                               "--max",
                               "latency_ms@p95 <= 1000",
                               "--json"},
                      .folder = folder});
  };
  // Under what the rows were measured, it says too.
  const Finished known = check("p.json");
  ASSERT_EQ(known.code, 0) << known.err;
  EXPECT_EQ(Json::parse(known.out)["latency"]["device"], "phone");
  EXPECT_EQ(Json::parse(read_file(folder + "/p.json"))["conditions"]["batch"], "1");
  std::string eight = read_file(folder + "/rows.csv");
  eight.replace(eight.find("# batch: 1"), 10, "# batch: 8");
  write_file(folder + "/eight.csv", eight);
  const auto fit_on = [&](const std::vector<std::string>& data) {
    return fitted(folder, data, "latency_ms", "eight.json");
  };
  ASSERT_EQ(fit_on({"eight.csv"}).code, 0);
  const Finished batch = check("eight.json");
  EXPECT_EQ(batch.code, 2);
  EXPECT_THAT(batch.err, HasSubstr("times of 8 image(s) at once, not of 1"));
  const Finished mixed = fit_on({"rows.csv", "eight.csv"});
  EXPECT_EQ(mixed.code, 1);
  EXPECT_THAT(mixed.err,
              HasSubstr("eight.csv:1: was measured with batch 8, and rows.csv:1 with 1"));
  std::string text = read_file(folder + "/rows.csv");
  const std::string json = read_file(folder + "/p.json");
  EXPECT_THAT(json, HasSubstr("\"target\":\"latency_ms\""));
  text.replace(text.find("latency_ms"), 10, "accuracy_x");
  write_file(folder + "/other.csv", text);
  ASSERT_EQ(fitted(folder, {"other.csv"}, "accuracy_x", "other.json").code, 0);
  const Finished other = check("other.json");
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("predicts 'accuracy_x', which is no time"));
}

// What a search read is known by its hash; a table that was replaced since is told.
TEST(Latency, AReplacedTableOfASearchIsKnown) {
  const std::string folder = fresh_folder(), table = folder + "/ops.json";
  Store store(folder + "/nas.db");
  RunRow row;
  row.id = "search-1";
  row.command = "search";
  row.status = "finished";
  row.config_yaml = "seed: 1\n";
  store.add_run(row);
  write_file(table, "{}");
  Json input{{"what", "latency table"}, {"which", "ops"}, {"hash", sha256_hex("{}")}};
  const Json inputs = Json::array({input});
  const std::string config = sha256_hex(store.run("search-1")->config_yaml);
  store.set_document("search-1", "provenance", Json{{"config", config}, {"inputs", inputs}}.dump());
  EXPECT_EQ(cli::replaced_since(store, "search-1", table), "");
  write_file(table, "{ }");
  EXPECT_THAT(cli::replaced_since(store, "search-1", table),
              HasSubstr("is not the one that search search-1 read"));
  EXPECT_EQ(cli::replaced_since(store, "none", table), "");
}

}  // namespace
}  // namespace nas::test
