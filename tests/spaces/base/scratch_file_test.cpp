#include "spaces/base/scratch_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "spaces/error.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

class ScratchFiles : public testing::Test {
 protected:
  ScratchFiles() : folder_(fs::path(testing::TempDir()) / ("scratch" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~ScratchFiles() override { fs::remove_all(folder_); }

  std::string write(const std::string& name) const {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << name;
    return path;
  }

  fs::path folder_;
};

TEST_F(ScratchFiles, AreRemovedWithTheirObjectUnlessKept) {
  const std::string gone = write("gone"), made = write("made"), kept = (folder_ / "kept").string();
  {
    const ScratchFile a(gone);
    ScratchFile b(made);
    b.keep_as(kept);
  }
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_FALSE(fs::exists(made));
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(ScratchFiles, ANameThatCannotBeIsAnErrorAndTheFileGoes) {
  const std::string made = write("made");
  {
    ScratchFile file(made);
    EXPECT_THROW(file.keep_as((folder_ / "no" / "such").string()), DataError);
  }
  EXPECT_FALSE(fs::exists(made));
}

TEST_F(ScratchFiles, AProcessThatASignalEndsLeavesNone) {
  const std::string here = write("here"), kept = (folder_ / "kept").string();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGINT, [](int) {
      remove_scratch_files();
      _exit(130);
    });
    const ScratchFile a(here);
    ScratchFile b(write("made"));
    b.keep_as(kept);
    raise(SIGINT);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_FALSE(fs::exists(here));
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(ScratchFiles, MoreThanAHandlerKnowsAreRemovedByTheirObjects) {
  std::vector<std::string> names;
  {
    std::vector<std::unique_ptr<ScratchFile>> many;
    for (int i = 0; i < 100; ++i) {
      names.push_back(write(std::to_string(i)));
      many.push_back(std::make_unique<ScratchFile>(names.back()));
    }
  }
  for (const std::string& name : names) EXPECT_FALSE(fs::exists(name)) << name;
}

}  // namespace
}  // namespace nas
