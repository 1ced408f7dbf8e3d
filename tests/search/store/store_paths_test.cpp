// A results folder that is moved, copied or deleted under a running process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "search/store/store_file.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class StorePaths : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "nas-paths-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    fs::create_directories(folder_ / "one");
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string db(const std::string& where) const { return (folder_ / where / "nas.db").string(); }
  static RunRow row(const std::string& directory) {
    RunRow run;
    run.id = "t-1";
    run.command = "train";
    run.status = "running";
    run.space = "toy";
    run.fingerprint = "f00d";
    run.directory = directory;
    return run;
  }
  /// A run with one checkpoint in one/nas-runs/t-1.
  std::string fill(bool as_before) {
    const fs::path own = folder_ / "one/nas-runs/t-1";
    fs::create_directories(own);
    std::ofstream(own / "checkpoint-7.safetensors") << "x";
    Store store(db("one"));
    store.add_run(row(own.string()));
    store.add_checkpoint({"t-1", (own / "checkpoint-7.safetensors").string(), "hash", 1, 7, ""});
    store.add_export({"t-1", "a", "json", (own / "exports/x/model.json").string(), "h", "{}", ""});
    store.add_export({"t-1", "a", "json", (folder_ / "mine/model.json").string(), "h", "{}", ""});
    if (as_before) {
      SQLite::Database raw(db("one"), SQLite::OPEN_READWRITE);
      raw.exec("UPDATE runs SET directory='" + own.string() + "'");
      raw.exec("UPDATE checkpoints SET path='" + (own / "checkpoint-7.safetensors").string() + "'");
    }
    return own.string();
  }
  fs::path folder_;
};

TEST_F(StorePaths, ACopyHasItsOwnFiles) {
  for (const bool as_before : {false, true}) {
    fs::remove_all(folder_ / "one");
    fs::remove_all(folder_ / "two");
    fs::create_directories(folder_ / "one");
    const std::string own = fill(as_before);
    EXPECT_EQ(Store(db("one")).run("t-1")->directory, own);
    EXPECT_EQ(Store(db("one")).checkpoints("t-1").at(0).path, own + "/checkpoint-7.safetensors");
    fs::copy(folder_ / "one", folder_ / "two", fs::copy_options::recursive);
    const Store copy(db("two"));
    const std::string copied = (folder_ / "two/nas-runs/t-1").string();
    const auto run = copy.run("t-1");
    EXPECT_EQ(run->directory, copied);
    EXPECT_EQ(copy.runs().at(0).directory, copied);
    EXPECT_TRUE(copy.owns(*run));
    EXPECT_EQ(copy.checkpoints("t-1").at(0).path, copied + "/checkpoint-7.safetensors");
    EXPECT_EQ(copy.exports("t-1").at(0).path, copied + "/exports/x/model.json");
    // Where the user wanted it.
    EXPECT_EQ(copy.exports("t-1").at(1).path, (folder_ / "mine/model.json").string());
  }
}

TEST_F(StorePaths, WithoutItsFolderACopyOfAnOldStoreReadsTheOriginalButDoesNotOwnIt) {
  const std::string own = fill(true);
  fs::create_directories(folder_ / "two");
  fs::copy(db("one"), db("two"));
  const Store copy(db("two"));
  EXPECT_EQ(copy.run("t-1")->directory, own);
  EXPECT_FALSE(copy.owns(*copy.run("t-1")));
  EXPECT_EQ(copy.folder_of("t-1"), (folder_ / "two/nas-runs/t-1").string());
}

TEST_F(StorePaths, ASymbolicLinkIsTheSameStore) {
  const std::string own = fill(false);
  fs::create_directory_symlink(folder_ / "one", folder_ / "link");
  EXPECT_EQ(Store(db("link")).run("t-1")->directory, own);
}

TEST_F(StorePaths, AStoreThatIsGoneIsToldAtTheNextWrite) {
  fill(false);
  Store store(db("one"));
  store.heartbeat("t-1");
  fs::rename(db("one"), db("one") + ".moved");
  const auto error = [&] {
    try {
      store.heartbeat("t-1");
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(error(), HasSubstr("deleted, moved or replaced"));
  { const Store another(db("one")); }
  EXPECT_THAT(error(), HasSubstr("deleted, moved or replaced"));
  EXPECT_TRUE(Store(db("one")).runs().empty());
}

TEST_F(StorePaths, TheLockOfTheFolderSaysWhetherAProcessWorksHere) {
  fill(false);
  Store store(db("one"));
  {
    // Another process of this machine: our parent, which lives.
    SQLite::Database raw(db("one"), SQLite::OPEN_READWRITE);
    raw.exec("UPDATE runs SET pid_start=0, pid=" + std::to_string(getppid()));
  }
  EXPECT_THROW(store.claim_run("t-1"), ConfigError);
  store.claim_run("t-1", /*folder_is_ours=*/true);
  EXPECT_EQ(store.run("t-1")->pid, getpid());
}

}  // namespace
}  // namespace nas
