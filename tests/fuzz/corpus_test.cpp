// Replays the corpora of the fuzzers, with every crasher found so far, in the normal suite.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/latency_readers.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/fuzz/table_reader.hpp"

namespace nas {
namespace {

template <typename Reader>
int replay(const std::string& folder, Reader reader) {
  int files = 0;
  const std::string path = std::string(NAS_SOURCE_DIR) + "/tests/fuzz/corpus/" + folder;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_NO_THROW(reader(text.str()));
    ++files;
  }
  return files;
}

TEST(FuzzCorpus, Spaces) {
  EXPECT_GE(replay("space", fuzz::read_space), 20);
}

TEST(FuzzCorpus, Architectures) {
  EXPECT_GE(replay("architecture", fuzz::read_architecture), 20);
}

TEST(FuzzCorpus, CompactTables) {
  EXPECT_GE(replay("table", fuzz::read_table), 20);
}

TEST(FuzzCorpus, LatencyTables) {
  EXPECT_GE(replay("latency", fuzz::read_latency), 20);
}

}  // namespace
}  // namespace nas
