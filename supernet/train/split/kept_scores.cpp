// One file for each choice, whole or absent: `scores-KEY-CHOICE.json`. The name holds the key, so
// that scores of other weights, options or images are never taken, and the text its hash, so that a
// damaged file is scored anew.
#include "supernet/train/split/kept_scores.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "spaces/base/sha256.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kStart = "scores-";

std::string start_of(const std::string& key) {
  constexpr size_t kShort = 16;
  return kStart + (key.empty() ? "" : key.substr(0, kShort) + "-");
}

/// DataError, without the file's name, where it is not what was written.
KeptScore read_kept(const std::string& text, const std::string& key, const Space& space) {
  try {
    const Json file = Json::parse(text);
    const auto body = file.at("score").get<std::string>();
    if (file.at("sha256") != sha256_hex(body)) throw DataError("its hash is another");
    if (file.at("key") != key) throw DataError("it belongs to another scoring");
    const Json j = Json::parse(body);
    KeptScore kept;
    kept.score = score_from_json(j.at("score").dump(), space);
    kept.compared = j.at("compared").get<std::set<std::string>>();
    kept.passes = j.at("passes");
    kept.macs = j.at("macs");
    return kept;
  } catch (const nlohmann::json::exception& e) {
    throw DataError("it is no JSON of a score");
  }
}

}  // namespace

KeptScores::KeptScores(const KeepScores& where, std::string key, const Space& space)
    : where_(where), key_(std::move(key)), space_(space) {}

std::string KeptScores::path(size_t choice) const {
  return (fs::path(where_.folder) / (start_of(key_) + std::to_string(choice) + ".json")).string();
}

void KeptScores::warn(const std::string& text) const {
  if (where_.warn) where_.warn(text);
}

std::optional<KeptScore> KeptScores::find(size_t choice) {
  if (where_.folder.empty()) return std::nullopt;
  const std::string file = path(choice);
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    KeptScore kept = read_kept(text, key_, space_);
    if (kept.score.choice != choice) throw DataError("it is of another choice");
    ++count_;
    return kept;
  } catch (const DataError& e) {
    warn(file + ": is damaged (" + e.what() + "); choice '" + space_.choices()[choice].name +
         "' is scored anew");
    return std::nullopt;
  }
}

void KeptScores::put(const KeptScore& kept) {
  if (where_.folder.empty()) return;
  const std::string body = Json{
      {"score", Json::parse(score_json(kept.score, space_))},
      {"compared", kept.compared},
      {"passes", kept.passes},
      {"macs", kept.macs}}.dump();
  const Json file{{"key", key_}, {"sha256", sha256_hex(body)}, {"score", body}};
  try {
    write_whole_file(path(kept.score.choice), file.dump() + "\n");
    ++count_;
  } catch (const DataError& e) {
    warn(std::string(e.what()) + "; were the scoring interrupted, choice '" +
         space_.choices()[kept.score.choice].name + "' would be scored again");
  }
}

void remove_kept_scores(const std::string& folder, const std::string& key) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(start_of(key)) && name.ends_with(".json")) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove(path, ignored);
}

}  // namespace nas
