// Memory limits of control groups, on trees made here.
#include "hardware/usable_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace nas {
namespace {

namespace fs = std::filesystem;

class Tree {
 public:
  Tree() : path_(fs::temp_directory_path() / ("nas-cgroup-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Tree() { fs::remove_all(path_); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text << "\n";
  }
  std::optional<double> limit(const std::string& groups) const {
    return memory_limit_bytes(groups, path_.string());
  }

 private:
  fs::path path_;
};

TEST(UsableMemory, SmallestLimitOnTheWayUpInVersion2) {
  const Tree tree;
  tree.write("a/memory.max", "3000000");
  tree.write("a/b/memory.max", "max");
  tree.write("a/b/c/memory.max", "5000000");
  EXPECT_EQ(tree.limit("0::/a/b/c\n"), 3000000);
  EXPECT_EQ(tree.limit("0::/a/b\n"), 3000000);
  EXPECT_EQ(tree.limit("0::/elsewhere\n"), std::nullopt);
}

TEST(UsableMemory, AContainerSeesItsGroupAsTheRoot) {
  const Tree tree;
  tree.write("memory.max", "4096000");
  EXPECT_EQ(tree.limit("0::/docker/abcdef\n"), 4096000);
  EXPECT_EQ(tree.limit("0::/\n"), 4096000);
}

TEST(UsableMemory, Version1) {
  const Tree tree;
  tree.write("memory/memory.limit_in_bytes", "9223372036854771712");
  tree.write("memory/job/memory.limit_in_bytes", "2048000");
  EXPECT_EQ(tree.limit("5:cpu,cpuacct:/job\n4:memory:/job\n"), 2048000);
  EXPECT_EQ(tree.limit("4:memory:/\n"), std::nullopt);
  EXPECT_EQ(tree.limit("4:hugetlb:/job\n"), std::nullopt);
}

TEST(UsableMemory, IsPositiveHere) {
  EXPECT_GT(usable_memory_bytes(), 1e6);
}

}  // namespace
}  // namespace nas
