#include "search/store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "search/store/store_file.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/nas-store-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name = "nas.db") const { return (folder_ / name).string(); }
  static RunRow run_row(const std::string& id, const std::string& name = "") {
    RunRow run;
    run.id = id;
    run.command = "search";
    run.name = name;
    run.status = "running";
    run.space = "toy";
    run.fingerprint = "f00d";
    run.seed = 0xffffffffffffffffULL;
    return run;
  }
  static std::string bytes(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  template <typename F>
  static std::string error_of(F&& f) {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  /// Runs `f` in a child process; its return value is the exit code.
  template <typename F>
  static pid_t child(F&& f) {
    const pid_t pid = fork();
    if (pid == 0) {
      int code = 99;
      try {
        code = f();
      } catch (const std::exception& e) {
        std::fprintf(stderr, "child: %s\n", e.what());
      }
      _exit(code);
    }
    return pid;
  }
  static int wait_for(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  fs::path folder_;
};

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

// ---- Files that are not what they should be stay as they are.

TEST_F(StoreTest, ForeignFilesAreRefusedUntouched) {
  std::ofstream(path("text.db")) << "these are my notes, do not overwrite them, please, thank you";
  std::ofstream(path("short.db")) << "SQLite format 3";
  {
    SQLite::Database db(path("other.db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE t(x)");
  }
  for (const char* name : {"text.db", "short.db", "other.db"}) {
    const std::string before = bytes(path(name));
    EXPECT_THROW(Store store(path(name)), Error) << name;
    EXPECT_THROW(upgrade_store(path(name)), Error) << name;
    EXPECT_THROW(check_store(path(name)), Error) << name;
    EXPECT_EQ(bytes(path(name)), before) << name;
    EXPECT_FALSE(fs::exists(path(name) + std::string("-wal"))) << name;
  }
  EXPECT_THAT(error_of([&] { Store store(path("other.db")); }), HasSubstr("another program"));
}

TEST_F(StoreTest, DirectoriesMissingFoldersAndMissingFiles) {
  EXPECT_THAT(error_of([&] { Store store(folder_.string()); }), HasSubstr("is a directory"));
  EXPECT_THAT(error_of([&] { Store store(path("no/nas.db")); }), HasSubstr("does not exist"));
  EXPECT_THAT(error_of([&] { Store store(path("absent.db"), Store::Mode::kExisting); }),
              HasSubstr("no results store"));
  EXPECT_FALSE(fs::exists(path("absent.db")));
}

TEST_F(StoreTest, TruncatedAndDamagedStoresAreRefusedUntouched) {
  {
    Store store(path());
    store.add_run(run_row("r"));
  }
  const std::string whole = bytes(path());
  for (const size_t size :
       {size_t{50}, size_t{100}, size_t{5000}, whole.size() - 4096, whole.size() - 1}) {
    std::ofstream(path("cut.db"), std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    EXPECT_THAT(error_of([&] { Store store(path("cut.db")); }), HasSubstr("truncated")) << size;
    EXPECT_EQ(bytes(path("cut.db")), whole.substr(0, size)) << size;
  }
  // Rubbish after the header page: an error, not a crash, whatever is asked.
  std::string damaged = whole;
  for (size_t i = 4096; i < damaged.size(); ++i) damaged[i] = static_cast<char>(i * 131);
  std::ofstream(path("bad.db"), std::ios::binary) << damaged;
  EXPECT_THROW(
      {
        Store store(path("bad.db"));
        store.runs();
      },
      DataError);
}

TEST_F(StoreTest, ReadOnlyStoreIsADataError) {
  {
    Store store(path());
    store.add_run(run_row("r"));
  }
  fs::permissions(folder_, fs::perms(0555));
  fs::permissions(path(), fs::perms(0444));
  const std::string before = bytes(path());
  const pid_t pid = child([&] {  // root may write everywhere: become nobody
    if (geteuid() == 0 && setuid(65534) != 0) return 50;
    try {
      Store store(path());
    } catch (const DataError&) {
      return 7;
    }
    return 8;
  });
  EXPECT_EQ(wait_for(pid), 7);
  EXPECT_EQ(bytes(path()), before);
  fs::permissions(folder_, fs::perms(0755));
}

TEST_F(StoreTest, ReadOnlyStoresCanBeRead) {
  {
    Store store(path());
    store.add_run(run_row("r", "name"));
    store.add_evaluations({{"r", "[1]", "accuracy", 0.5, "supernet", "{}"}});
  }
  fs::permissions(folder_, fs::perms(0555));
  fs::permissions(path(), fs::perms(0444));
  const std::string before = bytes(path());
  const pid_t pid = child([&] {  // root may write everywhere: become nobody
    if (geteuid() == 0 && setuid(65534) != 0) return 50;
    Store store(path(), Store::Mode::kRead);
    if (!store.read_only()) return 51;
    if (store.run("name")->id != "r" || store.evaluations("r").size() != 1) return 52;
    if (!check_store(path()).empty()) return 53;
    try {
      store.rename_run("r", "x");
    } catch (const DataError& e) {
      return std::string(e.what()).find("read-only") != std::string::npos ? 7 : 54;
    }
    return 8;
  });
  EXPECT_EQ(wait_for(pid), 7);
  EXPECT_EQ(bytes(path()), before);
  EXPECT_FALSE(fs::exists(path() + "-wal"));
  fs::permissions(folder_, fs::perms(0755));
  fs::permissions(path(), fs::perms(0644));
  EXPECT_FALSE(Store(path(), Store::Mode::kRead).read_only());
}

TEST_F(StoreTest, ReadOnlyStoreNeverHidesALogThatWasNotMerged) {
  // A writer that is killed leaves its log.
  const pid_t writer = child([&] {
    Store store(path());
    store.add_run(run_row("r", "in-the-log"));
    _exit(3);
    return 0;
  });
  EXPECT_EQ(wait_for(writer), 3);
  ASSERT_GT(fs::file_size(path() + "-wal"), 0u);
  fs::remove(path() + "-shm");
  for (const std::string& file : {path(), path() + "-wal"}) fs::permissions(file, fs::perms(0444));
  fs::permissions(folder_, fs::perms(0555));
  const pid_t reader = child([&] {
    if (geteuid() == 0 && setuid(65534) != 0) return 50;
    try {
      Store store(path(), Store::Mode::kRead);
      return store.run("in-the-log") ? 7 : 51;
    } catch (const DataError& e) {
      return std::string(e.what()).find("-wal holds changes") != std::string::npos ? 8 : 52;
    }
  });
  const int code = wait_for(reader);
  EXPECT_TRUE(code == 7 || code == 8) << code;
  fs::permissions(folder_, fs::perms(0755));
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

// ---- Migrations.

void make_version_1(const std::string& file) {
  SQLite::Database db(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SQLite::Transaction transaction(db);
  db.exec("PRAGMA application_id = " + std::to_string(store_detail::kApplicationId));
  store_detail::migrate(db, 0, 1);
  db.exec(
      "INSERT INTO runs(id,command,status,space,space_yaml,fingerprint,config_yaml,seed,"
      "versions_json,started,directory) VALUES('old','train','finished','toy','','f','','7','{}',"
      "'2026-01-01T00:00:00Z','d')");
  db.exec("INSERT INTO metrics VALUES('old', 3, 'loss', 0.5, 'ok')");
  transaction.commit();
}

TEST_F(StoreTest, OlderSchemaIsRefusedThenUpgradedWithABackup) {
  make_version_1(path());
  const std::string before = bytes(path());
  EXPECT_THAT(error_of([&] { Store store(path()); }), HasSubstr("nas db upgrade"));
  EXPECT_EQ(bytes(path()), before);

  std::ofstream(path() + ".v1.bak") << "an earlier backup";
  const StoreUpgrade upgrade = upgrade_store(path());
  EXPECT_EQ(upgrade.from, 1);
  EXPECT_EQ(upgrade.to, store_version());
  EXPECT_EQ(upgrade.backup, path() + ".v1.bak2");
  EXPECT_EQ(bytes(path() + ".v1.bak"), "an earlier backup");
  {
    SQLite::Database backup(upgrade.backup);
    EXPECT_EQ(backup.execAndGet("PRAGMA user_version").getInt(), 1);
    EXPECT_EQ(backup.execAndGet("SELECT id FROM runs").getString(), "old");
  }
  Store store(path());
  EXPECT_EQ(store.run("old")->seed, 7u);
  EXPECT_EQ(store.metrics("old").at(0).value, .5);
  EXPECT_FALSE(run_is_dead(*store.run("old")));
  EXPECT_EQ(upgrade_store(path()).backup, "");
}

TEST_F(StoreTest, ABusyStoreIsBackedUpWhole) {
  make_version_1(path());
  // A rollback-journal store that another process has locked whole for a moment.
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = child([&] {
    SQLite::Database db(path(), SQLite::OPEN_READWRITE);
    db.exec("BEGIN EXCLUSIVE");
    if (write(ready[1], "x", 1) != 1) return 1;
    usleep(300000);
    db.exec("COMMIT");
    return 0;
  });
  char c = 0;
  ASSERT_EQ(read(ready[0], &c, 1), 1);
  const StoreUpgrade done = upgrade_store(path());
  EXPECT_EQ(wait_for(holder), 0);
  SQLite::Database backup(done.backup, SQLite::OPEN_READONLY);
  EXPECT_EQ(backup.execAndGet("SELECT count(*) FROM runs").getInt(), 1);
  EXPECT_EQ(backup.execAndGet("SELECT count(*) FROM metrics").getInt(), 1);
}

TEST_F(StoreTest, UpgradedSchemaEqualsAFreshOne) {
  make_version_1(path("old.db"));
  upgrade_store(path("old.db"));
  { Store store(path("new.db")); }
  const auto schema = [](const std::string& file) {
    SQLite::Database db(file);
    SQLite::Statement row(db, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name");
    std::vector<std::string> sql;
    while (row.executeStep()) sql.push_back(row.getColumn(0).getString());
    return sql;
  };
  EXPECT_EQ(schema(path("old.db")), schema(path("new.db")));
}

TEST_F(StoreTest, NewerSchemaIsRefusedUntouched) {
  { Store store(path()); }
  {
    SQLite::Database db(path(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = " + std::to_string(store_version() + 1));
  }
  EXPECT_THAT(error_of([&] { Store store(path()); }), HasSubstr("install a newer nas"));
  EXPECT_THAT(error_of([&] { upgrade_store(path()); }), HasSubstr("install a newer nas"));
}

TEST_F(StoreTest, AFailedMigrationChangesNothing) {
  make_version_1(path());
  {
    SQLite::Database db(path(), SQLite::OPEN_READWRITE);
    db.exec("CREATE TABLE documents(x)");  // collides with version 2
  }
  EXPECT_THROW(upgrade_store(path()), DataError);
  SQLite::Database db(path());
  EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), 1);
  EXPECT_EQ(
      db.execAndGet("SELECT count(*) FROM pragma_table_info('runs') WHERE name='pid'").getInt(), 0);
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
