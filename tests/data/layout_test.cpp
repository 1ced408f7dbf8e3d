// Folders of images: which layouts are read, which are refused and why, and what is not used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "spaces/error.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/sources/sources.hpp"
#include "tiny_png.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Layout : public testing::Test {
 protected:
  Layout() : path_(fs::temp_directory_path() / ("nas-layout-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Layout() override { fs::remove_all(path_); }

  void image(const std::string& name) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << tiny_png(static_cast<uint8_t>(++grey_));
  }
  void images(std::initializer_list<const char*> folders) {
    for (const char* folder : folders)
      for (const char* file : {"1.png", "2.png"}) image(std::string(folder) + "/" + file);
  }
  DataOptions options() const {
    DataOptions o;
    o.kind = "auto";
    o.path = path_.string();
    return o;
  }
  std::unique_ptr<Dataset> open() const { return open_source(options()); }
  /// What training says; "" where it would begin.
  std::string refusal() const {
    try {
      open();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  /// What `nas data check` lists.
  std::vector<std::string> faults() const {
    Faults found(/*collect=*/true);
    try {
      open_source(options(), found);
    } catch (const DataError& e) {
      found.add(e.what());
    }
    return found.found();
  }
  static std::vector<std::string> unused(const Dataset& data) {
    std::vector<std::string> lines;
    for (const Unused& u : data.unused())
      lines.push_back(std::to_string(u.count) + " " + u.why + ": " + u.names.front());
    return lines;
  }
  fs::path path_;
  int grey_ = 0;
};

TEST_F(Layout, SplitsAreKnownInAnyCase) {
  const std::vector<std::array<const char*, 3>> names = {
      {"train", "val", "test"},
      {"Train", "Valid", "Test"},
      {"TRAIN", "VALIDATION", "TEST"},
      {"training", "validation", "testing"},
      {"training_set", "val_set", "test_set"},
      {"Training-Data", "Val Images", "testset"}};
  for (const auto& [train, val, test] : names) {
    fs::remove_all(path_);
    for (const std::string split : {train, val, test})
      images({(split + "/a").c_str(), (split + "/b").c_str()});
    const auto data = open();
    EXPECT_THAT(data->class_names(), ElementsAre("a", "b")) << train;
    EXPECT_EQ(data->test_indices().size(), 4U) << test;
    EXPECT_EQ(data->validation_indices().size(), 4U) << val;
    EXPECT_THAT(data->where(data->test_indices()[0]), HasSubstr(std::string(test) + "/a/1.png"));
    EXPECT_THAT(faults(), IsEmpty());
  }
}

TEST_F(Layout, AFlatValidationFolderIsRefused) {
  images({"train/a", "train/b", "val"});
  EXPECT_THAT(refusal(), HasSubstr("val: holds 2 images but no class folders"));
  EXPECT_EQ(faults().size(), 1U);
  fs::rename(path_ / "val", path_ / "Test");
  EXPECT_THAT(refusal(), HasSubstr("cannot be the test split"));
  fs::remove_all(path_ / "Test");
  fs::create_directories(path_ / "test");
  EXPECT_THAT(refusal(),
              HasSubstr("test: holds no class folders, so it cannot be the test split; put one "
                        "folder of images per class there, or move it away"));
}

TEST_F(Layout, SplitsWithoutATrainingFolderAreRefused) {
  images({"test/a", "test/b", "valid/a", "valid/b"});
  EXPECT_THAT(refusal(), HasSubstr("looks like a test split, but there is no training folder"));
  fs::remove_all(path_);
  images({"train", "test"});
  EXPECT_THAT(refusal(), HasSubstr("looks like a"));
  EXPECT_EQ(faults().size(), 2U);
  fs::remove_all(path_);
  images({"cats", "dogs", "test"});
  EXPECT_THAT(refusal(), HasSubstr("test: looks like a test split"));
}

TEST_F(Layout, WhatOnlyLooksLikeASplitIsRefused) {
  images({"train/a", "train/b", "val_256/a", "val_256/b"});
  EXPECT_THAT(refusal(), HasSubstr("val_256: looks like a validation split"));
  fs::remove_all(path_);
  images({"train2017/a", "train2017/b", "val2017/a"});
  EXPECT_THAT(refusal(), HasSubstr("train2017: looks like a train split"));
  fs::remove_all(path_);
  images({"train2017", "val2017"});
  EXPECT_THAT(refusal(), HasSubstr("looks like a"));
  fs::remove_all(path_);
  images({"train/a", "Train/b"});
  EXPECT_THAT(refusal(), HasSubstr("a second train folder"));
}

TEST_F(Layout, AClassMayBeCalledTrain) {
  images({"bus", "car", "train"});
  const auto data = open();
  EXPECT_THAT(data->class_names(), ElementsAre("bus", "car", "train"));
  EXPECT_THAT(data->remarks(), ElementsAre(HasSubstr("train is read as a class")));
  fs::remove_all(path_);
  images({"train/bus", "train/train", "test/bus", "test/train"});
  EXPECT_THAT(open()->class_names(), ElementsAre("bus", "train"));
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(Layout, ALevelTooManyIsRefused) {
  images({"data/train/a", "data/train/b"});
  EXPECT_THAT(refusal(), HasSubstr("a split inside a class folder"));
  EXPECT_THAT(refusal(), HasSubstr("name " + (path_ / "data").string()));
  fs::remove_all(path_);
  images({"data/a", "data/b", "__MACOSX/data"});
  EXPECT_THAT(refusal(), HasSubstr("a level too many; name " + (path_ / "data").string()));
  fs::remove_all(path_);
  images({"train/all/a", "train/all/b"});
  EXPECT_THAT(refusal(), HasSubstr("a level too many"));
}

TEST_F(Layout, SplitsInsideClassesAndCommonInnerFoldersAreRefused) {
  images({"cat/train", "cat/test", "dog/train", "dog/test"});
  EXPECT_THAT(refusal(), HasSubstr("a split inside a class folder"));
  fs::remove_all(path_);
  images({"first/cat", "first/dog", "second/cat", "second/dog"});
  EXPECT_THAT(refusal(), HasSubstr("2 of its class folders hold a folder 'cat'"));
}

TEST_F(Layout, DeeperImagesOfDifferentFoldersAreTold) {
  images({"animals/cat", "animals/dog", "plants/oak"});
  const auto data = open();
  EXPECT_THAT(data->class_names(), ElementsAre("animals", "plants"));
  EXPECT_THAT(data->remarks(), ElementsAre(HasSubstr("2 class folders of ")));
}

TEST_F(Layout, ClassSetsThatDifferAreTold) {
  images({"train/a", "train/b", "train/c", "test/a", "val/b"});
  EXPECT_THAT(open()->remarks(),
              ElementsAre(HasSubstr("val lacks 2 of the 3 classes, such as 'a'"),
                          HasSubstr("test lacks 2 of the 3 classes, such as 'b'")));
  images({"test/d"});
  EXPECT_THAT(refusal(), HasSubstr("class 'd' is not among those of"));
}

TEST_F(Layout, ValidationAloneIsTheTestAndTold) {
  images({"train/a", "train/b", "val/a", "val/b"});
  const auto data = open();
  EXPECT_EQ(data->test_indices().size(), 4U);
  EXPECT_THAT(data->remarks(), ElementsAre(HasSubstr("is the test split")));
}

TEST_F(Layout, ASplitWhoseClassFoldersAreEmptyIsNone) {
  images({"train/a", "train/b"});
  fs::create_directories(path_ / "val/a");
  fs::create_directories(path_ / "val/b");
  EXPECT_THAT(refusal(),
              HasSubstr("val: its 2 class folders hold no JPEG or PNG files, so it "
                        "cannot be the validation split"));
  Faults found(/*collect=*/true);
  const auto data = open_source(options(), found);
  EXPECT_EQ(found.found().size(), 1U);
  EXPECT_THAT(data->test_indices(), IsEmpty());
  EXPECT_THAT(data->remarks(), IsEmpty());
  // Images deeper down count.
  image("val/a/deep/deeper/1.png");
  EXPECT_EQ(open()->test_indices().size(), 1U);
}

TEST_F(Layout, ASplitUnderANameOfItsOwnIsAProblem) {
  for (const char* name : {"validate", "eval", "holdout", "dev"}) {
    fs::remove_all(path_);
    images({"train/a", "train/b"});
    images({(std::string(name) + "/a").c_str(), (std::string(name) + "/b").c_str()});
    EXPECT_THAT(refusal(),
                HasSubstr(std::string(name) +
                          ": holds class folders of the training split and images in them"));
    EXPECT_THAT(refusal(), HasSubstr("rename it to `val` or `test`"));
    EXPECT_EQ(faults().size(), 1U);
  }
  // A class may be missing there; other folders, and folders without images, are something else.
  fs::remove_all(path_ / "dev/b");
  EXPECT_EQ(faults().size(), 1U);
  images({"dev/other"});
  EXPECT_THAT(faults(), IsEmpty());
  fs::remove_all(path_ / "dev");
  fs::create_directories(path_ / "annotations/a");
  std::ofstream(path_ / "annotations/a/1.xml") << "x";
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_THAT(unused(*open()), ElementsAre(HasSubstr("1 folders beside the splits")));
}

TEST_F(Layout, WhatIsNotUsedIsTold) {
  images({"train/a", "train/b", "test/a", "test/b", "extra"});
  for (const char* name : {"train/loose.png", "top.jpg", "train/a/.hidden.png", "train/b/._1.png"})
    image(name);
  for (const char* name : {"train/a/x.webp", "train/a/notes.txt", ".DS_Store"})
    std::ofstream(path_ / name) << "x";
  fs::create_directories(path_ / "test/b/.cache");
  fs::create_directories(path_ / "outside");
  fs::create_directory_symlink(path_ / "extra", path_ / "train/a/linked");
  ASSERT_EQ(::mkfifo((path_ / "train/a/pipe.png").c_str(), 0600), 0);
  EXPECT_THAT(unused(*open()),
              testing::UnorderedElementsAre(HasSubstr("4 hidden: "),
                                            HasSubstr("2 folders beside the splits: "),
                                            HasSubstr("1 images beside the splits: "),
                                            HasSubstr("1 images beside class folders: "),
                                            HasSubstr("1 images of other kinds than JPEG"),
                                            HasSubstr("1 other files (neither .jpg nor .png)"),
                                            HasSubstr("1 links to folders"),
                                            HasSubstr("1 neither files nor folders")));
}

TEST_F(Layout, EmptyClassesAndBrokenLinksAreFaults) {
  images({"train/a", "train/b", "test/a"});
  fs::create_directories(path_ / "train/c");
  fs::create_directories(path_ / "test/b");
  fs::create_symlink(path_ / "nowhere.png", path_ / "train/b/3.png");
  EXPECT_THAT(faults(),
              ElementsAre(HasSubstr("train/b/3.png: a link that leads nowhere"),
                          HasSubstr("train/c: a class without JPEG or PNG files")));
  fs::remove(path_ / "train/b/3.png");
  fs::remove(path_ / "train/c");
  EXPECT_THAT(unused(*open()), Contains(HasSubstr("1 class folders without images")));
}

TEST_F(Layout, ImagesWithoutFoldersAreTold) {
  image("1.png");
  image("2.jpg");
  EXPECT_THAT(refusal(), HasSubstr("holds 2 images but no folders"));
}

TEST(PartOfWord, OnlyWholeNames) {
  for (const char* word : {"latest",
                           "testament",
                           "training shoes",
                           "trainer",
                           "value",
                           "train2017",
                           "protest",
                           "valley",
                           "set",
                           ""})
    EXPECT_FALSE(part_of_word(word)) << word;
  EXPECT_EQ(part_in_name("imagenet-val-000.tar"), Part::kValidation);
  EXPECT_EQ(part_in_name("ILSVRC2012_img_train"), Part::kTrain);
  EXPECT_FALSE(part_in_name("latest-000.tar"));
  bool ambiguous = false;
  EXPECT_FALSE(part_in_name("train-val-1.tar", &ambiguous));
  EXPECT_TRUE(ambiguous);
}

}  // namespace
}  // namespace nas
