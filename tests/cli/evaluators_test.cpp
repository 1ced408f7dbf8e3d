// Searches judged by programs and tables, end to end: what is stored, what is told, how they stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

/// The value of [a,b,c] is known here too.
constexpr const char* kProgram = R"(import json, sys, time, os
def value(text): a, b, c = json.loads(text); return round((100 * a + 10 * b + c) / 1000, 3)
def answer(q): print(json.dumps({"id": q["id"], "accuracy": value(q["architecture"])}), flush=True)
)";

class Evaluators : public testing::Test {
 protected:
  void write(const std::string& body, const std::string& more = "") const {
    write_file(folder_ + "/program.py", kProgram + body);
    write_file(folder_ + "/search.yaml",
               "space: resnet20-pool\n"
               "search: {algorithm: random, population: 8, evaluations: 36}\n"
               "evaluator: {kind: external, external: {command: python3 program.py" +
                   more + "}}\n");
  }
  Finished nas(std::vector<std::string> args, const Launch& with = {}) const {
    Launch launch = with;
    launch.folder = folder_;
    launch.args = std::move(args);
    return run(launch);
  }
  /// Rows of the store with an accuracy; each must be right.
  size_t stored() const {
    const Finished results = nas({"results", "last", "--json", "--all"});
    EXPECT_EQ(results.code, 0) << results.err;
    size_t n = 0;
    const Json json = Json::parse(results.out);
    for (const Json& row : json["evaluations"]) {
      if (row["metric"] != "accuracy" || row["status"] != "ok") continue;
      const Json a = Json::parse(row["architecture"].get<std::string>());
      const double right = (100 * a[0].get<int>() + 10 * a[1].get<int>() + a[2].get<int>()) / 1000.;
      EXPECT_NEAR(row["value"].get<double>(), right, 1e-9) << row.dump();
      ++n;
    }
    return n;
  }
  std::string folder_ = fresh_folder();
};

TEST_F(Evaluators, TheProgramOfTheHelpRuns) {
  const Finished help = nas({"help", "evaluators"});
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"\"id\"", "timeout_s", "finish_s", "lifetime", "json.dumps(answer)"})
    EXPECT_THAT(help.out, HasSubstr(word));
  const std::string config = std::string(NAS_SOURCE_DIR) + "/configs/search/external.yaml";
  for (const char* lifetime : {"batch", "run"}) {
    const Finished found = nas({"search",
                                "--config",
                                config,
                                "--json",
                                "--set",
                                std::string("evaluator.external.lifetime=") + lifetime});
    ASSERT_EQ(found.code, 0) << found.err;
    EXPECT_THAT(found.err, Not(HasSubstr("warning")));
    const Json json = Json::parse(found.out);
    EXPECT_EQ(json["evaluations"], 36);
    EXPECT_EQ(json["failed"], 0);
    for (const Json& entry : json["front"]) {
      const Json a = Json::parse(entry["architecture"].get<std::string>());
      // Of the choices down1 and down2 the second tells where the second change of size is.
      const double cost = a[0].get<int>() + a[1].get<int>();
      EXPECT_NEAR(entry["values"]["accuracy"].get<double>(), 0.9 - 0.01 * cost, 1e-9);
    }
  }
}

TEST_F(Evaluators, NoiseNeverMovesAValue) {
  write(
      "print('preparing data ...', flush=True)\nfor line in sys.stdin: answer(json.loads(line))\n");
  const Finished found = nas({"search", "--config", "search.yaml"});
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.err, HasSubstr("preparing data ..."));
  EXPECT_EQ(stored(), 36U);
}

TEST_F(Evaluators, WhyEvaluationsFailedIsTold) {
  write(
      "for line in sys.stdin:\n  q = json.loads(line)\n"
      "  if q['choices']['down1'] == '1': print(json.dumps({'id': q['id'], 'error': "
      "'cuda ran out of memory at ' + q['architecture']}), flush=True)\n  else: answer(q)\n");
  const Finished found = nas({"search", "--config", "search.yaml"});
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("8 x cuda ran out of memory at [1,"));
  EXPECT_THAT(found.out, HasSubstr("nas results"));
  EXPECT_EQ(stored(), 28U);
}

TEST_F(Evaluators, ASearchInWhichNearlyAllFailsIsAnError) {
  write(
      "for line in sys.stdin:\n  q = json.loads(line)\n"
      "  if q['architecture'] == '[1,1,8]': answer(q)\n"
      "  else: print(json.dumps({'id': q['id'], 'error': 'no GPU'}), flush=True)\n");
  const Finished found = nas({"search", "--config", "search.yaml"});
  EXPECT_EQ(found.code, 1) << found.out;
  EXPECT_THAT(found.err, HasSubstr("no GPU"));
  const Json runs = Json::parse(nas({"runs", "--json"}).out);
  EXPECT_EQ(runs["runs"][0]["status"], "failed");
}

TEST_F(Evaluators, NothingFeasibleIsExitCodeThree) {
  write("for line in sys.stdin: answer(json.loads(line))\n");
  const Finished found =
      nas({"search", "--config", "search.yaml", "--constraint", "accuracy >= 0.999"});
  EXPECT_EQ(found.code, 3) << found.err;
  EXPECT_THAT(found.out, HasSubstr("nearest miss: ["));
  EXPECT_THAT(found.out, HasSubstr("(limit: accuracy >= 0.999)"));
  EXPECT_THAT(found.out, Not(HasSubstr("{")));
  const Json runs = Json::parse(nas({"runs", "--json"}).out);
  EXPECT_EQ(runs["runs"][0]["status"], "finished");
}

TEST_F(Evaluators, ATableThatLacksArchitecturesIsToldBefore) {
  std::string table = "architecture,accuracy\n";
  for (const char* a : {"[1,1,8]", "[1,2,7]", "[2,2,6]"})
    table += std::string("\"") + a + "\",0.5\n";
  write_file(folder_ + "/t.csv", table);
  write_file(folder_ + "/table.yaml",
             "space: resnet20-pool\nsearch: {population: 8, evaluations: 36}\n"
             "evaluator: {kind: table, table: {file: t.csv}}\n");
  const Finished found = nas({"search", "--config", "table.yaml"});
  EXPECT_EQ(found.code, 1);
  EXPECT_THAT(found.err, HasSubstr("t.csv has values for 3 of the 36 architectures"));
  EXPECT_THAT(found.err, HasSubstr("33 of 36 evaluations failed"));
}

TEST_F(Evaluators, ALimitOfAnotherScaleIsRefusedBeforeAnythingIsPaidFor) {
  std::string table = "architecture,acc,latency_ms\n";
  for (int x = 1, n = 0; x <= 8; ++x)
    for (int y = 1; x + y <= 9; ++y, ++n)
      table += "\"[" + std::to_string(x) + "," + std::to_string(y) + "," +
               std::to_string(10 - x - y) + "]\"," + std::to_string(50 + n) + "," +
               std::to_string(n + 1) + "\n";
  write_file(folder_ + "/t.csv", table);
  write_file(folder_ + "/table.yaml",
             "space: resnet20-pool\nsearch: {algorithm: random, evaluations: 36, objectives: "
             "[maximize: acc, minimize: macs]}\n"
             "evaluator: {kind: table, table: {file: t.csv}}\n");
  const auto search = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"search", "--config", "table.yaml", "--json"});
    return nas(more);
  };
  const Finished shares = search({"--constraint", "acc >= 0.8"});
  EXPECT_EQ(shares.code, 2);
  EXPECT_THAT(shares.err, HasSubstr("the values of 'acc' lie in 50 .. 85"));
  EXPECT_THAT(shares.err, HasSubstr("Did you mean 80 or 80%?"));
  EXPECT_EQ(search({"--constraint", "acc >= 86"}).code, 2);
  EXPECT_EQ(search({"--set", "search.objectives=[\"minimize: acc\"]"}).code, 2);
  EXPECT_EQ(Json::parse(nas({"runs", "--json"}).out)["runs"].size(), 0U);
  const Finished good = search({"--constraint",
                                "acc >= 80%",
                                "--constraint",
                                "macs <= 1G",
                                "--constraint",
                                "latency_ms <= 100"});
  ASSERT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(Json::parse(good.out)["feasible"], 6);
  EXPECT_THAT(good.err, HasSubstr("'latency_ms <= 100' limits nothing"));
  const Finished meant =
      search({"--set", "search.objectives=[\"minimize: acc\"]", "--set", "search.confirm=[acc]"});
  EXPECT_EQ(meant.code, 0) << meant.err;
}

TEST_F(Evaluators, ALimitOfAnotherScaleThanAProgramAnswersInIsTold) {
  write_file(folder_ + "/program.py",
             "import json, sys\nfor line in sys.stdin:\n  q = json.loads(line)\n"
             "  print(json.dumps({'id': q['id'], 'top1': 50 + 3 * int(q['choices']['down1'])}))\n");
  write_file(folder_ + "/search.yaml",
             "space: resnet20-pool\nsearch: {algorithm: random, evaluations: 36, objectives: "
             "[maximize: top1], constraints: [top1 >= 0.6]}\n"
             "evaluator: {kind: external, external: {command: python3 program.py, metrics: "
             "[top1]}}\n");
  const Finished found = nas({"search", "--config", "search.yaml"});
  EXPECT_EQ(found.code, 0);
  // After the first batch, once.
  const size_t told = found.err.find("Did you mean 60 or 60%?");
  EXPECT_LT(told, found.err.find("generation 1")) << found.err;
  EXPECT_EQ(told, found.err.rfind("Did you mean 60 or 60%?"));
}

TEST_F(Evaluators, ColumnsOfAnyNameAreReachedAndOtherSpellingsTold) {
  std::string table = "architecture,acc (%),MACs\n";
  for (int x = 1, n = 0; x <= 8; ++x)
    for (int y = 1; x + y <= 9; ++y, ++n)
      table += "\"[" + std::to_string(x) + "," + std::to_string(y) + "," +
               std::to_string(10 - x - y) + "]\"," + std::to_string(50 + n) + ",7\n";
  write_file(folder_ + "/t.csv", table);
  write_file(folder_ + "/table.yaml",
             "space: resnet20-pool\nsearch: {algorithm: random, evaluations: 36, objectives: "
             "['maximize: acc (%)', minimize: macs], constraints: ['acc (%) >= 80%']}\n"
             "evaluator: {kind: table, table: {file: t.csv}}\n");
  const Finished good = nas({"search", "--config", "table.yaml", "--json"});
  ASSERT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(Json::parse(good.out)["feasible"], 6);
  EXPECT_THAT(good.err, HasSubstr("the table's 'MACs' is another metric than 'macs'"));
  EXPECT_EQ(nas({"results", "--front", "maximize:acc (%)", "--where", "acc (%) >= 84"}).code, 0);
  const Finished reference = nas({"search",
                                  "--config",
                                  "table.yaml",
                                  "--set",
                                  "search.reference=[\"acc (%) = 0.5\", \"macs = 1G\"]"});
  EXPECT_EQ(reference.code, 2);
  EXPECT_THAT(reference.err, HasSubstr("Did you mean 50 or 50%?"));
}

// A search that goes on holds new answers against the stored ones.
TEST_F(Evaluators, SharesAfterStoredPercentsEndTheSearch) {
  const std::string program =
      "import json, sys, os\nfor line in sys.stdin:\n  q = json.loads(line)\n"
      "  v = 50 + 3 * int(q['choices']['down1'])\n"
      "  print(json.dumps({'id': q['id'], 'top1': v / 100 if os.path.exists('share') else v}))\n";
  write_file(folder_ + "/program.py", program);
  write_file(folder_ + "/search.yaml",
             "space: resnet20-pool\nsearch: {algorithm: random, population: 8, evaluations: 36, "
             "objectives: [maximize: top1]}\n"
             "evaluator: {kind: external, batch: 4, external: {command: 'sleep 0.2; python3 "
             "program.py', metrics: [top1]}}\n");
  Launch stop;
  stop.signal = SIGINT;
  stop.signal_at = "generation 1";
  ASSERT_EQ(nas({"search", "--config", "search.yaml"}, stop).code, 130);
  write_file(folder_ + "/share", "");
  const Finished mixed = nas({"search", "--resume", "last"});
  EXPECT_EQ(mixed.code, 1);
  EXPECT_THAT(mixed.err, HasSubstr("cannot all be right: 'top1': 0."));
}

TEST_F(Evaluators, WhatCannotBeOpenedLeavesNoRunThatSeemsToGoOn) {
  write("for line in sys.stdin: answer(json.loads(line)); time.sleep(0.02)\n");
  Launch stop;
  stop.signal = SIGINT;
  stop.signal_at = "generation 1";
  ASSERT_EQ(nas({"search", "--config", "search.yaml", "--set", "evaluator.batch=4"}, stop).code,
            130);
  const auto status = [&] {
    return Json::parse(nas({"runs", "--json"}).out)["runs"][0]["status"].get<std::string>();
  };
  EXPECT_EQ(nas({"search", "--resume", "last", "--dry-run"}).code, 0);
  EXPECT_EQ(status(), "interrupted");
  // A latency table or a space that is gone: an unknown limit stands for all of them.
  EXPECT_EQ(nas({"search", "--resume", "last"}).code, 0);
  EXPECT_EQ(status(), "finished");
  EXPECT_EQ(stored(), 36U);
}

/// Whether the process is there and no zombie.
bool lives(const std::string& pid_file) {
  std::string pid;
  std::ifstream(pid_file) >> pid;
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string text;
  std::getline(stat, text);
  const size_t end = text.rfind(')');
  return !pid.empty() && end != std::string::npos && text[end + 2] != 'Z';
}

TEST_F(Evaluators, EverySignalEndsNasAndItsProgramWithinTwoSeconds) {
  // The program hears nothing of its own accord; a shell stands between.
  write(
      "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "open('pid', 'w').write(str(os.getpid()))\nprint('hangs', flush=True)\ntime.sleep(600)\n");
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGKILL}) {
    Launch launch;
    launch.signal = number;
    launch.signal_at = "hangs";
    const Finished done = nas({"search",
                               "--config",
                               "search.yaml",
                               "--set",
                               "evaluator.external.command=true; python3 program.py | cat"},
                              launch);
    EXPECT_EQ(done.code, number == SIGKILL ? 128 + SIGKILL : 130) << done.err;
    EXPECT_LT(done.seconds, 4) << number;  // The start included.
    for (int i = 0; i < 40 && lives(folder_ + "/pid"); ++i) usleep(100000);
    EXPECT_FALSE(lives(folder_ + "/pid")) << number;
    if (number == SIGKILL) continue;
    EXPECT_THAT(done.err, HasSubstr("nas search --resume s-"));
  }
}

TEST_F(Evaluators, WhatIsAnsweredBeforeAStopIsKept) {
  write(
      "q = [json.loads(line) for line in sys.stdin]\nfor x in q[:3]: answer(x)\n"
      "print('waits', flush=True)\ntime.sleep(600)\n");
  Launch stop;
  stop.signal = SIGTERM;
  stop.signal_at = "waits";
  EXPECT_EQ(nas({"search", "--config", "search.yaml"}, stop).code, 130);
  EXPECT_EQ(stored(), 3U);
}

}  // namespace
}  // namespace nas::test
