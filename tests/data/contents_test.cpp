// What the images hold: the hash that tells changed images, and images that lie in two splits.
#include "supernet/data/contents.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tiny_png.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

class ContentsOfFolder : public testing::Test {
 protected:
  ContentsOfFolder()
      : path_(fs::temp_directory_path() / ("nas-contents-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    for (int i = 0; i < 4; ++i) {
      image("train/a/" + std::to_string(i) + ".png", i);
      image("train/b/" + std::to_string(i) + ".png", 50 + i);
      image("test/a/" + std::to_string(i) + ".png", 100 + i);
    }
  }
  ~ContentsOfFolder() override { fs::remove_all(path_); }
  void image(const std::string& name, int grey) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << tiny_png(static_cast<uint8_t>(grey));
  }
  Contents read(int64_t every = 0, int resolution = 0) const {
    DataOptions o;
    o.kind = "imagefolder";
    o.path = path_.string();
    o.resolution = resolution;
    o.validation = 0.25;
    const auto data = open_dataset(o);
    return contents_of(*data, make_splits(*data, o), every);
  }
  std::string hash() const { return read().hash; }
  fs::path path_;
};

TEST_F(ContentsOfFolder, OneChangedByteChangesTheHash) {
  const std::string before = hash();
  EXPECT_EQ(before.size(), 64U);
  EXPECT_EQ(hash(), before);
  // A file of equal size, as all squares of one grey are.
  image("test/a/2.png", 7);
  EXPECT_NE(hash(), before);
  image("test/a/2.png", 102);
  EXPECT_EQ(hash(), before);
}

TEST_F(ContentsOfFolder, PlacesNamesAndHowImagesAreReadChangeNothing) {
  const std::string before = hash();
  EXPECT_EQ(read(0, 16).hash, before);
  fs::rename(path_ / "test", path_ / "Testing");
  fs::rename(path_ / "train/a/3.png", path_ / "train/a/3 (1).png");
  const fs::path other = path_.string() + "-moved";
  fs::rename(path_, other);
  path_ = other;
  EXPECT_EQ(hash(), before);
}

TEST_F(ContentsOfFolder, WhatCannotBeReadCountsAsSuch) {
  const std::string before = hash();
  std::ofstream(path_ / "train/a/1.png", std::ios::binary) << "";
  const std::string empty = hash();
  EXPECT_NE(empty, before);
  EXPECT_EQ(hash(), empty);
}

TEST_F(ContentsOfFolder, OfLargeDataSizesAndEvenlySpacedImagesAreTaken) {
  EXPECT_EQ(content_stride(0), 1);
  EXPECT_EQ(content_stride(uint64_t{256} << 20), 1);
  EXPECT_EQ(content_stride((uint64_t{256} << 20) + 1), 2);
  EXPECT_EQ(content_stride(uint64_t{150} << 30), 600);
  // In order: four of train/a, four of train/b, four of test/a; each third one is read.
  const Contents before = read(3);
  EXPECT_EQ(before.every, 3);
  EXPECT_EQ(before.bytes, 12 * tiny_png(0).size());
  image("train/a/1.png", 200);
  EXPECT_EQ(read(3).hash, before.hash);
  image("train/a/3.png", 200);
  EXPECT_NE(read(3).hash, before.hash);
  image("train/a/3.png", 3);
  std::ofstream(path_ / "train/a/1.png", std::ios::binary | std::ios::app) << "x";
  EXPECT_NE(read(3).hash, before.hash);
}

TEST_F(ContentsOfFolder, ImagesInTwoSplitsAreCountedOnceForEachPair) {
  const auto counts = [](const Contents& c) {
    return std::vector<int64_t>{c.repeated[0].images, c.repeated[1].images, c.repeated[2].images};
  };
  EXPECT_EQ(counts(read()), (std::vector<int64_t>{0, 0, 0}));
  // All of train/b are equal: one of the four is held out for validation.
  for (int i = 0; i < 4; ++i) image("train/b/" + std::to_string(i) + ".png", 60);
  EXPECT_EQ(counts(read()), (std::vector<int64_t>{1, 0, 0}));
  // The same picture twice in test, and once more among those of train and validation.
  image("test/a/0.png", 60);
  image("test/a/1.png", 60);
  const Contents c = read();
  EXPECT_EQ(counts(c), (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(c.repeated[1].second, 8);
  EXPECT_GE(c.repeated[1].first, 4);
  EXPECT_LT(c.repeated[1].first, 8);
}

TEST(Contents, InMemoryAllPixelsCount) {
  DataOptions o;
  o.kind = "synthetic";
  o.synthetic_size = 64;
  const auto contents = [&] {
    const auto data = open_dataset(o);
    return contents_of(*data, make_splits(*data, o));
  };
  const Contents before = contents();
  EXPECT_EQ(before.every, 1);
  EXPECT_EQ(before.bytes, 0U);
  EXPECT_EQ(contents().hash, before.hash);
  o.synthetic_seed = 1;  // The same labels.
  EXPECT_NE(contents().hash, before.hash);
  o.synthetic_seed = 0;
  o.split_seed = 3;
  EXPECT_EQ(contents().hash, before.hash);
}

TEST(Contents, TheDigitsAreThePublishedOnesAndNoneIsRepeated) {
  const DataOptions o;
  const auto data = open_dataset(o);
  const Contents c = contents_of(*data, make_splits(*data, o));
  for (const Contents::Repeated& repeated : c.repeated) EXPECT_EQ(repeated.images, 0);
}

TEST(EqualGroups, AreAscendingAndInTheOrderOfTheirFirst) {
  const auto print = [](int v) { return fingerprint_of(std::span(&v, 1), {}); };
  const std::vector<Fingerprint> prints = {
      print(5), print(1), print(9), print(1), print(5), print(5), print(2)};
  EXPECT_EQ(equal_groups(prints, {0, 1, 2, 3, 4, 5, 6}),
            (std::vector<std::vector<int64_t>>{{0, 4, 5}, {1, 3}}));
  EXPECT_EQ(equal_groups(prints, {5, 3, 0}), (std::vector<std::vector<int64_t>>{{0, 5}}));
}

}  // namespace
}  // namespace nas
