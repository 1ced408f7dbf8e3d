// The file formats, on files made here: sound ones, and each kind of damage named in its message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "spaces/error.hpp"
#include "supernet/data/check.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/sources/sources.hpp"
#include "tiny_png.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
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

/// What a check collects; the data is what is left.
std::vector<std::string> faults_of(const DataOptions& o, std::unique_ptr<Dataset>* data = nullptr) {
  Faults faults(/*collect=*/true);
  auto opened = open_source(o, faults);
  if (data) *data = std::move(opened);
  return faults.found();
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

TEST(WebDataset, ACheckCollectsEveryMistakeAndTrainingStopsAtTheFirst) {
  const Folder f;
  const auto sample = [](const std::string& key, uint8_t grey, const std::string& label) {
    return member(key + ".png", tiny_png(grey)) + member(key + ".cls", label);
  };
  f.write("a-0.tar",
          sample("s0", 0, "0") + member("none.png", tiny_png(9)) + sample("empty", 1, "") +
              sample("minus", 2, "-1") + sample("huge", 3, "99999999") + sample("s1", 4, "1") +
              member("s1.jpg", "x") + member("alone.cls", "1") + kEnd);
  f.write("a-1.tar", sample("s2", 5, "1") + sample("s3", 6, "cat"));
  const DataOptions o = options_of(f.path());
  std::unique_ptr<Dataset> data;
  EXPECT_THAT(faults_of(o, &data),
              ElementsAre(HasSubstr("a second image for the sample 's1'"),
                          HasSubstr("none.png (at byte 2560): an image without a label"),
                          HasSubstr("empty.cls (at byte 4608): holds no label"),
                          HasSubstr(": label -1; expected 0 to"),
                          HasSubstr(": label 99999999; expected 0 to"),
                          HasSubstr(": a label without an image"),
                          HasSubstr("a-1.tar: at byte 4096: the file ends without an end mark"),
                          HasSubstr("others names (1); this one is 'cat'")));
  ASSERT_EQ(data->size(), 3);
  EXPECT_EQ(data->label(2), 1);
  EXPECT_THAT(data->where(2), HasSubstr("s2.png"));
  EXPECT_THAT(refusal(o), HasSubstr("a second image"));
}

TEST(WebDataset, SplitsThatHoldNothingOrAreNotNamedAreTold) {
  const std::string shard = member("s.png", tiny_png(1)) + member("s.cls", "0") + kEnd;
  {
    const Folder f;
    f.write("train-0.tar", shard);
    f.write("val-0.tar", kEnd);
    EXPECT_THAT(refusal(options_of(f.path())),
                HasSubstr("val-0.tar: holds no images, so it cannot be the validation split"));
  }
  {
    const Folder f;
    f.write("train-0.tar", shard);
    f.write("eval-0.tar", shard);
    EXPECT_THAT(refusal(options_of(f.path())),
                HasSubstr("eval-0.tar: its name tells no split, while others do"));
  }
  {
    const Folder f;
    f.write("train/0.tar", shard);
    f.write("eval/0.tar", shard);
    EXPECT_THAT(refusal(options_of(f.path())),
                HasSubstr("eval: holds shards, but its name is that of no split"));
  }
  {
    const Folder f;
    f.write("train/0.tar", shard);
    std::filesystem::create_directory(f.path() + "/val");
    EXPECT_THAT(refusal(options_of(f.path())),
                HasSubstr("val: holds no .tar files, so it cannot be the validation split"));
  }
  const Folder f;  // Without any split's name all is for training.
  f.write("a.tar", shard);
  f.write("b.tar", shard);
  EXPECT_EQ(open_source(options_of(f.path()))->size(), 2);
}

TEST(WebDataset, PatternsAreFoundWithoutNamingTheKind) {
  const Folder f;
  const auto shard = [](uint8_t grey) {
    return member("s.png", tiny_png(grey)) + member("s.cls", "0") + kEnd;
  };
  for (const int i : {8, 9, 10})
    f.write("train-0" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".tar",
            shard(static_cast<uint8_t>(i)));
  f.write("test-000.tar", shard(0));
  const auto images = [&](const std::string& pattern) {
    const auto data = open_source(options_of(f.path() + "/" + pattern));
    return std::make_pair(data->size(), data->test_indices().size());
  };
  EXPECT_EQ(images("train-{008..010}.tar"), std::make_pair(int64_t{3}, size_t{0}));
  EXPECT_EQ(images("train-*.tar"), std::make_pair(int64_t{3}, size_t{0}));
  EXPECT_EQ(images("train-00?.tar"), std::make_pair(int64_t{2}, size_t{0}));
  EXPECT_EQ(images("*.tar"), std::make_pair(int64_t{4}, size_t{1}));
  EXPECT_EQ(images("{train,test}-0*.tar"), std::make_pair(int64_t{4}, size_t{1}));
}

TEST(WebDataset, PatternsThatMeanNothingAreTold) {
  const Folder f;
  f.write("train-000.tar", member("s.png", tiny_png(1)) + member("s.cls", "0") + kEnd);
  EXPECT_THAT(refusal(options_of(f.path() + "/tra-*.tar")), HasSubstr("no file has such a name"));
  EXPECT_THAT(refusal(options_of(f.path() + "/train-{000..001}.tar")),
              HasSubstr("train-001.tar: No such file"));
  EXPECT_THAT(refusal(options_of(f.path() + "/train-{9..1}.tar")), HasSubstr("does not exist"));
}

TEST(ImageFolder, ACheckCollectsEveryMistakeAndTrainingStopsAtTheFirst) {
  const Folder f;
  f.write("train/a/1.png", tiny_png(1));
  f.write("train/a/2.png", "not a picture");
  f.write("train/b/1.png", tiny_png(2));
  fs::create_directories(f.path() + "/train/empty");
  f.write("test/a/1.png", tiny_png(1));
  f.write("test/zebra/1.png", tiny_png(3));
  const DataOptions o = options_of(f.path());
  EXPECT_THAT(refusal(o), HasSubstr("class 'zebra' is not among those"));
  std::unique_ptr<Dataset> data;
  EXPECT_THAT(faults_of(o, &data),
              ElementsAre(HasSubstr("class 'zebra' is not among those"),
                          HasSubstr("empty: a class without JPEG or PNG files")));
  const DataCheck check = check_dataset(*data, make_splits(*data, o), 2);
  EXPECT_EQ(check.unreadable.size(), 1u);
  EXPECT_EQ(check.duplicates.size(), 1u);
  EXPECT_EQ(check.shared[1] + check.shared[2], 1);
  EXPECT_THAT(check.empty_classes, ElementsAre(2u));
}

TEST(ImageFolder, NamesAreCleanInMessages) {
  const Folder f;
  f.write("a/x\x1b]0;pwned\x07\ny.png", "no");
  const auto data = open_source(options_of(f.path()));
  Image image;
  try {
    data->load(0, image);
    ADD_FAILURE();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("x\\x1b]0;pwned\\x07\\ny.png: neither JPEG nor PNG"));
  }
}

TEST(Idx, ACheckGoesOnWithWhatIsWhole) {
  const Folder f;
  f.write(kTrainImages, idx_images(12).substr(0, 16 + 10 * 16 + 3));
  f.write(kTrainLabels, idx_labels(11));
  f.write(kTestImages, be32(0x1234));
  f.write(kTestLabels, idx_labels(3));
  std::unique_ptr<Dataset> data;
  EXPECT_THAT(faults_of(options_of(f.path()), &data),
              ElementsAre(HasSubstr("it was cut short"),
                          HasSubstr("11 labels for the 10 images"),
                          HasSubstr(kTestImages)));
  ASSERT_EQ(data->size(), 10);
  EXPECT_EQ(data->label(9), 0);
  Image image;
  data->load(9, image);
  EXPECT_EQ(image.pixels[1], 7 * 9 + 1);
}

TEST(Cifar100, BothLabelsOfARecordAreChecked) {
  const Folder f;
  f.write("train.bin", cifar100({{4, 0}, {20, 1}, {19, 100}, {3, 7}}) + "abc");
  for (const char* labels : {"fine", "coarse"}) {
    DataOptions o = options_of(f.path());
    o.labels = labels;
    EXPECT_THAT(refusal(o), HasSubstr("cut short")) << labels;
    std::unique_ptr<Dataset> data;
    EXPECT_THAT(faults_of(o, &data),
                ElementsAre(HasSubstr("cut short"),
                            HasSubstr("at byte 3074: record 1: label 20 (byte 0 of the record)"),
                            HasSubstr("record 2: label 100 (byte 1 of the record)")));
    ASSERT_EQ(data->size(), 2);
    EXPECT_THAT(data->where(1), HasSubstr("record 3"));
  }
}

TEST(DataPath, WhatIsNoFileIsTold) {
  const Folder f;
  const std::string loop = f.path() + "/loop", pipe = f.path() + "/pipe";
  fs::create_symlink(loop, loop);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal(options_of(loop)), HasSubstr("symbolic links"));
  EXPECT_THAT(refusal(options_of(pipe)), HasSubstr("neither a folder nor a regular file"));
}

}  // namespace
}  // namespace nas
