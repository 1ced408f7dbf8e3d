// Files are whole or absent, and leftovers of killed writers go, those of living ones never.
#include "spaces/base/whole_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WholeFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "nas-whole-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_))
      found.insert(entry.path().filename().string());
    return found;
  }
  static std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string error_of(const std::function<void()>& f) {
    try {
      f();
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  }
  /// A process number that is not in use.
  static pid_t dead_pid() {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    return child;
  }
  fs::path folder_;
};

TEST_F(WholeFileTest, ReplacesTheOldContentAtTheEndOnly) {
  write_whole_file(path("a"), "old");
  {
    WholeFile file(path("a"));
    file.write("half");
    EXPECT_EQ(content(path("a")), "old");
  }
  EXPECT_EQ(content(path("a")), "old");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
  write_whole_file(path("a"), "new");
  EXPECT_EQ(content(path("a")), "new");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(WholeFileTest, SaysWhichFileAndWhy) {
  EXPECT_THAT(error_of([&] { write_whole_file(path("none/a"), "x"); }),
              testing::AllOf(HasSubstr("none/a"), HasSubstr("No such file or directory")));
  EXPECT_THAT(error_of([&] { write_whole_file(folder_.string(), "x"); }), HasSubstr("is a folder"));
  EXPECT_THAT(error_of([&] { write_whole_file("/dev/full", "x"); }),
              testing::AllOf(HasSubstr("/dev/full"), HasSubstr("disk is full")));
  write_whole_file("/dev/null", "x");
  std::ofstream(path("file")) << "x";
  EXPECT_THAT(error_of([&] { make_folders(path("file/folder")); }), HasSubstr("file/folder"));
}

TEST_F(WholeFileTest, AFileSizeLimitLeavesNothing) {
  write_whole_file(path("a"), "old");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string told = error_of([&] { write_whole_file(path("a"), std::string(5000, 'x')); });
    _exit(told.find("ulimit -f") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(content(path("a")), "old");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(WholeFileTest, LinksAndPermissionsStay) {
  fs::create_directory(path("real"));
  write_whole_file(path("real/a"), "old");
  fs::permissions(path("real/a"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("real/a", path("link"));
  write_whole_file(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(content(path("real/a")), "new");
  EXPECT_EQ(fs::status(path("real/a")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(WholeFileTest, LeftoversOfTheDeadGoAndThoseOfTheLivingStay) {
  const std::string dead = std::to_string(dead_pid()), living = std::to_string(getppid());
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  for (const std::string& name : {"a.tmp" + dead,
                                  "b.tmp" + dead + "-" + host,
                                  "c.tmp" + living,
                                  "d.tmp" + living + "-" + host,
                                  "e.tmp" + dead + "-another-machine",
                                  std::string("notes.tmp"),
                                  std::string("x.tmpl"),
                                  std::string("checkpoint-000000000001.safetensors")})
    std::ofstream(path(name)) << "x";
  EXPECT_EQ(remove_stale_temporaries(folder_.string()), 2);
  EXPECT_EQ(names(),
            (std::set<std::string>{"c.tmp" + living,
                                   "d.tmp" + living + "-" + host,
                                   "e.tmp" + dead + "-another-machine",
                                   "notes.tmp",
                                   "x.tmpl",
                                   "checkpoint-000000000001.safetensors"}));
}

TEST_F(WholeFileTest, AWriterThatIsKilledIsCleanedUpByTheNext) {
  const pid_t child = fork();
  if (child == 0) {
    WholeFile file(path("a"));
    file.write("half");
    raise(SIGKILL);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(names().size(), 1u);
  write_whole_file(path("a"), "new");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST(IsUtf8, KnowsWhatJsonCanHold) {
  for (const char* good : {"", "plain", "ordn\xc3\xa4r", "\xe7\xbd\x91", "\xf0\x9f\x99\x82"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"caf\xe9", "\xc3", "\xed\xa0\x80", "\xff", "a\x80z"})
    EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace nas
