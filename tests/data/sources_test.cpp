// The file formats, on files made here: sound ones, and each kind of damage named in its message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "spaces/error.hpp"
#include "supernet/data/check.hpp"
#include "supernet/data/dataset.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("nas-sources-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

DataOptions options_of(const std::string& path, const std::string& kind = "auto") {
  DataOptions o;
  o.kind = kind;
  o.path = path;
  return o;
}
std::string refusal(const DataOptions& o) {
  try {
    open_source(o);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::string be32(uint32_t v) {
  std::string s;
  for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(v >> shift);
  return s;
}
/// n images of 4x4 whose pixel i is (salt + 7 n + i) mod 256, labels n mod 3.
std::string idx_images(int n, int salt = 0) {
  std::string s = be32(0x803) + be32(static_cast<uint32_t>(n)) + be32(4) + be32(4);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < 16; ++i) s += static_cast<char>(salt + 7 * k + i);
  return s;
}
std::string idx_labels(int n) {
  std::string s = be32(0x801) + be32(static_cast<uint32_t>(n));
  for (int k = 0; k < n; ++k) s += static_cast<char>(k % 3);
  return s;
}
constexpr const char* kTrainImages = "train-images-idx3-ubyte";
constexpr const char* kTrainLabels = "train-labels-idx1-ubyte";
constexpr const char* kTestImages = "t10k-images-idx3-ubyte";
constexpr const char* kTestLabels = "t10k-labels-idx1-ubyte";

TEST(Idx, ReadsAndNamesTheTest) {
  const Folder f;
  f.write(kTrainImages, idx_images(12));
  f.write(kTrainLabels, idx_labels(12));
  f.write(kTestImages, idx_images(3, 200));
  f.write(kTestLabels, idx_labels(3));
  const auto data = open_dataset(options_of(f.path()));
  ASSERT_EQ(data->size(), 15);
  EXPECT_EQ(data->fixed_size(), std::make_pair(4, 4));
  EXPECT_EQ(data->test_indices(), (std::vector<int64_t>{12, 13, 14}));
  Image image;
  data->load(5, image);
  EXPECT_EQ(image.pixels[2], 7 * 5 + 2);
  EXPECT_EQ(data->label(5), 2);
}

TEST(Idx, DamageIsNamed) {
  const Folder f;
  f.write(kTrainImages, idx_images(12));
  f.write(kTrainLabels, idx_labels(11));
  EXPECT_THAT(refusal(options_of(f.path())), HasSubstr("11 labels for the 12 images"));
  f.write(kTrainLabels, idx_labels(12));
  f.write(kTrainImages, idx_images(12).substr(0, 100));
  EXPECT_THAT(refusal(options_of(f.path())), HasSubstr(kTrainImages));
  f.write(kTrainImages, be32(0x803) + be32(0xffffffff) + be32(0xffffffff) + be32(0xffffffff));
  EXPECT_THAT(refusal(options_of(f.path())), HasSubstr(kTrainImages));
  f.write(kTrainImages, be32(0x1234) + idx_images(12).substr(4));
  EXPECT_NE(refusal(options_of(f.path(), "idx")), "");
}

TEST(Idx, FindsImagesOfTheTrainingInTheTest) {
  const Folder f;
  f.write(kTrainImages, idx_images(12));
  f.write(kTrainLabels, idx_labels(12));
  f.write(kTestImages, idx_images(2));
  f.write(kTestLabels, idx_labels(2));
  const auto data = open_source(options_of(f.path()));
  const Splits splits = make_splits(*data, options_of(f.path()));
  const DataCheck check = check_dataset(*data, splits, 2);
  EXPECT_EQ(check.shared[1] + check.shared[2], 2);
  EXPECT_EQ(check.duplicates.size(), 2u);
  EXPECT_TRUE(check.unreadable.empty());
  int64_t images = 0;
  for (const auto& per_split : check.classes)
    for (const int64_t n : per_split) images += n;
  EXPECT_EQ(images, 14);
  EXPECT_EQ((check.sizes.at({1, 4, 4})), 14);
}

TEST(Gzip, TruncatedIsNamed) {
  // The digits are a gzip file that ships.
  std::ifstream in(std::string(NAS_SOURCE_DIR) + "/configs/digits/digits.csv.gz", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const Folder f;
  f.write(std::string(kTrainImages) + ".gz", bytes.substr(0, bytes.size() / 2));
  f.write(kTrainLabels, idx_labels(12));
  EXPECT_THAT(refusal(options_of(f.path(), "idx")), HasSubstr(".gz"));
}

std::string cifar100(const std::vector<std::pair<int, int>>& labels) {
  std::string s;
  for (const auto& [coarse, fine] : labels) {
    s += static_cast<char>(coarse);
    s += static_cast<char>(fine);
    for (int i = 0; i < 3072; ++i) s += static_cast<char>(fine + i);
  }
  return s;
}

TEST(Cifar100, BothKindsOfLabels) {
  const Folder f;
  f.write("train.bin", cifar100({{4, 0}, {1, 1}, {19, 99}}));
  f.write("test.bin", cifar100({{7, 42}}));
  DataOptions o = options_of(f.path());
  const auto fine = open_source(o);
  ASSERT_EQ(fine->size(), 4);
  EXPECT_EQ(fine->class_names().size(), 100u);
  EXPECT_EQ(fine->label(2), 99);
  EXPECT_EQ(fine->label(3), 42);
  EXPECT_EQ(fine->test_indices(), std::vector<int64_t>{3});
  o.labels = "coarse";
  const auto coarse = open_source(o);
  EXPECT_EQ(coarse->class_names().size(), 20u);
  EXPECT_EQ(coarse->label(2), 19);
  EXPECT_EQ(coarse->label(3), 7);

  f.write("train.bin", cifar100({{20, 5}}));
  EXPECT_THAT(refusal(o), HasSubstr("train.bin"));
  f.write("train.bin", cifar100({{1, 100}}));
  o.labels = "fine";
  EXPECT_THAT(refusal(o), HasSubstr("train.bin"));
  f.write("train.bin", cifar100({{1, 2}}) + "abc");
  EXPECT_THAT(refusal(o), HasSubstr("cut short"));
}

/// One ustar member.
std::string member(const std::string& name, const std::string& bytes) {
  std::string h(512, '\0');
  h.replace(0, name.size(), name);
  h.replace(100, 7, "0000644");
  char size[13];
  std::snprintf(size, sizeof size, "%011o", static_cast<unsigned>(bytes.size()));
  h.replace(124, 11, size);
  h[156] = '0';
  h.replace(257, 5, "ustar");
  h.replace(263, 2, "00");
  h.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : h) sum += static_cast<unsigned char>(c);
  char check[8];
  std::snprintf(check, sizeof check, "%06o", sum);
  h.replace(148, 6, check, 6);
  h[154] = '\0';
  return h + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}
const std::string kEnd(1024, '\0');

TEST(WebDataset, DamageIsNamed) {
  const Folder f;
  const std::string good = member("00000.png", "not a picture") + member("00000.cls", "1");
  f.write("a-000000.tar", good + kEnd);
  const auto data = open_source(options_of(f.path(), "webdataset"));
  ASSERT_EQ(data->size(), 1);
  Image image;
  try {
    data->load(0, image);
    ADD_FAILURE() << "a text was read as a picture";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("00000.png"));
  }
  const auto said = [&](const std::string& shard) {
    f.write("a-000000.tar", shard);
    return refusal(options_of(f.path(), "webdataset"));
  };
  EXPECT_THAT(said(good + member("00001.png", "x") + kEnd), HasSubstr("00001.png"));
  EXPECT_THAT(said(good), HasSubstr("cut short"));
  EXPECT_THAT(said(good.substr(0, 700)), HasSubstr("a-000000.tar"));
  std::string damaged = good + kEnd;
  damaged[1024 + 3] = 'X';  // In the name of the second member.
  EXPECT_THAT(said(damaged), HasSubstr("checksum"));
}

}  // namespace
}  // namespace nas
