// `nas db check`: damage is named by its table, and what is no damage is not taken for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "search/store/store.hpp"
#include "search/store/store_file.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr size_t kPage = 4096;

class StoreCheck : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/nas-check-XXXXXX";
    folder_ = mkdtemp(name);
    Store store(path());
    RunRow run;
    run.id = "r";
    run.command = "search";
    run.status = "finished";
    store.add_run(run);
    // Long names make pages of few rows, so that the tree has three levels.
    std::vector<MetricRow> rows;
    for (int i = 0; i < 5000; ++i) rows.push_back({i, std::string(100, 'n'), i * 0.5});
    store.add_metrics("r", rows);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name = "nas.db") const { return (folder_ / name).string(); }
  /// All is in the file, nothing in the log.
  void merge() const {
    SQLite::Database db(path(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  int64_t root_of(const std::string& tree) const {
    SQLite::Database db(path(), SQLite::OPEN_READONLY);
    SQLite::Statement row(db, "SELECT rootpage FROM sqlite_master WHERE name=?");
    row.bind(1, tree);
    return row.executeStep() ? row.getColumn(0).getInt64() : 0;
  }
  std::string bytes() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// What the check says of a copy in which one page is rubbish.
  std::vector<std::string> problems_without(std::string whole, size_t page) const {
    whole.replace((page - 1) * kPage, kPage, std::string(kPage, '\xa5'));
    std::ofstream(path("bad.db"), std::ios::binary | std::ios::trunc) << whole;
    return check_store(path("bad.db"));
  }
  /// Runs `f` in a process whose files cannot grow; its value is the exit code.
  template <typename F>
  static int with_full_disk(F&& f) {
    const pid_t pid = fork();
    if (pid == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit none{0, 0};
      setrlimit(RLIMIT_FSIZE, &none);
      _exit(f());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  fs::path folder_;
};

TEST_F(StoreCheck, ASoundStoreHasNoProblems) {
  EXPECT_THAT(check_store(path()), IsEmpty());
  merge();
  EXPECT_THAT(check_store(path()), IsEmpty());
}

TEST_F(StoreCheck, SaysWhichTableIsDamaged) {
  merge();
  const std::vector<std::string> problems =
      problems_without(bytes(), static_cast<size_t>(root_of("metrics")));
  EXPECT_THAT(problems, Contains(HasSubstr("table metrics")));
  EXPECT_THAT(problems, Not(Contains(HasSubstr("nas db check"))));
}

// Pages between the root and the leaves, of the table or of its index: nothing but `metrics` is
// large enough to have any.
TEST_F(StoreCheck, InnerPagesAreNamedByTheirTable) {
  merge();
  const std::string whole = bytes();
  const auto root = static_cast<size_t>(root_of("metrics"));
  constexpr char kInnerIndex = 2, kInnerTable = 5;
  size_t tried = 0;
  for (size_t page = 2; page * kPage <= whole.size(); ++page) {
    const char kind = whole[(page - 1) * kPage];
    if (page == root || (kind != kInnerIndex && kind != kInnerTable)) continue;
    ++tried;
    const std::vector<std::string> problems = problems_without(whole, page);
    ASSERT_FALSE(problems.empty()) << page;
    EXPECT_LT(problems.size(), 60U);
    for (const std::string& problem : problems)
      EXPECT_TRUE(problem.find("metrics") != std::string::npos ||
                  problem.find("cannot be checked") != std::string::npos ||
                  problem.ends_with("belong to nothing any more"))
          << "page " << page << ": " << problem;
    EXPECT_THAT(problems, Contains(HasSubstr("metrics"))) << page;
  }
  EXPECT_GT(tried, 1U);
}

TEST_F(StoreCheck, AFullDiskIsNoDamage) {
  merge();
  fs::remove(path() + "-wal");
  fs::remove(path() + "-shm");
  EXPECT_EQ(with_full_disk([&] { return check_store(path()).empty() ? 7 : 8; }), 7);
}

TEST_F(StoreCheck, AFullDiskLeavesNoEmptyStore) {
  const int code = with_full_disk([&] {
    try {
      Store store(path("new.db"));
      return 8;
    } catch (const DataError& e) {
      // One sentence, once.
      const std::string what = e.what();
      return what.find("full") == what.rfind("full") ? 7 : 9;
    }
  });
  EXPECT_EQ(code, 7);
  EXPECT_FALSE(fs::exists(path("new.db")));
}

// The log of a process that was killed cannot be read without a file beside it.
TEST_F(StoreCheck, WhatTheDiskHindersIsAnErrorAndNotAProblem) {
  const pid_t writer = fork();
  if (writer == 0) {
    Store store(path());
    store.set_document("r", "front", "{}");
    _exit(0);
  }
  waitpid(writer, nullptr, 0);
  ASSERT_GT(fs::file_size(path() + "-wal"), 0U);
  fs::remove(path() + "-shm");
  const int code = with_full_disk([&] {
    try {
      return check_store(path()).empty() ? 7 : 9;
    } catch (const DataError& e) {
      return std::string(e.what()).find("damage") == std::string::npos ? 7 : 8;
    }
  });
  EXPECT_EQ(code, 7);
}

}  // namespace
}  // namespace nas
