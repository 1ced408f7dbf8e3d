// Stores brought together: nothing lost, nothing twice, whoever wrote them and whatever ends it.
#include "search/store/store_merge.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <limits>
#include <set>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>

#include "store_fixture.hpp"

namespace nas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = testing_store::fs;
using testing_store::StoreTest;

class StoreMerge : public StoreTest {
 protected:
  /// A search with metrics, evaluations, a document, a checkpoint and a table, as a shard leaves
  /// it.
  static std::string fill(const std::string& path, int evaluations, const std::string& name = "") {
    Store store(path);
    RunRow run = run_row(new_run_id("search"), name);
    run.directory = store.folder_of(run.id);
    fs::create_directories(run.directory);
    std::ofstream(run.directory + "/checkpoint") << run.id;
    store.add_run(run);
    std::vector<EvaluationRow> rows;
    std::vector<MetricRow> metrics;
    for (int i = 0; i < evaluations; ++i) {
      rows.push_back({run.id, "arch" + std::to_string(i), "accuracy", i / 7.0, "supernet", "{}"});
      metrics.push_back({i, "hypervolume", i * 0.5});
    }
    rows.push_back({run.id, "bad", "accuracy", 0, "supernet", "{}", "failed", "no memory"});
    metrics.push_back({evaluations, "loss", std::numeric_limits<double>::infinity()});
    store.add_generation(run.id, {3, "{\"state\": 1}"}, rows, metrics);
    store.set_document(run.id, "front", "{\"front\": []}");
    store.add_checkpoint({run.id, run.directory + "/checkpoint", "abc", 1, 2, ""});
    store.add_export({run.id, "arch0", "json", run.directory + "/checkpoint", "abc", "null", ""});
    store.add_splits({{run.id, "train", "f00", 7}});
    store.add_latency_table({"table-" + run.id, "toy", "cpu", "{}", "{}", ""});
    store.finish_run(run.id, "finished");
    return run.id;
  }
  /// Everything of a run, as text.
  static std::string all_of(const Store& store, const std::string& id) {
    const RunRow run = *store.run(id);
    std::string text = run.id + run.name + run.status + run.ended + std::to_string(run.seed);
    for (const MetricRow& m : store.metrics(id))
      text += "|" + m.name + std::to_string(m.step) + ":" + std::to_string(m.value);
    for (const EvaluationRow& e : store.evaluations(id))
      text += "|" + e.architecture + e.metric + std::to_string(e.value) + e.status + e.error;
    for (const std::string& kind : store.documents(id)) text += kind + *store.document(id, kind);
    for (const CheckpointRow& c : store.checkpoints(id)) text += c.path + c.sha256;
    for (const ExportRow& e : store.exports(id)) text += e.path + e.format;
    for (const SplitRow& s : store.splits(id)) text += s.name + s.hash;
    return text + store.search_state(id)->state_json;
  }
  static std::string whole(const std::string& path) {
    const Store store(path, Store::Mode::kRead);
    std::string text;
    for (const RunRow& run : store.runs()) text += all_of(store, run.id) + "\n";
    for (const LatencyTableRow& table : store.latency_tables()) text += table.id + "\n";
    return text;
  }
};

TEST_F(StoreMerge, NetworksAreCountedOnceARunWhateverTheirValues) {
  const std::string first = fill(path("a.db"), 3), second = fill(path("a.db"), 2);
  Store store(path("a.db"));
  store.add_evaluations({{first, "arch0", "macs", 7, "plan", "{}"},
                         {first, "arch0", "accuracy", 0.5, "supernet", R"({"images": 9})"}});
  // arch0 .. arch2 and one that failed; arch0, arch1 and one that failed.
  EXPECT_EQ(networks_judged(path("a.db")), 4 + 3);
  EXPECT_EQ(store.counts().evaluations, 4 + 3 + 2);
}

TEST_F(StoreMerge, SixteenProcessesSixteenStores) {
  constexpr int kProcesses = 16, kRuns = 5, kEvaluations = 20;
  std::vector<pid_t> children;
  std::vector<std::string> stores;
  for (int p = 0; p < kProcesses; ++p) {
    stores.push_back(path("shard-" + std::to_string(p) + ".db"));
    children.push_back(child([&] {
      for (int r = 0; r < kRuns; ++r) fill(stores.back(), kEvaluations);
      return 0;
    }));
  }
  for (const pid_t pid : children) ASSERT_EQ(wait_for(pid), 0);
  const std::vector<MergedStore> merged = merge_stores(path("all.db"), stores, {});
  ASSERT_EQ(merged.size(), size_t{kProcesses});
  const Store all(path("all.db"), Store::Mode::kExisting);
  std::set<std::string> ids;
  for (const RunRow& run : all.runs()) ids.insert(run.id);
  EXPECT_EQ(ids.size(), size_t{kProcesses * kRuns});
  EXPECT_EQ(all.counts().evaluations, kProcesses * kRuns * (kEvaluations + 1));
  EXPECT_EQ(all.counts().latency_tables, kProcesses * kRuns);
  for (const std::string& shard : stores) {
    const Store store(shard, Store::Mode::kRead);
    for (const RunRow& run : store.runs()) EXPECT_EQ(all_of(all, run.id), all_of(store, run.id));
  }
  EXPECT_THAT(check_store(path("all.db")), IsEmpty());

  const std::string before = whole(path("all.db"));
  for (const MergedStore& again : merge_stores(path("all.db"), stores, {})) {
    EXPECT_TRUE(again.nothing());
    EXPECT_EQ(again.known, kRuns);
    EXPECT_THAT(again.notes, IsEmpty());
  }
  EXPECT_EQ(whole(path("all.db")), before);
}

TEST_F(StoreMerge, KilledInTheMiddleTheStoreIsAsItWas) {
  const std::string own = fill(path("all.db"), 3);
  std::vector<std::string> stores;
  for (int s = 0; s < 4; ++s) {
    stores.push_back(path("from-" + std::to_string(s) + ".db"));
    for (int r = 0; r < 4; ++r) fill(stores.back(), 400);
  }
  const std::string before = whole(path("all.db"));
  int unharmed = 0;
  for (int milliseconds = 1; milliseconds < 400; milliseconds += 40) {
    const pid_t pid = child([&] {
      merge_stores(path("all.db"), stores, {});
      return 0;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    kill(pid, SIGKILL);
    const bool finished = wait_for(pid) == 0;
    ASSERT_THAT(check_store(path("all.db")), IsEmpty());
    const Store store(path("all.db"), Store::Mode::kExisting);
    if (store.runs().size() == 1) {
      EXPECT_EQ(whole(path("all.db")), before);
      ++unharmed;
    } else {
      EXPECT_EQ(store.runs().size(), 17u);
    }
    if (finished) break;
  }
  EXPECT_GT(unharmed, 0);
  merge_stores(path("all.db"), stores, {});
  const Store store(path("all.db"), Store::Mode::kExisting);
  EXPECT_EQ(store.runs().size(), 17u);
  EXPECT_EQ(store.counts().evaluations, 4 + 16 * 401);
  EXPECT_EQ(store.run(own)->id, own);
}

TEST_F(StoreMerge, ARunThatWentOnIsBroughtUpToDate) {
  const std::string shard = path("shard.db"), all = path("all.db");
  RunRow run = run_row("s-20261130-0000000000000");
  {
    Store store(shard);
    run.started = run.heartbeat = "2026-11-30T00:00:00Z";
    run.pid = 1 << 30;
    store.add_run(run);
    store.add_metrics(run.id, {{1, "loss", 4}, {2, "loss", 3}, {3, "loss", 9}});
    store.add_evaluations({{run.id, "a", "accuracy", 0.5, "supernet", "{}"}});
  }
  merge_stores(all, {shard}, {});
  {
    // Rolled back, then to the end; meanwhile someone judged another network in the merged store.
    Store store(shard);
    store.truncate_metrics(run.id, 3);
    store.add_metrics(run.id, {{3, "loss", 2}});
    store.finish_run(run.id, "finished");
    Store(all).add_evaluations({{run.id, "b", "accuracy", 0.7, "supernet", "{}"},
                                {run.id, "a", "accuracy", 0.6, "supernet", "{}"}});
  }
  const MergedStore merged = merge_stores(all, {shard}, {})[0];
  EXPECT_EQ(merged.further, 1);
  EXPECT_THAT(merged.notes, ElementsAre(HasSubstr("1 values contradict")));
  const Store store(all, Store::Mode::kExisting);
  EXPECT_EQ(store.run(run.id)->status, "finished");
  EXPECT_EQ(store.last_metric(run.id, "loss")->value, 2);
  const auto rows = store.evaluations(run.id);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].value, 0.5);
  EXPECT_EQ(rows[1].value, 0.7);
  // The other way round: nothing new but the judgement.
  const MergedStore back = merge_stores(shard, {all}, {})[0];
  EXPECT_EQ(back.further, 0);
  EXPECT_EQ(back.evaluations, 1);
}

TEST_F(StoreMerge, NamesAndTablesThatMeet) {
  const std::string first = fill(path("a.db"), 1, "digits"),
                    second = fill(path("b.db"), 1, "digits");
  Store(path("a.db")).add_latency_table({"cpu", "toy", "cpu", "{}", "{\"a\": 1}", "2026"});
  Store(path("b.db")).add_latency_table({"cpu", "toy", "cpu", "{}", "{\"a\": 2}", "2026"});
  const auto told = merge_stores(path("all.db"), {path("a.db"), path("b.db")}, {});
  EXPECT_THAT(told[1].notes,
              ElementsAre(HasSubstr("the name digits is of several runs now"),
                          HasSubstr("it is cpu-2 here")));
  EXPECT_EQ(Store(path("all.db")).latency_table("cpu-2")->table_json, "{\"a\": 2}");

  MergeOptions options;
  options.rename = true;
  merge_stores(path("named.db"), {path("a.db"), path("b.db")}, options);
  EXPECT_EQ(Store(path("named.db")).run(first)->name, "digits");
  EXPECT_EQ(Store(path("named.db")).run(second)->name, "digits-2");
  for (const std::string& into : {path("all.db"), path("named.db")})
    for (const MergedStore& again : merge_stores(into, {path("a.db"), path("b.db")}, options))
      EXPECT_TRUE(again.nothing()) << into;
}

TEST_F(StoreMerge, FilesAreFoundOrCopied) {
  for (const char* name : {"far", "here"}) fs::create_directories(folder_ / name);
  const std::string from = path("far/nas.db"), id = fill(from, 1);
  merge_stores(path("here/all.db"), {from}, {});
  {
    const Store all(path("here/all.db"), Store::Mode::kExisting);
    EXPECT_EQ(bytes(all.checkpoints(id)[0].path), id);
    EXPECT_FALSE(all.owns(*all.run(id)));  // They are still the other store's.
  }
  MergeOptions options;
  options.copy_files = true;
  fs::create_directories(folder_ / "own");
  EXPECT_EQ(merge_stores(path("own/all.db"), {from}, options)[0].folders, 1);
  EXPECT_EQ(merge_stores(path("own/all.db"), {from}, options)[0].folders, 0);
  fs::remove_all(folder_ / "far");
  fs::rename(folder_ / "own", folder_ / "moved");
  const Store moved(path("moved/all.db"), Store::Mode::kExisting);
  EXPECT_EQ(bytes(moved.checkpoints(id)[0].path), id);
  EXPECT_EQ(bytes(moved.exports(id)[0].path), id);
  EXPECT_TRUE(moved.owns(*moved.run(id)));
}

TEST_F(StoreMerge, RunsStandInTheOrderInWhichTheyBegan) {
  const auto add =
      [&](const std::string& store, const std::string& id, const std::string& started) {
        RunRow run = run_row(id);
        run.started = started;
        Store(store).add_run(run);
      };
  add(path("a.db"), "s-20261130-0000000000001", "2026-11-30T01:00:00Z");
  add(path("a.db"), "s-20261130-0000000000003", "2026-11-30T03:00:00Z");
  add(path("b.db"), "s-20261130-0000000000002", "2026-11-30T02:00:00Z");
  merge_stores(path("a.db"), {path("b.db")}, {});
  const Store store(path("a.db"), Store::Mode::kExisting);
  const auto runs = store.runs();
  EXPECT_EQ(runs[1].id, "s-20261130-0000000000002");
  EXPECT_EQ(store.run("last")->id, "s-20261130-0000000000003");
}

TEST_F(StoreMerge, WhatCannotBeMergedIsRefusedBeforeAnythingIsWritten) {
  fill(path("good.db"), 2);
  const auto refused = [&](const std::vector<std::string>& from) {
    const std::string error = error_of([&] { merge_stores(path("all.db"), from, {}); });
    EXPECT_FALSE(fs::exists(path("all.db"))) << error;
    return error;
  };
  std::ofstream(path("text.db")) << "no store, and long enough to be looked into";
  EXPECT_THAT(refused({path("good.db"), path("text.db")}), HasSubstr("not an SQLite file"));
  EXPECT_THAT(refused({path("good.db"), path("none.db")}), HasSubstr("there is no results store"));
  fill(path("damaged.db"), 300);
  {
    std::fstream file(path("damaged.db"), std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 4; page < 12; ++page) {
      file.seekp(page * 4096);
      file << std::string(4096, 'x');
    }
  }
  EXPECT_THAT(refused({path("good.db"), path("damaged.db")}), HasSubstr("nothing was merged"));
  fill(path("newer.db"), 1);
  {
    SQLite::Database db(path("newer.db"), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = 99");
  }
  EXPECT_THAT(refused({path("good.db"), path("newer.db")}), HasSubstr("install a newer nas"));
  EXPECT_THAT(error_of([&] { merge_stores(path("good.db"), {path("good.db")}, {}); }),
              HasSubstr("is the store that the others are to go into"));
}

TEST_F(StoreMerge, VacuumGivesRoomBack) {
  const std::string kept = fill(path(), 10), removed = fill(path(), 3000);
  Store(path()).remove_run(removed);
  const std::string before = whole(path());
  const Vacuumed done = vacuum_store(path());
  EXPECT_LT(done.after, done.before / 2);
  EXPECT_EQ(whole(path()), before);
  EXPECT_EQ(Store(path()).run(kept)->id, kept);
}

}  // namespace
}  // namespace nas
