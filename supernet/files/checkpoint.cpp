// The text of a checkpoint (positions, random streams) lies in a tensor of bytes, so that the one
// hash of the data covers it too.
#include "supernet/files/checkpoint.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "spaces/error.hpp"
#include "supernet/files/tensor_file.hpp"

namespace nas {
namespace {

constexpr const char* kFormat = "nas-checkpoint/1";
/// The text lives in a tensor of bytes, so that the hash of the data covers it.
constexpr const char* kText = "trainer/text";
constexpr const char* kPrefix = "checkpoint-";
constexpr const char* kSuffix = ".safetensors";
constexpr const char* kSets = "sets";

constexpr const char* kAnother = ": is not the file that was written (another SHA-256)";

void check_set(const SetFile& file, const std::string& path) {
  const std::string beside = (std::filesystem::path(path).parent_path() / file.name).string();
  std::string sha256;
  read_tensor_file(beside, &sha256);
  if (sha256 != file.sha256) throw DataError(beside + kAnother);
}

/// A checkpoint is whole when the files of its weight sets are.
void check_sets(const Checkpoint& checkpoint, const std::string& path) {
  for (const auto& [set, file] : set_files_of(checkpoint, path)) check_set(file, path);
}

/// Without its sets. DataError where it cannot be read or is not the one that was recorded.
std::shared_ptr<const Checkpoint> read_recorded(const std::string& path,
                                                const std::map<std::string, std::string>& recorded,
                                                std::string& sha256) {
  auto read = std::make_shared<const Checkpoint>(read_checkpoint(path, &sha256));
  const auto known = recorded.find(std::filesystem::path(path).filename().string());
  if (known != recorded.end() && known->second != sha256) throw DataError(path + kAnother);
  return read;
}

}  // namespace

const std::string& Checkpoint::at(const std::string& key) const {
  const auto it = text.find(key);
  if (it == text.end()) throw DataError("checkpoint: it has no '" + key + "'");
  return it->second;
}

std::map<std::string, at::Tensor> Checkpoint::with_prefix(const std::string& prefix) const {
  std::map<std::string, at::Tensor> found;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor;
  return found;
}

void put_set_files(Checkpoint& checkpoint, const std::map<int, SetFile>& files) {
  nlohmann::json list = nlohmann::json::object();
  for (const auto& [set, file] : files)
    list[std::to_string(set)] = {{"file", file.name}, {"sha256", file.sha256}};
  checkpoint.text[kSets] = list.dump();
}

std::map<int, SetFile> set_files_of(const Checkpoint& checkpoint, const std::string& path) {
  std::map<int, SetFile> files;
  if (!checkpoint.text.contains(kSets)) return files;
  const auto malformed = [&](const std::string& why) {
    return DataError(path + ": its list of weight sets is malformed: " + why);
  };
  try {
    const auto list = nlohmann::json::parse(checkpoint.at(kSets));
    for (const auto& [set, entry] : list.items()) {
      int number = -1;
      const auto [end, error] = std::from_chars(set.data(), set.data() + set.size(), number);
      SetFile file{entry.at("file").get<std::string>(), entry.at("sha256").get<std::string>()};
      if (error != std::errc() || end != set.data() + set.size() || number < 0 ||
          std::filesystem::path(file.name).filename() != file.name)
        throw malformed("set '" + set + "', file '" + file.name + "'");
      files[number] = std::move(file);
    }
  } catch (const nlohmann::json::exception& e) {
    throw malformed(e.what());
  }
  return files;
}

// Checkpoints have always recorded it as the hash of an empty tensor with this name.
std::string config_hash_of(const std::string& yaml) {
  return hash_tensors({{yaml, at::empty({0})}});
}

std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  TensorFile file;
  file.meta["format"] = kFormat;
  file.tensors = checkpoint.tensors;
  const std::string json = nlohmann::json(checkpoint.text)
                               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  at::Tensor bytes = at::empty({static_cast<int64_t>(json.size())}, at::kByte);
  std::memcpy(bytes.data_ptr(), json.data(), json.size());
  file.tensors[kText] = bytes;
  return write_tensor_file(path, file);
}

Checkpoint read_checkpoint(const std::string& path, std::string* sha256) {
  TensorFile file = read_tensor_file(path, sha256);
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

std::string not_finite(const std::map<std::string, at::Tensor>& tensors) {
  const c10::NoGradGuard no_grad;
  // One answer for all: on a GPU every look at a number waits for the whole queue.
  at::Tensor all;
  for (const auto& [name, t] : tensors) {
    if (!t.is_floating_point() || t.numel() == 0) continue;
    const at::Tensor finite = at::isfinite(t.detach()).all();
    all = all.defined() ? at::logical_and(all, finite.to(all.device())) : finite;
  }
  if (!all.defined() || all.item<bool>()) return "";
  for (const auto& [name, t] : tensors)
    if (t.is_floating_point() && !at::isfinite(t.detach()).all().item<bool>()) return name;
  return "";
}

std::shared_ptr<const Checkpoint> open_checkpoint(const std::string& path) {
  return std::make_shared<const Checkpoint>(read_checkpoint(path));
}

ReadCheckpoint read_newest_checkpoint(const std::string& folder,
                                      const std::map<std::string, std::string>& recorded) {
  ReadCheckpoint result;
  for (const std::string& path : checkpoints_in(folder)) {
    try {
      const auto read = read_recorded(path, recorded, result.sha256);
      check_sets(*read, path);
      result.checkpoint = read;
      result.path = path;
      return result;
    } catch (const DataError& e) {
      result.damaged.push_back({path, e.what()});
    }
  }
  if (result.damaged.empty()) return result;
  std::string all;
  std::set<std::string> told;  // Checkpoints may name one damaged file of a set.
  for (const auto& [path, why] : result.damaged)
    if (told.insert(why).second) all += (all.empty() ? "" : "\n  ") + why;
  throw DataError("no checkpoint in " + folder + " can be read:\n  " + all);
}

// An older checkpoint whose files are all whole would judge the lost set with weights of an earlier
// step beside the others': of one tree they are not comparable. So the newest stays, without it.
ReadCheckpoint read_checkpoint_to_judge(const std::string& folder,
                                        const std::map<std::string, std::string>& recorded) {
  ReadCheckpoint result;
  for (const std::string& path : checkpoints_in(folder)) {
    try {
      const auto read = read_recorded(path, recorded, result.sha256);
      const std::map<int, SetFile> files = set_files_of(*read, path);
      std::map<int, std::string> lost;
      for (const auto& [set, file] : files) try {
          check_set(file, path);
        } catch (const DataError& e) {
          lost[set] = e.what();
        }
      if (files.empty() || lost.size() < files.size()) {
        result.checkpoint = read;
        result.path = path;
        result.lost = std::move(lost);
        return result;
      }
      for (const auto& [set, why] : lost) result.damaged.push_back({path, why});
    } catch (const DataError& e) {
      result.damaged.push_back({path, e.what()});
    }
  }
  return read_newest_checkpoint(folder, recorded);  // None is there, or none can be read: told.
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

void keep_newest_checkpoints(const std::string& folder, int64_t keep) {
  const std::vector<std::string> files = checkpoints_in(folder);
  for (size_t i = static_cast<size_t>(keep); i < files.size(); ++i) {
    // Gone already, or a file system that hesitates: no reason to end a run whose state is safe.
    std::error_code ignored;
    std::filesystem::remove(files[i], ignored);
  }
}

}  // namespace nas
