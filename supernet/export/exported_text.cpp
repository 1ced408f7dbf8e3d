#include "supernet/export/exported_text.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "spaces/error.hpp"
#include "supernet/export/onnx/model.hpp"
#include "supernet/files/zip_reader.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string file_in(const std::string& path) {
  if (!fs::is_directory(path)) return path;
  for (const char* name : {"model.ts", "model.onnx", "model.json", "model.safetensors"})
    if (const fs::path file = fs::path(path) / name; fs::exists(file)) return file.string();
  throw DataError(path + ": has no model.ts, model.onnx, model.json or model.safetensors");
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path + ": cannot be read");
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) throw DataError(path + ": cannot be read");
  return bytes;
}

std::string of_archive(const std::string& bytes, const std::string& path) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const ZipReader zip({data, bytes.size()}, path, /*others=*/true);  // Its code is compressed.
  const auto text = zip.at(zip.find(std::string("/extra/") + kExportedText));
  return {text.begin(), text.end()};
}

/// JSON of the header, after its length; "" where the bytes are no safetensors.
std::string tensors_header(const std::string& bytes) {
  uint64_t size = 0;
  if (bytes.size() < sizeof size + 2) return "";
  std::memcpy(&size, bytes.data(), sizeof size);
  if (size > bytes.size() - sizeof size || bytes[sizeof size] != '{') return "";
  return bytes.substr(sizeof size, size);
}

/// "" where it is no text, whatever else it is.
std::string text_of(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : "";
}

ExportedText read(const std::string& bytes, const std::string& path) {
  if (bytes.starts_with("PK")) return {path, "torchscript", of_archive(bytes, path)};
  if (bytes.starts_with("{")) return {path, "json", bytes};
  if (const std::string header = tensors_header(bytes); !header.empty()) {
    const Json json = Json::parse(header, nullptr, false);
    const Json meta =
        json.is_object() ? json.value("__metadata__", Json::object()) : Json::object();
    return {path, "safetensors", text_of(meta, kExportedText)};
  }
  const onnx::Model model = onnx::decode(bytes, path);
  const std::string* text = model.find_metadata(kExportedText);
  return {path, "onnx", text == nullptr ? "" : *text};
}

}  // namespace

ExportedText read_exported_text(const std::string& path) {
  const std::string file = file_in(path);
  ExportedText text = read(bytes_of(file), file);
  const Json json = Json::parse(text.json, nullptr, false);
  if (text_of(json, "schema") != "nas-export/1")
    throw DataError(file + ": does not say what it is; it was not written by `nas export`" +
                    (text.format == "safetensors"
                         ? ", or by a version before 0.2: its model.json says more"
                         : ""));
  return text;
}

}  // namespace nas
