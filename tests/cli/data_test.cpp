// `nas data check`, `nas config` and `nas space check` on what is wrong, by running the real
// binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "../data/tiny_png.hpp"
#include "process.hpp"
#include "spaces/registry.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

void write_below(const std::string& folder, const std::string& name, const std::string& bytes) {
  fs::create_directories((fs::path(folder) / name).parent_path());
  write_file(folder + "/" + name, bytes);
}

/// An empty class, a file that is no picture, one picture in train and test.
std::string faulty_images() {
  const std::string folder = fresh_folder();
  for (const int i : {1, 2, 3})
    write_below(folder, "train/a/" + std::to_string(i) + ".png", tiny_png(static_cast<uint8_t>(i)));
  write_below(folder, "train/a/bad\x1b]0;pwned\x07\nname.png", "no picture");
  write_below(folder, "train/a/notes\x1b[2J.txt", "text");
  write_below(folder, "test/a/1.png", tiny_png(1));
  fs::create_directories(folder + "/train/emptyclass");
  return folder;
}

TEST(DataCheck, ListsAllThatIsWrong) {
  const std::string folder = faulty_images();
  const Finished done = run({"data", "check", folder});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("emptyclass: a class without JPEG or PNG files"));
  EXPECT_THAT(done.out, HasSubstr("problems: 2\n"));
  EXPECT_THAT(done.out, HasSubstr("1 image lies in both train and test, such as "));
  EXPECT_THAT(done.out, HasSubstr("unreadable: 1\n"));
  EXPECT_THAT(done.out, HasSubstr("train/a/1.png (train, a)"));
  EXPECT_THAT(done.out, HasSubstr("warning: 1 of 2 classes has no images: emptyclass"));
  EXPECT_THAT(done.out, HasSubstr("bad\\x1b]0;pwned\\x07\\nname.png: neither JPEG nor PNG"));
  EXPECT_THAT(done.out, HasSubstr("notes\\x1b[2J.txt"));
  EXPECT_THAT(done.out + done.err, Not(HasSubstr("\x1b")));

  const Finished as_json = run({"data", "check", folder, "--json"});
  EXPECT_EQ(as_json.code, 1);
  const Json json = Json::parse(as_json.out);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["problems"].size(), 2u);
  EXPECT_EQ(json["unreadable"].size(), 1u);
  EXPECT_EQ(json["duplicates"]["groups"].size(), 1u);
  EXPECT_EQ(json["warnings"].size(), 1u);
}

// Training refuses them, since the files that it writes hold UTF-8 only.
TEST(DataCheck, ClassNamesThatAreNotUtf8AreAProblem) {
  const std::string folder = fresh_folder();
  for (const char* name : {"caf\xe9", "tea"})
    for (const int i : {1, 2, 3, 4})
      write_below(folder,
                  "train/" + std::string(name) + "/" + std::to_string(i) + ".png",
                  tiny_png(static_cast<uint8_t>(10 * i + name[0] % 7)));
  const Finished done = run({"data", "check", folder});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("1 class name is not UTF-8, such as caf\\xe9"));
  EXPECT_THAT(done.out, HasSubstr("problems: 1\n"));
}

TEST(DataCheck, SoundDataIsOk) {
  const std::string folder = fresh_folder();
  for (const int i : {1, 2, 3, 4, 5, 6, 7, 8})
    write_below(folder, "a/" + std::to_string(i) + ".png", tiny_png(static_cast<uint8_t>(i)));
  const Finished done = run({"data", "check", folder});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("problems: none"));
  EXPECT_EQ(Json::parse(run({"data", "check", folder, "--json"}).out)["ok"], true);
}

TEST(DataCheck, ARepeatedImageAcrossSplitsIsAProblem) {
  const std::string folder = fresh_folder();
  for (const int i : {1, 2, 3, 4})
    write_below(folder, "Train/a/" + std::to_string(i) + ".png", tiny_png(static_cast<uint8_t>(i)));
  write_below(folder, "Test/a/1.png", tiny_png(9));
  EXPECT_EQ(run({"data", "check", folder}).code, 0);
  write_below(folder, "Test/a/2.png", tiny_png(3));
  const Finished done = run({"data", "check", folder, "--set", "data.validation=0"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("1 image lies in both train and test, such as "));
  EXPECT_THAT(done.out, HasSubstr("Train/a/3.png (train, a) and "));
}

TEST(DataCheck, LongListsAreCut) {
  const std::string folder = fresh_folder();
  write_below(folder, "a/good.png", tiny_png(1));
  for (int i = 0; i < 130; ++i) write_below(folder, "a/" + std::to_string(i) + ".png", "none");
  const Finished done = run({"data", "check", folder});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("unreadable: 130\n"));
  EXPECT_THAT(done.out, HasSubstr("  and 30 more (--json lists all)"));
  EXPECT_LT(std::count(done.out.begin(), done.out.end(), '\n'), 115);
}

// An evaluation crop at a size the data does not have is told with its numbers.
TEST(DataInfo, TellsWhatEvaluationSees) {
  const Finished done = run({"data",
                             "info",
                             "--kind",
                             "digits",
                             "--set",
                             "data.resolution=224",
                             "--set",
                             "data.crop_pct=0.875",
                             "--set",
                             "data.channels=3",
                             "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json steps = Json::parse(done.out)["preparation"];
  ASSERT_EQ(steps.size(), 5U);
  EXPECT_EQ(steps[1]["op"], "resize");
  EXPECT_EQ(steps[1]["covers"], Json({256, 256}));
  EXPECT_EQ(steps[2]["op"], "crop");
  EXPECT_EQ(steps[2]["size"], Json({224, 224}));
  EXPECT_EQ(steps[3]["op"], "rgb");
  EXPECT_EQ(steps[4]["divide_by"], 255);
  const Finished wrong = run({"data",
                              "info",
                              "--kind",
                              "digits",
                              "--set",
                              "data.mean=[123.675]",
                              "--set",
                              "data.std=[58.395]"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("divide these by 255"));
}

TEST(DataCheck, FatalProblemsAreADocumentToo) {
  const Finished missing = run({"data", "check", "/nonexistent", "--json"});
  EXPECT_EQ(missing.code, 2);
  const Json json = Json::parse(missing.out);
  EXPECT_EQ(json["schema"], "nas-data-check/1");
  EXPECT_EQ(json["ok"], false);
  EXPECT_THAT(json["problems"][0]["message"].get<std::string>(), HasSubstr("does not exist"));
  EXPECT_THAT(missing.err, HasSubstr("does not exist"));

  const std::string folder = fresh_folder();
  write_below(folder, "bad.yaml", "data:\n  kind: digits\n  limt: 3\n");
  const Json places =
      Json::parse(run({"data", "check", "--config", folder + "/bad.yaml", "--json"}).out);
  EXPECT_EQ(places["problems"][0]["line"], 3);
  EXPECT_EQ(places["problems"][0]["key"], "data.limt");
}

std::string be32(uint32_t v) {
  std::string s;
  for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(v >> shift);
  return s;
}
void write_idx(const std::string& folder, const std::string& part, const std::string& labels) {
  const auto n = static_cast<uint32_t>(labels.size());
  std::string pixels;
  // No image occurs twice, in one part or in both.
  for (uint32_t i = 0; i < n * 16; ++i)
    pixels += static_cast<char>(i * 7 + i / 256 * 13 + n + part.size());
  write_below(
      folder, part + "-images-idx3-ubyte", be32(0x803) + be32(n) + be32(4) + be32(4) + pixels);
  write_below(folder, part + "-labels-idx1-ubyte", be32(0x801) + be32(n) + labels);
}

TEST(DataCheck, WarnsOfEmptyAndUntrainedClasses) {
  const std::string folder = fresh_folder();
  std::string labels;
  for (int i = 0; i < 50; ++i) labels += static_cast<char>(i % 10);
  labels += static_cast<char>(200);
  write_idx(folder, "train", labels);
  write_idx(folder, "t10k", std::string("\0\1\x96", 3));
  const Finished done = run({"data", "check", folder, "--set", "data.validation=0"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out,
              HasSubstr("warning: 189 of 201 classes have no images: 10, 11, 12, 13, 14, ..."));
  EXPECT_THAT(done.out,
              HasSubstr("warning: 1 of 201 classes has images in validation or test but none in "
                        "train: 150"));
  EXPECT_LT(std::count(done.out.begin(), done.out.end(), '\n'), 40);
  EXPECT_THAT(done.out, HasSubstr("\n200 "));
  EXPECT_THAT(done.out, Not(HasSubstr("\n100 ")));
}

TEST(SpaceCheck, ProblemsAreADocument) {
  const std::string folder = fresh_folder();
  write_below(folder, "bad.yaml", "family: custom\nchanels: 3\nstages: [{widths: [8, 16]}]\n");
  const Finished done = run({"space", "check", folder + "/bad.yaml", "--json"});
  EXPECT_EQ(done.code, 2);
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["schema"], "nas-space-check/1");
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["problems"][0]["key"], "chanels");
  EXPECT_EQ(json["problems"][0]["line"], 2);
  EXPECT_THAT(done.err, HasSubstr("chanels: unknown key"));
}

TEST(SpaceCheck, ReadsStandardInputAndTellsWhatIsNoFile) {
  Launch launch{{"space", "check", "-"}};
  launch.input = "family: custom\nstages: [{widths: [8, 16]}]\n";
  const Finished good = run(launch);
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("2 architectures"));
  launch.input = "family: custom\nstages: [{widths: [16, 8]}]\n";
  EXPECT_THAT(run(launch).err, HasSubstr("<stdin>:2:"));

  const std::string folder = fresh_folder();
  fs::create_symlink(folder + "/loop.yaml", folder + "/loop.yaml");
  const auto said = [](const std::string& path) {
    const Finished done = run({"space", "check", path});
    EXPECT_EQ(done.code, 2) << path;
    return done.err;
  };
  EXPECT_THAT(said(folder), HasSubstr("it is a folder"));
  EXPECT_THAT(said(folder + "/loop.yaml"), HasSubstr("symbolic links"));
  ASSERT_EQ(::mkfifo((folder + "/pipe").c_str(), 0600), 0);
  EXPECT_THAT(said(folder + "/pipe"), HasSubstr("a named pipe, not a file"));
  EXPECT_THAT(said("/dev/zero"), HasSubstr("larger than 16 MiB"));
  EXPECT_THAT(said(folder + "/absent.yaml"), HasSubstr("no such file"));
}

TEST(ConfigKeys, AreATableForEveryFamily) {
  for (const SpaceFamily& family : space_families()) {
    const Finished table = run({"config", "keys", family.name});
    EXPECT_EQ(table.code, 0) << family.name;
    EXPECT_EQ(table.out.rfind("key", 0), 0u) << family.name << table.out.substr(0, 80);
    EXPECT_THAT(table.out, HasSubstr("family")) << family.name;
    const Json schema = Json::parse(run({"config", "schema", family.name}).out);
    EXPECT_EQ(schema["properties"]["family"]["const"], family.name);
    EXPECT_EQ(schema["required"][0], "family");
  }
  const Json keys = Json::parse(run({"config", "keys", "custom", "--json"}).out)["keys"];
  const auto row = [&keys](const std::string& key) {
    for (const Json& entry : keys)
      if (entry["key"] == key) return entry;
    return Json();
  };
  EXPECT_EQ(row("family")["default"], "(required)");
  EXPECT_EQ(row("stages[].widths")["type"], "list of whole numbers");
  EXPECT_EQ(row("stages[].widths")["range"], "1 to 32 items, each 2 to 8192");
  EXPECT_EQ(row("stages[].widths")["default"], "[16]");
  EXPECT_EQ(row("stem.act")["type"], "relu|relu6|hswish|swish");
  EXPECT_EQ(row("classes")["range"], "2 to 1e5");
  EXPECT_EQ(row("rules[].require")["default"], "(required)");
  const Json custom = Json::parse(run({"config", "schema", "custom"}).out);
  EXPECT_EQ(custom["required"], Json::parse(R"(["family", "stages"])"));
}

#ifdef NAS_TORCH
TEST(ConfigCheck, KnowsTheConfigurationOfAnImport) {
  const std::string file = std::string(NAS_SOURCE_DIR) + "/configs/ofa/import.yaml";
  const Finished done = run({"config", "check", file});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("ok (train)"));
}

TEST(ConfigCheck, StandardInputAndMessagesSurviveTheHandoverToTorch) {
  Launch launch{{"config", "check", "-"}};
  launch.input = "train:\n  epochs: 3\nspace: digits\n";
  EXPECT_EQ(run(launch).out, "-: ok (train)\n");
  const std::string folder = std::string(NAS_SOURCE_DIR) + "/configs/quickstart/";
  EXPECT_EQ(run({"config", "check", folder + "search.yaml", folder + "train.yaml"}).out,
            folder + "search.yaml: ok (search)\n" + folder + "train.yaml: ok (train)\n");
}
#endif

}  // namespace
}  // namespace nas::test
