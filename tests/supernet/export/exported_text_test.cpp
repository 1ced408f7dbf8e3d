// What exported files say of themselves, in every format, and files that say nothing or nonsense.
#include "supernet/export/exported_text.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "spaces/error.hpp"
#include "supernet/export/onnx/model.hpp"
#include "tests/supernet/files/zip_archive.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using test::little;

std::string about(const std::string& name) {
  return Json{{"schema", "nas-export/1"}, {"name", name}}.dump();
}

// ---- Files as the formats have them.

std::string torchscript(const std::string& text, const std::string& folder = "net") {
  test::ZipEntry code{folder + "/code/net.py", "def forward(self): return 1"};
  code.method = 8;  // LibTorch compresses code alone.
  code.stored = "deflated";
  return test::zip_of({{folder + "/data.pkl", "pickle"}, code, {folder + "/extra/nas.json", text}});
}
std::string safetensors(const Json& header) {
  const std::string text = header.dump();
  return little(text.size(), 8) + text + std::string(8, '\0');
}
Json tensors_with(const Json& meta) {
  return {{"__metadata__", meta},
          {"w", {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {0, 8}}}}};
}
std::string onnx_file(const std::string& text) {
  onnx::Model model;
  model.opset = 17;
  model.metadata = {{"author", "nobody"}, {"nas.json", text}};
  return onnx::encode(model);
}

class ExportedFiles : public testing::Test {
 protected:
  ExportedFiles() : folder_(fs::temp_directory_path() / ("nas-text-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~ExportedFiles() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  /// Error without the file's path; "" where there is none.
  std::string told(const std::string& bytes) const {
    const std::string path = write("file", bytes);
    try {
      read_exported_text(path);
    } catch (const DataError& e) {
      EXPECT_EQ(std::string(e.what()).find(path + ": "), 0U) << e.what();
      return std::string(e.what()).substr(path.size() + 2);
    }
    return "";
  }
  fs::path folder_;
};

TEST_F(ExportedFiles, EveryFormatSaysWhatWasWritten) {
  const std::string text = about("ours");
  const std::tuple<const char*, const char*, std::string> files[] = {
      {"model.ts", "torchscript", torchscript(text)},
      {"model.onnx", "onnx", onnx_file(text)},
      {"model.json", "json", text},
      {"model.safetensors", "safetensors", safetensors(tensors_with({{"nas.json", text}}))}};
  for (const auto& [name, format, bytes] : files) {
    // The bytes decide, whatever the file is called.
    for (const std::string& as : {std::string(name), std::string("renamed")}) {
      const ExportedText read = read_exported_text(write(as, bytes));
      EXPECT_EQ(read.format, format) << as;
      EXPECT_EQ(read.json, text) << as;
      EXPECT_EQ(read.path, (folder_ / as).string());
    }
  }
}

TEST_F(ExportedFiles, OfAFolderTheFirstThatCanBeRunIsRead) {
  const auto read = [&] { return read_exported_text(folder_.string()); };
  try {
    read();
    FAIL() << "the folder is empty";
  } catch (const DataError& e) {
    EXPECT_EQ(std::string(e.what()),
              folder_.string() + ": has no model.ts, model.onnx, model.json or model.safetensors");
  }
  // Written from the last to the first, so that each is read before those that were there.
  write("model.safetensors", safetensors(tensors_with({{"nas.json", about("tensors")}})));
  EXPECT_EQ(read().format, "safetensors");
  write("model.json", about("json"));
  EXPECT_EQ(read().json, about("json"));
  write("model.onnx", onnx_file(about("onnx")));
  EXPECT_EQ(read().json, about("onnx"));
  write("model.ts", torchscript(about("script")));
  EXPECT_EQ(read().json, about("script"));
  EXPECT_EQ(read().path, (folder_ / "model.ts").string());
}

TEST_F(ExportedFiles, WhatCannotBeReadIsNamed) {
  const std::string path = folder_ / "none.ts";
  try {
    read_exported_text(path);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_EQ(std::string(e.what()), path + ": cannot be read");
  }
}

constexpr const char* kSilent = "does not say what it is; it was not written by `nas export`";

TEST_F(ExportedFiles, FilesOfOthersAreTold) {
  EXPECT_EQ(told(about("ours")), "");
  EXPECT_EQ(told("{}"), kSilent);
  EXPECT_EQ(told(R"({"schema": "nas-plan/1"})"), kSilent);
  EXPECT_EQ(told("{ not JSON"), kSilent);
  EXPECT_EQ(told(torchscript("not JSON")), kSilent);
  EXPECT_EQ(told(torchscript("[1]")), kSilent);
  EXPECT_EQ(told(onnx_file("[]")), kSilent);
  onnx::Model silent;
  silent.opset = 17;
  EXPECT_EQ(told(onnx::encode(silent)), kSilent);
  const std::string older =
      std::string(kSilent) + ", or by a version before 0.2: its model.json says more";
  EXPECT_EQ(told(safetensors(tensors_with({{"format", "pt"}}))), older);
  EXPECT_EQ(told(safetensors(tensors_with(Json::object()))), older);
  EXPECT_EQ(told(safetensors(Json::object())), older);
}

// Values of other types than they should be.
TEST_F(ExportedFiles, NonsenseIsAnErrorThatNamesTheFile) {
  for (const char* schema : {"1", "null", "[]", "{}", "true"})
    EXPECT_EQ(told("{\"schema\": " + std::string(schema) + "}"), kSilent) << schema;
  const std::string older =
      std::string(kSilent) + ", or by a version before 0.2: its model.json says more";
  for (const Json& value : {Json(5), Json(), Json::array({1}), Json::object(), Json(true)}) {
    EXPECT_EQ(told(safetensors(tensors_with(value))), older) << value;
    EXPECT_EQ(told(safetensors(tensors_with({{"nas.json", value}}))), older) << value;
  }
  // The header ends beyond the file, or is none: then it is no safetensors.
  const std::string whole = safetensors(tensors_with({{"nas.json", about("ours")}}));
  EXPECT_EQ(told(whole), "");
  EXPECT_NE(told(whole.substr(0, 40)), "");
  EXPECT_NE(told(little(~uint64_t{0}, 8) + "{}"), "");
  EXPECT_NE(told(""), "");
  EXPECT_NE(told(std::string(64, '\0')), "");
}

TEST_F(ExportedFiles, DamagedArchivesAreTold) {
  const std::string whole = torchscript(about("ours"));
  EXPECT_EQ(told(whole), "");
  EXPECT_EQ(told(whole.substr(0, whole.size() / 2)),
            "the zip archive has no directory: it is truncated");
  EXPECT_EQ(told(test::zip_of({{"net/data.pkl", ""}})),
            "a zip archive, but not one of torch.save: no entry '/extra/nas.json'");
  std::string changed = whole;
  changed[changed.find("nas-export") + 1] = 'o';
  EXPECT_EQ(told(changed), "entry 'net/extra/nas.json' is corrupt (its CRC differs)");
}

TEST_F(ExportedFiles, AFileThatWasCutShortSaysTheSameOrIsRefused) {
  const std::string text = about("ours"), script = torchscript(text), json = text;
  // Of tensors only the header is read, of ONNX files all but the opset at the end.
  for (const std::string& whole :
       {script, json, onnx_file(text), safetensors(tensors_with({{"nas.json", text}}))})
    for (size_t size = 0; size < whole.size(); size += 11) {
      const std::string path = write("part", whole.substr(0, size));
      try {
        EXPECT_EQ(read_exported_text(path).json, text) << size;
        EXPECT_TRUE(whole != script && whole != json) << size;
      } catch (const DataError& e) {
        EXPECT_EQ(std::string(e.what()).find(path), 0U);
      }
    }
}

}  // namespace
}  // namespace nas
