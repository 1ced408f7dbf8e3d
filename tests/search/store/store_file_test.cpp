// The store as a file: what is not one stays untouched, what is damaged or old is told.
#include "search/store/store_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/store/store.hpp"
#include "store_fixture.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using namespace testing_store;

class StoreFileTest : public StoreTest {};

TEST_F(StoreFileTest, ForeignFilesAreRefusedUntouched) {
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

TEST_F(StoreFileTest, DirectoriesMissingFoldersAndMissingFiles) {
  EXPECT_THAT(error_of([&] { Store store(folder_.string()); }), HasSubstr("is a directory"));
  EXPECT_THAT(error_of([&] { Store store(path("no/nas.db")); }), HasSubstr("does not exist"));
  EXPECT_THAT(error_of([&] { Store store(path("absent.db"), Store::Mode::kExisting); }),
              HasSubstr("no results store"));
  EXPECT_FALSE(fs::exists(path("absent.db")));
}

TEST_F(StoreFileTest, TruncatedAndDamagedStoresAreRefusedUntouched) {
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

TEST_F(StoreFileTest, ReadOnlyStoreIsADataError) {
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

TEST_F(StoreFileTest, ReadOnlyStoresCanBeRead) {
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

TEST_F(StoreFileTest, ReadOnlyStoreNeverHidesALogThatWasNotMerged) {
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

TEST_F(StoreFileTest, CheckSaysWhichTableIsDamaged) {
  {
    Store store(path());
    store.add_run(run_row("r"));
    std::vector<MetricRow> rows;
    for (int i = 0; i < 3000; ++i) rows.push_back({i, "loss", i * 0.5});
    store.add_metrics("r", rows);
  }
  EXPECT_TRUE(check_store(path()).empty());
  int64_t root = 0;
  {
    SQLite::Database db(path(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    root = db.execAndGet("SELECT rootpage FROM sqlite_master WHERE name='metrics'").getInt64();
  }
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((root - 1) * 4096);
  file << std::string(4096, '\xa5');
  file.close();
  const std::vector<std::string> problems = check_store(path());
  ASSERT_FALSE(problems.empty());
  EXPECT_THAT(problems, testing::Contains(HasSubstr("table metrics")));
  EXPECT_THAT(problems, testing::Not(testing::Contains(HasSubstr("nas db check"))));
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

TEST_F(StoreFileTest, OlderSchemaIsRefusedThenUpgradedWithABackup) {
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

TEST_F(StoreFileTest, ABusyStoreIsBackedUpWhole) {
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

TEST_F(StoreFileTest, UpgradedSchemaEqualsAFreshOne) {
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

TEST_F(StoreFileTest, NewerSchemaIsRefusedUntouched) {
  { Store store(path()); }
  {
    SQLite::Database db(path(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = " + std::to_string(store_version() + 1));
  }
  EXPECT_THAT(error_of([&] { Store store(path()); }), HasSubstr("install a newer nas"));
  EXPECT_THAT(error_of([&] { upgrade_store(path()); }), HasSubstr("install a newer nas"));
}

TEST_F(StoreFileTest, AFailedMigrationChangesNothing) {
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

}  // namespace
}  // namespace nas
