// nas runs, results and db on a store made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

RunRow run_row(const std::string& id, const std::string& name, const std::string& command) {
  RunRow row;
  row.id = id;
  row.name = name;
  row.command = command;
  row.status = "running";
  row.space = "digits";
  row.config_yaml = "train:\n  epochs: 3\n  shards: 0\n  memory_format: contiguous";
  row.seed = 7;
  row.versions_json = R"({"nas": "0.1.0"})";
  row.directory = "nas-runs/" + id;
  return row;
}

// A folder with nas.db: a finished train run and a failed search.
std::string folder_with_store() {
  const std::string folder = fresh_folder();
  Store store(folder + "/nas.db");
  store.add_run(run_row("t-1", "digits", "train"));
  store.add_metrics("t-1", {{1, "loss", 0.5}, {2, "loss", 0.25}, {2, "accuracy", 0.9}});
  store.add_checkpoint({"t-1", "nas-runs/t-1/last.ckpt", "abc", 2, 40, utc_now()});
  store.add_splits({{"t-1", "train", "deadbeef", 1077}});
  store.finish_run("t-1", "finished");
  store.add_run(run_row("s-2", "", "search"));
  std::vector<EvaluationRow> rows;
  const double accuracy[] = {0.90, 0.95, 0.93}, macs[] = {1e6, 3e6, 4e6};
  for (int i = 0; i < 3; ++i) {
    const std::string arch = "[" + std::to_string(i) + ",1]";
    rows.push_back({"s-2", arch, "accuracy", accuracy[i], "supernet", "{}"});
    rows.push_back({"s-2", arch, "macs", macs[i], "plan", "{}"});
  }
  store.add_evaluations(rows);
  store.finish_run("s-2", "failed", "disk full");
  return folder;
}

Finished in(const std::string& folder, std::vector<std::string> args) {
  return run(Launch{std::move(args), folder});
}

TEST(Runs, ListsNewestFirst) {
  const std::string folder = folder_with_store();
  const Finished list = in(folder, {"runs"});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_LT(list.out.find("s-2"), list.out.find("t-1"));
  EXPECT_EQ(in(folder, {"runs", "ls"}).out, list.out);
  const auto json = nlohmann::json::parse(in(folder, {"runs", "--json", "--command", "train"}).out);
  EXPECT_EQ(json["schema"], "nas-runs/1");
  ASSERT_EQ(json["runs"].size(), 1u);
  EXPECT_EQ(json["runs"][0]["run"], "t-1");
  EXPECT_EQ(json["runs"][0]["status"], "finished");
  const Finished csv = in(folder, {"runs", "ls", "--format", "csv", "--top", "1"});
  EXPECT_THAT(csv.out,
              HasSubstr("run,name,command,status,space,started,ended,done,total,accuracy,"
                        "accuracy_of,error,values_awaited\ns-2,,search,failed,"));
  EXPECT_THAT(csv.out, HasSubstr(",0.95,best found,disk full,0"));
  EXPECT_THAT(list.out, HasSubstr("disk full"));
  EXPECT_THAT(csv.out, Not(HasSubstr("t-1")));
}

TEST(Runs, ShowsOne) {
  const std::string folder = folder_with_store();
  const auto json = nlohmann::json::parse(in(folder, {"runs", "show", "digits", "--json"}).out);
  EXPECT_EQ(json["run"], "t-1");
  EXPECT_EQ(json["metrics"]["loss"]["value"], 0.25);
  EXPECT_EQ(json["metrics"]["loss"]["step"], 2);
  EXPECT_EQ(json["checkpoints"][0]["epoch"], 2);
  EXPECT_EQ(json["splits"][0]["size"], 1077);
  EXPECT_EQ(json["versions"]["nas"], "0.1.0");
  const Finished text = in(folder, {"runs", "show", "last"});
  EXPECT_THAT(text.out, HasSubstr("disk full"));
  EXPECT_EQ(in(folder, {"runs", "show", "t-1", "--config-only"}).out,
            "train:\n  epochs: 3\n  shards: 0\n  memory_format: contiguous\n");
  const auto config =
      nlohmann::json::parse(in(folder, {"runs", "show", "t-1", "--config-only", "--json"}).out);
  EXPECT_EQ(config["run"], "t-1");
  EXPECT_EQ(config["config"], "train:\n  epochs: 3\n  shards: 0\n  memory_format: contiguous");
}

TEST(Runs, UnknownRunAndNoStore) {
  const std::string folder = folder_with_store();
  const Finished unknown = in(folder, {"runs", "show", "digit"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(unknown.err, "error: no run \"digit\" in nas.db\n  Did you mean digits?\n");
  const std::string empty = fresh_folder();
  const Finished none = in(empty, {"runs"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("nas.db"));
  // NAS_DB names another store; --db wins over it.
  Launch launch{{"runs", "--json"}, empty};
  launch.environment["NAS_DB"] = folder + "/nas.db";
  EXPECT_EQ(run(launch).code, 0);
  launch.args = {"runs", "--db", "other.db"};
  EXPECT_EQ(run(launch).code, 2);
  // A wrong name of a store is wrong usage.
  for (const char* db : {"", "no/folder/nas.db", "."})
    EXPECT_EQ(in(empty, {"runs", "--db", db}).code, 2) << db;
}

TEST(Runs, ProgressAndAccuracy) {
  const std::string folder = fresh_folder();
  {
    Store store(folder + "/nas.db");
    RunRow row = run_row("t-1", "digits", "train");
    row.config_yaml = "train:\n  epochs: 12\n";
    store.add_run(row);
    store.add_metrics("t-1",
                      {{4, "validation.accuracy.mean", 0.81},
                       {5, "train.loss", 0.25},
                       {5, "train.accuracy", 0.9},
                       {5, "path.p.a", 0.1},
                       {5, "path.p.b", 0.2},
                       {5, "path.p.c", 0.1},
                       {5, "path.p.d", 0.1},
                       {5, "path.p.e", 0.1},
                       {5, "path.p.f", 0.1},
                       {5, "path.p.g", 0.1},
                       {5, "path.p.h", 0.1},
                       {5, "path.p.i", 0.1}});
    store.add_splits({{"t-1", "train", "cafe", 10}, {"t-1", "test", "cafe", 20}});
    // Our process lives, so that the run counts as running.
    const Finished list = in(folder, {"runs"});
    EXPECT_THAT(list.out, HasSubstr("epoch 5/12"));
    EXPECT_THAT(list.out, HasSubstr("81 %"));
    const auto json = nlohmann::json::parse(in(folder, {"runs", "--json"}).out);
    EXPECT_EQ(json["runs"][0]["done"], 5);
    EXPECT_EQ(json["runs"][0]["total"], 12);
    EXPECT_EQ(json["runs"][0]["accuracy"], 0.81);
    EXPECT_EQ(json["runs"][0]["accuracy_of"], "validation.accuracy.mean");
    const Finished show = in(folder, {"runs", "show", "last"});
    EXPECT_THAT(show.out, HasSubstr("path.p.* (9 values)"));
    EXPECT_THAT(show.out, HasSubstr("0.1 .. 0.2"));
    EXPECT_THAT(show.out, Not(HasSubstr("path.p.a")));
    EXPECT_THAT(show.out, HasSubstr("10 train, 20 test (hash cafe)"));
  }
}

TEST(Runs, RemoveAndRename) {
  const std::string folder = folder_with_store();
  std::filesystem::create_directories(folder + "/nas-runs/t-1");
  write_file(folder + "/nas-runs/t-1/checkpoint.safetensors", "12345");
  const Finished ask = in(folder, {"runs", "rm", "digits"});
  EXPECT_EQ(ask.code, 2);
  EXPECT_THAT(ask.err, HasSubstr("--yes"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/nas-runs/t-1"));
  const Finished renamed = in(folder, {"runs", "rename", "digits", " first ", "--json"});
  EXPECT_EQ(renamed.code, 0) << renamed.err;
  EXPECT_EQ(nlohmann::json::parse(renamed.out)["name"], "first");
  EXPECT_EQ(in(folder, {"runs", "rename", "s-2", "first"}).code, 2);
  const Finished removed = in(folder, {"runs", "rm", "first", "--yes", "--json"});
  EXPECT_EQ(removed.code, 0) << removed.err;
  EXPECT_EQ(nlohmann::json::parse(removed.out)["removed"][0]["bytes"], 5);
  EXPECT_FALSE(std::filesystem::exists(folder + "/nas-runs/t-1"));
  EXPECT_EQ(in(folder, {"runs", "show", "t-1"}).code, 2);
  EXPECT_EQ(in(folder, {"runs", "rm", "nobody", "--yes"}).code, 2);
  {
    Store store(folder + "/nas.db");
    store.add_run(run_row("t-3", "busy", "train"));  // This process lives.
    const Finished busy = in(folder, {"runs", "rm", "busy", "--yes"});
    EXPECT_EQ(busy.code, 2);
    EXPECT_THAT(busy.err, HasSubstr("is being worked on"));
    store.finish_run("t-3", "finished");
    store.add_run(run_row("t-4", "busy", "train"));
    store.finish_run("t-4", "finished");
  }
  const Finished two = in(folder, {"runs", "rm", "busy", "--yes"});
  EXPECT_EQ(two.code, 2);
  EXPECT_THAT(two.err, HasSubstr("t-3, t-4"));
  EXPECT_EQ(in(folder, {"runs", "rm", "t-3", "t-4", "s-2", "--yes"}).code, 0);
}

// A store that was copied names the folder of the original, which is not touched.
TEST(Runs, RemovingFromACopyLeavesTheOriginal) {
  const std::string folder = folder_with_store(), other = fresh_folder();
  std::filesystem::create_directories(other + "/nas-runs/t-9");
  {
    Store store(folder + "/nas.db");
    RunRow row = run_row("t-9", "copy", "train");
    row.directory = other + "/nas-runs/t-9";
    store.add_run(row);
    store.finish_run("t-9", "finished");
  }
  const Finished removed = in(folder, {"runs", "rm", "copy", "--yes"});
  EXPECT_EQ(removed.code, 0) << removed.err;
  EXPECT_THAT(removed.err, HasSubstr("were left"));
  EXPECT_TRUE(std::filesystem::exists(other + "/nas-runs/t-9"));
}

TEST(Runs, NamesAreCheckedBeforeAnythingIsMade) {
  const std::string folder = fresh_folder();
  write_file(folder + "/search.yaml",
             "space: resnet20-pool\nsearch: {population: 4, evaluations: 4}\n"
             "evaluator: {kind: external, external: {command: 'false'}}\n");
  const std::string bad[] = {"last",
                             "t-20261124-1a2b3c",
                             "a\nb",
                             "a\x1b[31m",
                             "caf\xe9",
                             "\u202eabc",
                             "   ",
                             std::string(101, 'x')};
  for (const std::string& name : bad) {
    const Finished done = in(folder, {"search", "--config", "search.yaml", "--name", name});
    EXPECT_EQ(done.code, 2) << name;
    EXPECT_THAT(done.err, AnyOf(HasSubstr("--name"), HasSubstr("is not UTF-8"))) << name;
    EXPECT_FALSE(std::filesystem::exists(folder + "/nas.db")) << name;
  }
  // Those that old stores hold are printed safely.
  const std::string old = folder_with_store();
  {
    Store store(old + "/nas.db");
    store.add_run(run_row("t-5", "a\x1b[31m\nb", "train"));
  }
  const Finished list = in(old, {"runs"});
  EXPECT_THAT(list.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(list.out, HasSubstr("a\\x1b[31m\\nb"));
  const Finished taken = in(old, {"runs", "rename", "s-2", "digits"});
  EXPECT_EQ(taken.code, 2);
}

TEST(Results, BestFirstWithEveryMetric) {
  const std::string folder = folder_with_store();
  const Finished table = in(folder, {"results"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out,
            "architecture  accuracy     macs\n"
            "[1,1]             0.95  3000000\n"
            "[2,1]             0.93  4000000\n"
            "[0,1]              0.9  1000000\n");
  EXPECT_EQ(in(folder, {"results", "s-2", "--sort", "macs", "--top", "1", "--format", "csv"}).out,
            "architecture,accuracy,macs\n\"[0,1]\",0.9,1000000\n");
  const auto json = nlohmann::json::parse(
      in(folder,
         {"results", "--run", "s-2", "--json", "--where", "macs <= 3M", "--metric", "accuracy"})
          .out);
  EXPECT_EQ(json["schema"], "nas-results/1");
  ASSERT_EQ(json["architectures"].size(), 2u);
  EXPECT_EQ(json["architectures"][0],
            nlohmann::json::parse(R"({"architecture": "[1,1]", "accuracy": 0.95})"));
}

TEST(Results, FrontDropsTheDominated) {
  const std::string folder = folder_with_store();
  const auto names = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"results", "--json"});
    std::vector<std::string> found;
    const auto json = nlohmann::json::parse(in(folder, args).out);
    for (const auto& entry : json["architectures"]) found.push_back(entry["architecture"]);
    return found;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(names({"--front", "accuracy", "--front", "macs"}), ElementsAre("[1,1]", "[0,1]"));
  EXPECT_THAT(names({"--front", "minimize:accuracy"}), ElementsAre("[0,1]"));
  EXPECT_THAT(names({"--front", "maximize:macs"}), ElementsAre("[2,1]"));
  EXPECT_THAT(names({"--front", "macs", "--where", "accuracy > 0.92"}), ElementsAre("[1,1]"));
  EXPECT_EQ(in(folder, {"results", "--front", "smallest:macs"}).code, 2);
}

TEST(Results, HistoryOfATraining) {
  const std::string folder = folder_with_store();
  EXPECT_EQ(in(folder, {"results", "digits", "--format", "csv"}).out,
            "step,loss,accuracy\n1,0.5,\n2,0.25,0.9\n");
  EXPECT_EQ(
      in(folder,
         {"results", "digits", "--history", "--metric", "loss", "--top", "1", "--format", "csv"})
          .out,
      "step,loss\n2,0.25\n");
}

TEST(Results, WrongQuestions) {
  const std::string folder = folder_with_store();
  const Finished metric = in(folder, {"results", "--sort", "acuracy"});
  EXPECT_EQ(metric.code, 2);
  EXPECT_EQ(metric.err,
            "error: --sort: no metric \"acuracy\" in this run\n  Did you mean accuracy?\n");
  EXPECT_EQ(in(folder, {"results", "--where", "macs ~ 3"}).code, 2);
  EXPECT_EQ(in(folder, {"results", "nobody"}).code, 2);
  EXPECT_EQ(in(folder, {"results", "--document", "front"}).code, 2);
}

TEST(Db, InfoCheckUpgrade) {
  const std::string folder = folder_with_store();
  const auto info = nlohmann::json::parse(in(folder, {"db", "info", "--json"}).out);
  EXPECT_EQ(info["runs"], 2);
  EXPECT_EQ(info["evaluations"], 6);
  EXPECT_EQ(info["version"], store_version());
  const Finished upgrade = in(folder, {"db", "upgrade"});
  EXPECT_EQ(upgrade.code, 0);
  EXPECT_THAT(upgrade.out, HasSubstr("up to date"));
  EXPECT_EQ(in(folder, {"db", "check"}).out, "nas.db: no damage found\n");
  write_file(folder + "/other.db", std::string(5000, 'x'));
  const Finished foreign = in(folder, {"db", "info", "--db", "other.db"});
  EXPECT_EQ(foreign.code, 2);
  EXPECT_THAT(foreign.err, HasSubstr("other.db"));
}

}  // namespace
}  // namespace nas::test
