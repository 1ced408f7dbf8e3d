// nas sweep, with the real binary: what is done is not done again, what fails ends nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// Searches of free costs: no data, no supernet.
const std::string kSearch =
    "space: nasbench201\n"
    "search: {algorithm: random, evaluations: 20, population: 4, objectives: ['minimize: macs']}\n"
    "evaluator: {kind: none}\n";
const std::string kSweep =
    "seeds: [0, 1]\n"
    "stages: {search: {config: search.yaml}}\n"
    "grid: {search: {search.algorithm: [random, nsga2]}}\n";

struct Sweep {
  std::string folder = fresh_folder();
  explicit Sweep(const std::string& sweep = kSweep, const std::string& search = kSearch) {
    write_file(folder + "/search.yaml", search);
    write_file(folder + "/sweep.yaml", sweep);
  }
  Finished run(std::vector<std::string> words, Launch launch = {}) const {
    launch.folder = folder;
    launch.args = {"sweep", "sweep.yaml"};
    launch.args.insert(launch.args.end(), words.begin(), words.end());
    return nas::test::run(launch);
  }
  size_t runs(const std::string& store = "nas.db") const {
    return Store(folder + "/" + store, Store::Mode::kRead).runs().size();
  }
};

TEST(Sweep, RunsOnceAndThenOnlyTells) {
  const Sweep sweep;
  const Finished dry = sweep.run({"--dry-run", "--json"});
  EXPECT_EQ(Json::parse(dry.out)["stages_left"], 4) << dry.err;
  EXPECT_FALSE(std::filesystem::exists(sweep.folder + "/nas.db"));
  const Finished done = sweep.run({"--jobs", "2", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json first = Json::parse(done.out);
  EXPECT_EQ(first["cells"].size(), 4u);
  EXPECT_EQ(first["table"].size(), 2u);
  EXPECT_EQ(first["table"][0]["metrics"]["best.macs"]["n"], 2);
  EXPECT_TRUE(first["table"][0]["metrics"]["best.macs"]["deviation"].is_number());
  EXPECT_EQ(sweep.runs(), 4u);
  const Finished again = sweep.run({"--json"});
  const Json second = Json::parse(again.out);
  EXPECT_EQ(second["table"], first["table"]);
  EXPECT_EQ(second["cells"][0]["stages"][0]["outcome"], "was done");
  EXPECT_EQ(sweep.runs(), 4u);
  // A comment and a default written out are the same configuration; a new value is a new cell.
  write_file(sweep.folder + "/search.yaml", "# New.\n" + kSearch + "seed: 0\n");
  write_file(sweep.folder + "/sweep.yaml", kSweep + "# end\n");
  EXPECT_EQ(sweep.run({}).code, 0);
  EXPECT_EQ(sweep.runs(), 4u);
  EXPECT_EQ(sweep.run({"--set", "seeds=[0, 1, 2]"}).code, 0);
  EXPECT_EQ(sweep.runs(), 6u);
}

TEST(Sweep, AFailedCellIsListedAndEndsNoOther) {
  const Sweep sweep(
      "stages: {search: {config: search.yaml}}\n"
      "grid: {search: {evaluator.external.command: ['python3 ok.py', 'exit 7']}}\n",
      "space: nasbench201\n"
      "search: {algorithm: random, evaluations: 4, population: 4, objectives: ['maximize: "
      "accuracy']}\n"
      "evaluator: {kind: external}\n");
  write_file(
      sweep.folder + "/ok.py",
      "import json, sys\n"
      "for line in sys.stdin:\n"
      "    print(json.dumps({'id': json.loads(line)['id'], 'accuracy': 0.5}), flush=True)\n");
  const Finished done = sweep.run({});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, AllOf(HasSubstr("failed: exit 7: search: "), HasSubstr("log: ")));
  EXPECT_THAT(done.err, HasSubstr("1 of 2 cells is not done"));
  const Json json = Json::parse(sweep.run({"--json"}).out);
  EXPECT_EQ(json["cells"][0]["status"], "done");
  EXPECT_EQ(json["cells"][1]["status"], "failed");
  EXPECT_TRUE(std::filesystem::exists(json["cells"][1]["log"].get<std::string>()));
}

TEST(Sweep, OneStageGetsTheThreadsThatTheEnvironmentGives) {
  const Sweep sweep(
      "stages: {search: {config: search.yaml}}\n",
      "space: nasbench201\n"
      "search: {algorithm: random, evaluations: 2, population: 2, objectives: ['maximize: "
      "accuracy']}\n"
      "evaluator: {kind: external, external: {command: 'echo $OMP_NUM_THREADS > threads; exec "
      "python3 ok.py'}}\n");
  write_file(
      sweep.folder + "/ok.py",
      "import json, sys\n"
      "for line in sys.stdin:\n"
      "    print(json.dumps({'id': json.loads(line)['id'], 'accuracy': 0.5}), flush=True)\n");
  Launch three;
  three.environment = {{"OMP_NUM_THREADS", "3"}};
  const Finished dry = sweep.run({"--dry-run", "--jobs", "2"}, three);
  EXPECT_THAT(dry.out, HasSubstr("1 cell, 1 of 1 stage left"));
  const Finished done = sweep.run({"--jobs", "2"}, three);
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, Not(HasSubstr("divided")));
  std::ifstream in(sweep.folder + "/threads");
  int threads = 0;
  EXPECT_TRUE(in >> threads);
  EXPECT_EQ(threads, 3);
}

TEST(Sweep, MistakesOfValuesAreToldWhereTheyStand) {
  const Sweep sweep(
      "stages: {search: {config: search.yaml, set: {search.populaton: 4}}}\n"
      "grid:\n"
      "  search:\n"
      "    search.algorithm: [random, nsga3]\n");
  const Finished told = sweep.run({});
  EXPECT_EQ(told.code, 2);
  EXPECT_THAT(told.err,
              AllOf(HasSubstr("sweep.yaml:4:32: search: search.algorithm"),
                    HasSubstr("sweep.yaml:1:46: search: search.populaton"),
                    HasSubstr("search.population")));
  EXPECT_FALSE(std::filesystem::exists(sweep.folder + "/nas.db"));
}

TEST(Sweep, MistakesOfFormAndOfValuesAreToldTogether) {
  const Sweep sweep(
      "seeds: [0, 0]\nstages: {search: {config: search.yaml}}\n"
      "grid: {search: {search.evaluations: [-1, 2], nope.key: [1], search.population: []}}\n");
  const Finished told = sweep.run({});
  EXPECT_EQ(told.code, 2);
  EXPECT_THAT(told.err,
              AllOf(HasSubstr("sweep.yaml:1:8: seeds: a seed is listed twice"),
                    HasSubstr("grid.search.search.population: has no values"),
                    HasSubstr("sweep.yaml:3:38: search: search.evaluations"),
                    HasSubstr("sweep.yaml:3:57: search: nope")));
}

TEST(Sweep, StoppedAndKilledItGoesOn) {
  // A tenth of a second for each of 12 searches.
  const Sweep sweep(
      "seeds: [0, 1, 2, 3, 4, 5]\n"
      "stages: {search: {config: search.yaml}}\n"
      "grid: {search: {search.algorithm: [random, nsga2]}}\n",
      "space: nasbench201\n"
      "search: {algorithm: random, evaluations: 40, population: 4, objectives: ['maximize: "
      "accuracy']}\n"
      "evaluator: {kind: external, batch: 4, external: {command: python3 slow.py, lifetime: "
      "run}}\n");
  write_file(
      sweep.folder + "/slow.py",
      "import json, sys, time\n"
      "for line in sys.stdin:\n"
      "    time.sleep(0.02)\n"
      "    print(json.dumps({'id': json.loads(line)['id'], 'accuracy': 0.5}), flush=True)\n");
  Launch stop;
  stop.signal = 2;
  stop.signal_at = "done: ";
  const Finished stopped = sweep.run({"--jobs", "2"}, stop);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("The same command goes on"));
  {
    const Store store(sweep.folder + "/nas.db", Store::Mode::kRead);
    EXPECT_TRUE(store.runs_in("running").empty());
    EXPECT_FALSE(store.runs_in("finished").empty());
  }
  Launch end;
  end.signal = 9;
  end.signal_at = "done: ";
  EXPECT_EQ(sweep.run({"--jobs", "2"}, end).code, 128 + 9);
  const Finished done = sweep.run({"--jobs", "2", "--json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(Json::parse(done.out)["failed"], 0);
  EXPECT_EQ(sweep.runs(), 12u);  // Each went on; none began twice.
}

TEST(Sweep, ShardsHaveStoresOfTheirOwnThatMerge) {
  const Sweep sweep;
  for (const char* shard : {"1/3", "2/3", "3/3"})
    ASSERT_EQ(sweep.run({"--shard", shard}).code, 0) << shard;
  EXPECT_FALSE(std::filesystem::exists(sweep.folder + "/nas.db"));
  Launch merge;
  merge.folder = sweep.folder;
  merge.args = {"db", "merge", "nas.db"};
  for (int i = 1; i <= 3; ++i) merge.args.push_back("nas.shard-" + std::to_string(i) + "-of-3.db");
  const Finished merged = run(merge);
  EXPECT_EQ(merged.code, 0) << merged.err;
  EXPECT_EQ(sweep.runs(), 4u);
  const Json json = Json::parse(sweep.run({"--json"}).out);
  EXPECT_EQ(json["cells"][3]["stages"][0]["outcome"], "was done");
  // A task of an array asks the merged store as well.
  Launch task;
  task.environment = {{"SLURM_ARRAY_TASK_ID", "2"}, {"SLURM_ARRAY_TASK_COUNT", "3"}};
  std::filesystem::remove(sweep.folder + "/nas.shard-2-of-3.db");
  const Finished again = sweep.run({"--dry-run"}, task);
  EXPECT_THAT(again.out, AllOf(HasSubstr("0 of "), HasSubstr("done"))) << again.err;
  const Finished script = sweep.run({"--sbatch", "--cpus", "4"});
  EXPECT_THAT(script.out,
              AllOf(HasSubstr("#SBATCH --array=1-4"),
                    HasSubstr("--cpus-per-task=4"),
                    HasSubstr("nas db merge")));
}

#ifdef NAS_TORCH

/// A file that grew after all was done: a shard takes the training that the merged store has, and
/// brings home nothing twice.
TEST(Sweep, AShardGoesOnFromWhatTheMergedStoreHas) {
  const Sweep sweep(
      "stages:\n  train: {config: train.yaml}\n  search: {config: search.yaml}\n"
      "  rank: {truth: truth.csv}\n  export: {pick: best}\n"
      "grid: {search: {search.evaluations: [4]}}\n",
      "search: {algorithm: random, population: 4, baseline: false,\n"
      "  objectives: ['maximize: accuracy', 'minimize: macs']}\n");
  write_file(sweep.folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 300}\nthreads: 1\n"
             "train: {epochs: 1, validation: {every: 0}}\n"
             "evaluate: {images: 60, recalibrate: {images: 100}}\n");
  write_file(sweep.folder + "/truth.csv", "architecture,truth\n12/16,1\n18/16,2\n24/48,3\n");
  // What cannot be ranked is told before the training.
  for (const char* wrong : {"stages.rank.column=nope", "stages.rank.key=nope"}) {
    const Finished refused = sweep.run({"--set", wrong});
    EXPECT_EQ(refused.code, 2) << refused.out;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("stages.rank"), HasSubstr("no column 'nope'")));
  }
  EXPECT_FALSE(std::filesystem::exists(sweep.folder + "/nas.db"));
  ASSERT_EQ(sweep.run({}).code, 0) << sweep.run({}).out;
  ASSERT_EQ(sweep.runs(), 2u);
  const std::vector<std::string> grown = {
      "--set", "grid={search: {search.evaluations: [4, 5]}}", "--shard", "1/1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), grown.begin(), grown.end());
    return more;
  };
  // The search and the export of it.
  EXPECT_EQ(Json::parse(sweep.run(with({"--dry-run", "--json"})).out)["stages_left"], 2);
  const Finished done = sweep.run(grown);
  EXPECT_EQ(done.code, 0) << done.out << done.err;
  EXPECT_EQ(sweep.runs("nas.shard-1-of-1.db"), 2u) << "the training as it was, and a new search";
  Launch merge;
  merge.folder = sweep.folder;
  merge.args = {"db", "merge", "nas.db", "nas.shard-1-of-1.db"};
  const Finished merged = run(merge);
  EXPECT_EQ(merged.code, 0) << merged.err;
  EXPECT_THAT(merged.out + merged.err, Not(HasSubstr("several runs")));
  EXPECT_EQ(sweep.runs(), 3u);
  EXPECT_EQ(Json::parse(sweep.run({"--set", grown[1], "--dry-run", "--json"}).out)["stages_left"],
            0);
}

#endif

TEST(Sweep, AStoreThatVanishesIsAnError) {
  const Sweep sweep(
      "stages: {search: {config: search.yaml}}\n",
      "space: nasbench201\n"
      "search: {algorithm: random, evaluations: 4, population: 4, objectives: ['maximize: "
      "accuracy']}\n"
      "evaluator: {kind: external, external: {command: 'rm -f nas.db*; exec python3 ok.py'}}\n");
  write_file(
      sweep.folder + "/ok.py",
      "import json, sys\n"
      "for line in sys.stdin:\n"
      "    print(json.dumps({'id': json.loads(line)['id'], 'accuracy': 0.5}), flush=True)\n");
  const Finished done = sweep.run({});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("the store was deleted"));
}

#ifdef NAS_TORCH
TEST(Sweep, CellsShareATraining) {
  const Sweep sweep(
      "stages:\n"
      "  train: {config: quickstart/train, set: {train.epochs: 1, train.schedule.warmup_epochs: "
      "0}}\n"
      "  rank: {truth: truth.csv}\n"
      "  search: {config: quickstart/search, set: {search.evaluations: 8, search.population: 4}}\n"
      "  export: {pick: best, formats: [json]}\n"
      "grid: {search: {search.algorithm: [random, nsga2]}}\n");
  write_file(sweep.folder + "/truth.csv",
             "architecture,accuracy\n12-conv3/16-conv3,0.8\n12-conv5/16-conv3,0.9\n"
             "18-conv3/32-conv3,0.95\n");
  const Finished done = sweep.run({"--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["cells"][0]["stages"][0]["run"], json["cells"][1]["stages"][0]["run"]);
  EXPECT_EQ(sweep.runs(), 3u);
  EXPECT_TRUE(json["cells"][0]["metrics"].contains("export.params"));
  EXPECT_TRUE(json["cells"][0]["metrics"].contains("best.accuracy"));
  EXPECT_TRUE(json["cells"][0]["metrics"].contains("rank.tau_b"));
  // From another folder and by its whole path, as a job of Slurm names it: the same stages.
  Launch elsewhere;
  elsewhere.folder = fresh_folder();
  elsewhere.args = {
      "sweep", sweep.folder + "/sweep.yaml", "--db", sweep.folder + "/nas.db", "--json"};
  const Json again = Json::parse(nas::test::run(elsewhere).out);
  for (const Json& stage : again["cells"][1]["stages"]) EXPECT_EQ(stage["outcome"], "was done");
  EXPECT_EQ(again["table"], json["table"]);
}
#endif

}  // namespace
}  // namespace nas::test
