#include "supernet/checkpoint.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "spaces/error.hpp"
#include "supernet/tensor_file.hpp"

namespace nas {
namespace {

constexpr const char* kFormat = "nas-checkpoint/1";
/// The text lives in a tensor of bytes, so that the hash of the data covers it.
constexpr const char* kText = "trainer/text";
constexpr const char* kPrefix = "checkpoint-";
constexpr const char* kSuffix = ".safetensors";

}  // namespace

const std::string& Checkpoint::at(const std::string& key) const {
  const auto it = text.find(key);
  if (it == text.end()) throw DataError("checkpoint: it has no '" + key + "'");
  return it->second;
}

std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  TensorFile file;
  file.meta["format"] = kFormat;
  file.tensors = checkpoint.tensors;
  const std::string json = nlohmann::json(checkpoint.text).dump();
  at::Tensor bytes = at::empty({static_cast<int64_t>(json.size())}, at::kByte);
  std::memcpy(bytes.data_ptr(), json.data(), json.size());
  file.tensors[kText] = bytes;
  return write_tensor_file(path, file);
}

Checkpoint read_checkpoint(const std::string& path) {
  TensorFile file = read_tensor_file(path);
  const auto format = file.meta.find("format");
  const auto text = file.tensors.find(kText);
  if (format == file.meta.end() || text == file.tensors.end())
    throw DataError(path + ": is a tensor file but not a checkpoint");
  if (format->second != kFormat)
    throw DataError(path + ": is a checkpoint of the format '" + format->second +
                    "', this program reads '" + kFormat + "'");
  Checkpoint checkpoint;
  const auto* begin = static_cast<const char*>(text->second.data_ptr());
  const auto json = nlohmann::json::parse(begin, begin + text->second.numel(), nullptr, false);
  if (!json.is_object()) throw DataError(path + ": its text part is not JSON");
  for (const auto& [key, value] : json.items())
    if (value.is_string()) checkpoint.text[key] = value.get<std::string>();
  file.tensors.erase(text);
  checkpoint.tensors = std::move(file.tensors);
  return checkpoint;
}

std::vector<std::string> checkpoints_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix))
      paths.push_back(entry.path().string());
  }
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

std::string checkpoint_path(const std::string& folder, int64_t step) {
  char name[64];
  std::snprintf(name, sizeof name, "%s%012lld%s", kPrefix, static_cast<long long>(step), kSuffix);
  return (std::filesystem::path(folder) / name).string();
}

}  // namespace nas
