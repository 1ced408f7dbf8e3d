// What the store keeps: rows of every kind, runs and their processes.
#include "search/store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "search/store/store_file.hpp"
#include "store_fixture.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using namespace testing_store;

TEST_F(StoreTest, RunsRoundTripAndAreFound) {
  {
    Store store(path());
    store.add_run(run_row("s-20260101-aaaaaa", "first"));
    store.add_run(run_row("s-20260101-aabbbb"));
    RunRow train = run_row("t-20260101-cccccc");
    train.command = "train";
    store.add_run(train);
  }
  Store store(path());
  EXPECT_EQ(store.runs().size(), 3u);
  const auto run = store.run("first");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->id, "s-20260101-aaaaaa");
  EXPECT_EQ(run->seed, 0xffffffffffffffffULL);
  EXPECT_EQ(run->pid, getpid());
  EXPECT_FALSE(run->started.empty());
  EXPECT_EQ(store.run("last")->id, "t-20260101-cccccc");
  EXPECT_EQ(store.run("last", "search")->id, "s-20260101-aabbbb");
  EXPECT_EQ(store.run("s-20260101-aab")->id, "s-20260101-aabbbb");
  EXPECT_FALSE(store.run("nothing"));
  EXPECT_FALSE(store.run("%"));
  EXPECT_THAT(error_of([&] { store.run("s-2026"); }), HasSubstr("fits several runs"));
  EXPECT_THAT(error_of([&] { store.add_run(run_row("s-20260101-aaaaaa")); }), HasSubstr("already"));
  EXPECT_THAT(error_of([&] { store.finish_run("no", "failed"); }), HasSubstr("no run 'no'"));
}

TEST_F(StoreTest, MetricsKeepOrderReplaceAndTruncate) {
  Store store(path());
  store.add_run(run_row("r"));
  store.add_metrics("r",
                    {{0, "loss", 2.5}, {1, "loss", NAN}, {2, "loss", -INFINITY}, {2, "lr", .1}});
  store.add_metrics("r", {{2, "lr", .25}});
  const auto rows = store.metrics("r");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_TRUE(std::isnan(rows[1].value));
  EXPECT_EQ(rows[2].value, -INFINITY);
  EXPECT_EQ(rows[3].value, .25);
  EXPECT_EQ(store.metrics("r", "lr").size(), 1u);
  store.truncate_metrics("r", 1);
  EXPECT_EQ(store.metrics("r").size(), 1u);
  EXPECT_THROW(store.add_metrics("absent", {{0, "x", 1}}), ConfigError);
}

TEST_F(StoreTest, EvaluationsReplaceEqualRowsAndNeverHoldNan) {
  Store store(path());
  store.add_run(run_row("r"));
  store.add_evaluations({{"r", "a", "accuracy", .5, "supernet", "{}"},
                         {"r", "a", "macs", 12, "plan", "{}"},
                         {"r", "b", "accuracy", NAN, "supernet", "{}", "failed", "out of memory"},
                         {"r", "a", "accuracy", .6, "supernet", "{\"images\":10}"}});
  store.add_evaluations({{"r", "a", "accuracy", .75, "supernet", "{}"}});
  const auto rows = store.evaluations("r");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].value, .75);
  EXPECT_EQ(rows[2].status, "failed");
  EXPECT_EQ(rows[2].error, "out of memory");
  EXPECT_TRUE(std::isnan(rows[2].value));
}

TEST_F(StoreTest, OtherRowsRoundTrip) {
  Store store(path());
  store.add_run(run_row("r"));
  store.add_checkpoint({"r", "a.nas", "00", 1, 2, ""});
  store.add_checkpoint({"r", "b.nas", "01", 3, 4, "2026-01-01T00:00:00Z"});
  ASSERT_EQ(store.checkpoints("r").size(), 2u);
  EXPECT_EQ(store.checkpoints("r")[1].step, 4);
  store.add_export({"r", "arch", "safetensors", "p", "aa", "{}", ""});
  EXPECT_EQ(store.exports("r").at(0).format, "safetensors");
  store.add_latency_table({"l1", "toy", "cpu", "{}", "{}", ""});
  store.add_latency_table({"l2", "other", "cpu", "{}", "{\"x\":1}", ""});
  EXPECT_EQ(store.latency_table("last")->id, "l2");
  EXPECT_EQ(store.latency_table("last", "toy")->id, "l1");
  EXPECT_FALSE(store.latency_table("l2", "toy"));
  EXPECT_EQ(store.latency_tables().size(), 2u);
  store.add_splits({{"r", "train", "h", 5}, {"r", "validation", "g", 6}});
  EXPECT_EQ(store.splits("r").at(1).size, 6);
  store.set_document("r", "front", "[1]");
  store.set_document("r", "front", "[2]");
  EXPECT_EQ(store.document("r", "front"), "[2]");
  EXPECT_FALSE(store.document("r", "else"));
}

TEST_F(StoreTest, AGenerationIsStoredWholeOrNotAtAll) {
  Store store(path());
  store.add_run(run_row("r"));
  store.add_generation(
      "r", {1, "{\"g\":1}"}, {{"r", "a", "accuracy", .5, "t", "{}"}}, {{1, "hv", 2}});
  EXPECT_EQ(store.search_state("r")->generation, 1);
  // The second evaluation belongs to no run: nothing of this generation may remain.
  EXPECT_THROW(store.add_generation("r",
                                    {2, "{}"},
                                    {{"r", "b", "accuracy", .5, "t", "{}"},
                                     {"absent", "b", "accuracy", .5, "t", "{}"}},
                                    {{2, "hv", 3}}),
               ConfigError);
  EXPECT_EQ(store.search_state("r")->state_json, "{\"g\":1}");
  EXPECT_EQ(store.evaluations("r").size(), 1u);
  EXPECT_EQ(store.metrics("r").size(), 1u);
}

TEST_F(StoreTest, WalForeignKeysAndIdentity) {
  Store store(path());
  SQLite::Database db(path());
  EXPECT_EQ(db.execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), store_version());
  EXPECT_EQ(db.execAndGet("PRAGMA application_id").getInt(), store_detail::kApplicationId);
  EXPECT_TRUE(check_store(path()).empty());
}

TEST_F(StoreTest, DeadRunsAreRecognisedAndTakenOver) {
  Store store(path());
  const pid_t pid = child([&] {
    Store inner(path());
    inner.add_run(run_row("gone"));
    return 0;
  });
  ASSERT_EQ(wait_for(pid), 0);
  const RunRow gone = *store.run("gone");
  EXPECT_EQ(gone.status, "running");
  EXPECT_TRUE(run_is_dead(gone));
  EXPECT_EQ(shown_status(gone), "killed");
  store.claim_run("gone");
  EXPECT_FALSE(run_is_dead(*store.run("gone")));
  EXPECT_EQ(store.run("gone")->pid, getpid());

  // The same pid with another start time is another process.
  RunRow reused = *store.run("gone");
  reused.pid_start -= 1;
  EXPECT_TRUE(run_is_dead(reused));
  RunRow elsewhere = reused;
  elsewhere.host = "another-machine";
  EXPECT_FALSE(run_is_dead(elsewhere));
  elsewhere.heartbeat = "2001-01-01T00:00:00Z";
  EXPECT_TRUE(run_is_dead(elsewhere));

  // A live process keeps its run; a finished run is nobody's.
  const pid_t other = child([&] {
    Store inner(path());
    try {
      inner.claim_run("gone");
    } catch (const ConfigError& e) {
      return std::string(e.what()).find("being worked on") != std::string::npos ? 7 : 8;
    }
    return 9;
  });
  EXPECT_EQ(wait_for(other), 7);
  store.finish_run("gone", "finished");
  EXPECT_THAT(error_of([&] { store.claim_run("gone"); }), HasSubstr("never overwritten"));
}

TEST_F(StoreTest, FourProcessesCreateAndWriteAtOnce) {
  constexpr int kProcesses = 4, kRounds = 25;
  std::vector<pid_t> pids;
  for (int p = 0; p < kProcesses; ++p)
    pids.push_back(child([&] {
      Store store(path());
      const std::string id = "p" + std::to_string(p);
      store.add_run(run_row(id));
      for (int i = 0; i < kRounds; ++i)
        store.add_generation(id,
                             {i, "{}"},
                             {{id, "arch" + std::to_string(i), "accuracy", .1 * i, "t", "{}"}},
                             {{i, "hv", 1.0 * i}});
      return 0;
    }));
  for (const pid_t pid : pids) EXPECT_EQ(wait_for(pid), 0);
  Store store(path());
  EXPECT_EQ(store.runs().size(), size_t{kProcesses});
  for (int p = 0; p < kProcesses; ++p) {
    EXPECT_EQ(store.evaluations("p" + std::to_string(p)).size(), size_t{kRounds});
    EXPECT_EQ(store.metrics("p" + std::to_string(p)).size(), size_t{kRounds});
    EXPECT_EQ(store.search_state("p" + std::to_string(p))->generation, kRounds - 1);
  }
  EXPECT_TRUE(check_store(path()).empty());
}

TEST_F(StoreTest, KilledWriterLeavesAUsableStore) {
  {
    Store store(path());
    store.add_run(run_row("r"));
  }
  for (int round = 0; round < 5; ++round) {
    const pid_t pid = child([&] {
      Store store(path());
      for (int64_t i = 0;; ++i)
        store.add_generation("r", {i, std::string(5000, 'x')}, {}, {{i, "hv", 1.0}});
      return 0;
    });
    usleep(20000 + 13000 * static_cast<unsigned>(round));
    kill(pid, SIGKILL);
    wait_for(pid);
    Store store(path());
    const auto state = store.search_state("r");
    if (state) {
      EXPECT_GE(store.metrics("r").size(), static_cast<size_t>(state->generation) + 1);
      EXPECT_EQ(state->state_json.size(), 5000u);
    }
  }
  EXPECT_TRUE(check_store(path()).empty());
}

TEST_F(StoreTest, RunsAreRenamedRemovedAndCounted) {
  Store store(path());
  store.add_run(run_row("r", "one"));
  store.add_run(run_row("s", "one"));
  store.add_evaluations({{"r", "[1]", "accuracy", 0.5, "supernet", "{}"},
                         {"s", "[1]", "accuracy", 0.5, "supernet", "{}"},
                         {"r", "[2]", "accuracy", 0.5, "supernet", "{}"}});
  store.add_metrics("r", {{1, "loss", 3}, {2, "loss", 2}, {2, "b", 1}});
  store.set_document("r", "front", "{}");
  EXPECT_EQ(store.runs_named("one").size(), 2u);
  EXPECT_EQ(store.counts().evaluations, 3);
  EXPECT_EQ(store.evaluation_count("r"), 2);
  EXPECT_THAT(store.metric_names("r"), testing::ElementsAre("b", "loss"));
  EXPECT_EQ(store.last_metric("r", "loss")->value, 2);
  EXPECT_THAT(store.documents("r"), testing::ElementsAre("front"));
  store.rename_run("s", "two");
  EXPECT_EQ(store.run("two")->id, "s");
  // This very process works on it.
  EXPECT_THAT(error_of([&] { store.remove_run("r"); }), HasSubstr("is being worked on"));
  store.finish_run("r", "finished");
  store.remove_run("r");
  EXPECT_FALSE(store.run("r"));
  EXPECT_TRUE(store.metrics("r").empty());
  EXPECT_EQ(store.counts().runs, 1);
  EXPECT_EQ(store.evaluations("s").size(), 1u);
  EXPECT_THAT(error_of([&] { store.remove_run("r"); }), HasSubstr("there is no run"));
  SQLite::Database db(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM architectures").getInt(), 1);
}

TEST(RunId, StartsWithTheCommandsLetterAndDiffers) {
  const std::string a = new_run_id("train"), b = new_run_id("train");
  EXPECT_EQ(a.size(), std::string("t-20261124-").size() + 13);  // 64 bits, 5 a digit
  EXPECT_EQ(a.substr(0, 4), "t-20");
  EXPECT_NE(a, b);
  EXPECT_TRUE(looks_like_run_id(a));
  EXPECT_TRUE(looks_like_run_id("s-20261124-1a2b3c"));
  for (const char* name : {"digits", "t-2026", "exp-20261124-1", "t-20261124-"})
    EXPECT_FALSE(looks_like_run_id(name)) << name;
  // Every digit varies.
  std::vector<std::set<char>> seen(13);
  for (int i = 0; i < 400; ++i) {
    const std::string id = new_run_id("train");
    for (size_t k = 0; k < 13; ++k) seen[k].insert(id[11 + k]);
  }
  for (const auto& digits : seen) EXPECT_GE(digits.size(), 16u);
}

}  // namespace
}  // namespace nas
