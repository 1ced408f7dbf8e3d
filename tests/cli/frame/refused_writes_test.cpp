// Disks that are full, folders that cannot be written, memory that is short, names that are not
// UTF-8, pipes: one sentence and an exit code, never an abort and never half a file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// `ulimit` of programs started while it lives.
class Limit {
 public:
  Limit(int what, rlim_t value) : what_(what) {
    getrlimit(static_cast<__rlimit_resource>(what), &before_);
    const rlimit lower{value, before_.rlim_max};
    setrlimit(static_cast<__rlimit_resource>(what), &lower);
  }
  ~Limit() { setrlimit(static_cast<__rlimit_resource>(what_), &before_); }

 private:
  int what_;
  rlimit before_{};
};

class RefusedWrites : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new std::string(fresh_folder());
    write_file(*folder_ + "/train.yaml",
               "space: digits\ndata: {kind: digits, limit: 200}\nthreads: 1\nstrategy: uniform\n"
               "train: {epochs: 1, batch: 64, validation: {every: 0}}\n"
               "evaluate: {images: 50, recalibrate: {images: 64}}\n");
    const Finished done = nas(*folder_, {"train", "-q", "--config", "train.yaml"});
    ASSERT_EQ(done.code, 0) << done.err;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static void expect_sentence(const Finished& done, const std::string& part) {
    EXPECT_EQ(done.code, 1) << done.err;
    EXPECT_THAT(done.err, HasSubstr("error: "));
    EXPECT_THAT(done.err, HasSubstr(part));
    for (const char* never : {"unexpected", "terminate", "frame #", "filesystem error"})
      EXPECT_THAT(done.err, Not(HasSubstr(never)));
  }
  static bool empty(const std::string& folder) {
    return !fs::exists(folder) || fs::is_empty(folder);
  }
  static std::string* folder_;
};
std::string* RefusedWrites::folder_ = nullptr;

// A store is no file that --out replaces.
TEST_F(RefusedWrites, AStoreIsNeverReplaced) {
  const std::string store = *folder_ + "/nas.db";
  const auto size = fs::file_size(store);
  for (std::vector<std::string> args :
       {std::vector<std::string>{"report", "last", "--out", "nas.db"},
        {"runs", "show", "last", "--format", "json", "--out", "nas.db"},
        {"space", "show", "digits", "--format", "dot", "--arch", "#0", "--out", "nas.db"}}) {
    const Finished done = nas(*folder_, args);
    EXPECT_EQ(done.code, 1) << done.out;
    EXPECT_THAT(done.err, HasSubstr("nas.db: is a results store"));
  }
  EXPECT_EQ(fs::file_size(store), size);
  EXPECT_EQ(nas(*folder_, {"runs"}).code, 0);
}

TEST_F(RefusedWrites, ExportUnderAFileSizeLimitLeavesNothing) {
  const std::string out = *folder_ + "/limited";
  Finished done;
  {
    const Limit limit(RLIMIT_FSIZE, 40'000);
    done = nas(*folder_,
               {"export",
                "--arch",
                "24-conv5-conv5/48-conv5-conv5",
                "--out",
                out,
                "--format",
                "safetensors"});
  }
  expect_sentence(done, "model.safetensors: cannot be written: ");
  EXPECT_THAT(done.err, HasSubstr("ulimit -f"));
  EXPECT_TRUE(empty(out));
  {
    const Limit limit(RLIMIT_FSIZE, 40'000);
    done = nas(*folder_,
               {"export",
                "--arch",
                "24-conv5-conv5/48-conv5-conv5",
                "--out",
                out,
                "--format",
                "torchscript"});
  }
  expect_sentence(done, "model.ts: cannot be written: ");
  EXPECT_TRUE(empty(out));
}

TEST_F(RefusedWrites, ATrainingThatCannotSaveFailsWithASentenceAndCanGoOn) {
  const std::string folder = fresh_folder();
  fs::copy(*folder_ + "/train.yaml", folder + "/train.yaml");
  ASSERT_EQ(nas(folder, {"space", "count", "digits"}).code, 0);
  Finished done;
  {
    const Limit limit(RLIMIT_FSIZE, 120'000);
    done = nas(folder, {"train", "--config", "train.yaml", "--name", "net"});
  }
  expect_sentence(done, "ulimit -f");
  for (const auto& entry : fs::recursive_directory_iterator(folder + "/nas-runs"))
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("checkpoint"))) << entry.path();
  EXPECT_EQ(nas(folder, {"db", "check"}).code, 0);
  const Finished again = nas(folder, {"train", "--resume", "net", "-q"});
  EXPECT_EQ(again.code, 0) << again.err;
}

TEST_F(RefusedWrites, EveryOtherFileOnAFullDisk) {
  write_file(*folder_ + "/truth.csv",
             "architecture,value\n12-conv3/16-conv3,1\n12-sep3/16-conv3,2\n24-conv3/16-conv3,3\n"
             "24-sep3/48-conv3,4\n");
  const Finished table =
      nas(*folder_, {"rank", "--space", "digits", "--truth", "truth.csv", "--table", "/dev/full"});
  expect_sentence(table, "/dev/full: cannot be written: the disk is full");
  const Finished drawing = nas(*folder_,
                               {"space",
                                "show",
                                "digits",
                                "--arch",
                                "12-conv3/16-conv3",
                                "--format",
                                "text",
                                "--out",
                                "/dev/full"});
  expect_sentence(drawing, "/dev/full: cannot be written: the disk is full");
  const Finished measured =
      nas(*folder_, {"measure", "--space", "digits", "--repeats", "1", "-q", "--out", "/dev/full"});
  expect_sentence(measured, "/dev/full: cannot be written: the disk is full");
}

TEST_F(RefusedWrites, FoldersThatCannotBe) {
  write_file(*folder_ + "/file", "x");
  expect_sentence(nas(*folder_, {"export", "--arch", "12-conv3/16-conv3", "--out", "file/below"}),
                  "file/below: the folder cannot be made");
  const std::string folder = fresh_folder();
  fs::copy(*folder_ + "/train.yaml", folder + "/train.yaml");
  write_file(folder + "/nas-runs", "in the way");
  expect_sentence(nas(folder, {"train", "-q", "--config", "train.yaml"}), "nas-runs");
  const Finished nothing = nas(folder, {"runs", "--db", ""});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--db"));
  EXPECT_THAT(nothing.err, Not(HasSubstr("unexpected")));
}

TEST_F(RefusedWrites, NamesThatAreNotUtf8AreRefusedAtTheStart) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"data", "check", "ordn\xe4r"},
        {"train", "--config", "train.yaml", "--name", "caf\xe9"},
        {"export", "--arch", "12-conv3/16-conv3", "--out", "ordn\xe4r"}}) {
    const Finished done = nas(*folder_, args);
    EXPECT_EQ(done.code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr("is not UTF-8"));
    EXPECT_THAT(done.err, HasSubstr("\\xe"));
  }
}

TEST_F(RefusedWrites, NamesThatMislead) {
  for (const char* name : {"a\u00a0", "new-*", "LAST", "a\u202eb", "a\tb"}) {
    const Finished done = nas(*folder_, {"train", "--config", "train.yaml", "--name", name});
    EXPECT_EQ(done.code, 2) << name;
    EXPECT_THAT(done.err, HasSubstr("--name"));
    EXPECT_THAT(done.err, Not(HasSubstr("\u202e")));
  }
}

TEST_F(RefusedWrites, AFolderWhoseNameIsNotUtf8CanBeWorkedIn) {
  const std::string folder = fresh_folder() + "/caf\xe9";
  fs::create_directory(folder);
  fs::copy(*folder_ + "/train.yaml", folder + "/train.yaml");
  const Finished trained = nas(folder, {"train", "--config", "train.yaml", "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_TRUE(Json::accept(trained.out));
  const Finished exported = nas(folder, {"export", "--arch", "12-conv3/16-conv3", "--json"});
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_EQ(nas(folder, {"runs", "show", "last", "--json"}).code, 0);
}

TEST_F(RefusedWrites, APipeAsConfigurationIsReadOnce) {
  const std::string pipe = *folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto fed = [&](const std::vector<std::string>& args) {
    std::thread writer([&] {
      std::ofstream to(pipe);
      to << std::ifstream(*folder_ + "/train.yaml").rdbuf();
    });
    const Finished done = nas(*folder_, args);
    writer.join();
    return done;
  };
  const Finished checked = fed({"config", "check", "pipe"});
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("ok (train)"));
  const Finished trained = fed({"train", "-q", "--config", "pipe", "--dry-run"});
  EXPECT_EQ(trained.code, 0) << trained.err;
  // Nobody writes: the first signal ends it.
  Launch launch;
  launch.args = {"config", "check", "pipe"};
  launch.folder = *folder_;
  launch.signal = SIGTERM;
  launch.signal_after = 0.5 + 2 * torch_startup();
  const Finished ended = run(launch);
  EXPECT_EQ(ended.code, 130);
  EXPECT_LT(ended.seconds, launch.signal_after + 2);
}

TEST_F(RefusedWrites, ThreadsBeyondReasonAreRefused) {
  const Finished done =
      nas(*folder_, {"train", "--config", "train.yaml", "--set", "threads=4096", "--dry-run"});
  if (std::thread::hardware_concurrency() >= 1024) GTEST_SKIP();
  EXPECT_EQ(done.code, 2) << done.out;
  EXPECT_THAT(done.err, HasSubstr("4096 compute threads"));
}

}  // namespace
}  // namespace nas::test
