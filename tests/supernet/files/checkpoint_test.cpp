// Broken checkpoints are refused with the file's name and the reason, and stay as they are.
#include "supernet/files/checkpoint.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "supernet/train/trainer.hpp"
#include "support.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

class CheckpointFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "nas-checkpoint-" + std::to_string(getpid());
    fs::create_directories(folder_);
    path_ = checkpoint_path(folder_, 7);
    Checkpoint c;
    c.tensors["model/w"] = at::arange(12, at::kFloat).view({3, 4});
    c.text["position"] = "{}";
    write_checkpoint(path_, c);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Reading `broken` fails naming the file and does not touch it.
  void expect_refused(const std::string& broken, const std::string& what) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << broken;
    try {
      read_checkpoint(path_);
      ADD_FAILURE() << "accepted: " << what;
    } catch (const DataError& e) {
      EXPECT_NE(std::string(e.what()).find(path_), std::string::npos) << e.what();
    }
    EXPECT_EQ(bytes(path_), broken) << what;
  }

  std::string folder_, path_;
};

TEST_F(CheckpointFile, RoundTripsAndLeavesNoTemporaryFile) {
  const Checkpoint c = read_checkpoint(path_);
  EXPECT_TRUE(at::equal(c.tensors.at("model/w"), at::arange(12, at::kFloat).view({3, 4})));
  EXPECT_EQ(c.at("position"), "{}");
  EXPECT_THROW(c.at("nothing"), DataError);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(CheckpointFile, RefusesEveryTruncation) {
  const std::string whole = bytes(path_);
  for (size_t n = 0; n < whole.size(); n += 5)
    expect_refused(whole.substr(0, n), "cut to " + std::to_string(n));
  expect_refused(whole + "x", "one byte more");
}

TEST_F(CheckpointFile, RefusesEveryFlippedByteOfTheData) {
  const std::string whole = bytes(path_);
  for (size_t back = 1; back <= 48; ++back) {
    std::string broken = whole;
    broken[broken.size() - back] = static_cast<char>(broken[broken.size() - back] ^ 0x10);
    expect_refused(broken, "byte " + std::to_string(back) + " from the end");
  }
}

TEST_F(CheckpointFile, RefusesOtherFiles) {
  expect_refused("", "empty");
  expect_refused("space: digits\ntrain: {epochs: 3}\n", "a configuration");
  expect_refused(std::string(4096, '\xff'), "all ones");
  EXPECT_THROW(read_checkpoint(folder_ + "/missing"), DataError);
}

TEST_F(CheckpointFile, WeightsOfAnotherSpaceAreRefusedAndChangeNoOtherFile) {
  const auto store = make_shared_set(*load_space("digits"), 1);
  const std::string before = bytes(path_);
  try {
    load_model(*store, read_checkpoint(path_), path_);
    FAIL() << "accepted";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find(path_), std::string::npos) << e.what();
  }
  EXPECT_EQ(bytes(path_), before);
}

TEST_F(CheckpointFile, NewestComesFirst) {
  for (const int64_t step : {5, 100, 20}) write_checkpoint(checkpoint_path(folder_, step), {});
  std::ofstream(folder_ + "/checkpoint-000000000999.safetensors.tmp12") << "half";
  const std::vector<std::string> files = checkpoints_in(folder_);
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files.front(), checkpoint_path(folder_, 100));
  EXPECT_EQ(files.back(), checkpoint_path(folder_, 5));
}

}  // namespace
}  // namespace nas
