// The shards of a WebDataset: a file, a folder, or a pattern of names.
#include "supernet/data/sources/shards.hpp"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostShards = 1'000'000;

/// 000..012: the numbers from the first to the last, with its leading zeros; a,b,c: these.
std::vector<std::string> alternatives(const std::string& body) {
  std::vector<std::string> words;
  const size_t dots = body.find("..");
  if (dots == body.npos) {
    if (body.find(',') == body.npos) return {};
    std::istringstream parts(body + ",");
    for (std::string word; std::getline(parts, word, ',');) words.push_back(word);
    return words;
  }
  const std::string low = body.substr(0, dots), high = body.substr(dots + 2);
  int64_t first = 0, last = -1;
  const auto read = [](const std::string& text, int64_t& v) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (!read(low, first) || !read(high, last) || first < 0 || last < first ||
      last - first >= static_cast<int64_t>(kMostShards))
    return {};
  for (int64_t i = first; i <= last; ++i) {
    std::string number = std::to_string(i);
    if (number.size() < low.size()) number.insert(0, low.size() - number.size(), '0');
    words.push_back(number);
  }
  return words;
}

/// All braces of a name; the name itself where it has none that mean something.
std::vector<std::string> expand_braces(const std::string& pattern) {
  for (size_t open = pattern.find('{'); open != pattern.npos; open = pattern.find('{', open + 1)) {
    const size_t close = pattern.find('}', open);
    if (close == pattern.npos) break;
    const auto words = alternatives(pattern.substr(open + 1, close - open - 1));
    if (words.empty()) continue;
    const std::vector<std::string> tails = expand_braces(pattern.substr(close + 1));
    if (words.size() * tails.size() > kMostShards)
      throw DataError(printable(pattern) + ": more than " + std::to_string(kMostShards) +
                      " shards");
    std::vector<std::string> names;
    for (const std::string& word : words)
      for (const std::string& tail : tails) names.push_back(pattern.substr(0, open) + word + tail);
    return names;
  }
  return {pattern};
}

/// The files that a name with * or ? means, sorted.
std::vector<std::string> expand_stars(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> names;
  if (status == 0) names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (names.empty()) throw DataError(printable(pattern) + ": no file has such a name");
  return names;
}

/// Shards without the name of a split are for training, but not beside others that say so.
void tell_nameless(const std::vector<Shard>& shards, Faults& faults) {
  const auto told = [](const Shard& s) {
    return part_in_name(fs::path(s.path).filename().string());
  };
  const auto training = std::find_if(
      shards.begin(), shards.end(), [&](const Shard& s) { return told(s) == Part::kTrain; });
  if (training == shards.end()) return;
  for (const Shard& s : shards)
    if (bool two = false; !part_in_name(fs::path(s.path).filename().string(), &two) && !two &&
                          !part_of_word(fs::path(s.path).parent_path().filename().string()))
      faults.add(printable(s.path) + ": its name tells no split, while others do (" +
                 printable(training->path) +
                 "), so it would be trained on; put train, val or test into its name, or move it "
                 "away");
}

/// The part that a word of a shard's name tells: train-000.tar, Val_3.tar, imagenet-val-000.tar.
Part part_of_name(const std::string& name, Faults& faults) {
  bool ambiguous = false;
  const auto part = part_in_name(name, &ambiguous);
  if (ambiguous)
    faults.add(printable(name) + ": its name tells two splits; name the shard after one of them");
  return part.value_or(Part::kTrain);
}

/// The shards in a folder; what else lies there is told.
std::vector<std::string> tars_in(const fs::path& folder, UnusedList& unused) {
  std::vector<std::string> names;
  for (const std::string& name : list_folder(folder.string())) {
    std::error_code ignored;
    const bool is_folder = fs::is_directory(folder / name, ignored);
    if (!is_folder && name.ends_with(".tar"))
      names.push_back(name);
    else if (!is_folder)
      unused.add("files that are no .tar", (folder / name).string());
  }
  return names;
}

std::vector<Shard> shards_of_pattern(const std::string& pattern, Faults& faults) {
  std::vector<Shard> shards;
  const auto put = [&](const std::string& path) {
    shards.push_back({path, part_of_name(fs::path(path).filename().string(), faults)});
  };
  for (const std::string& name : expand_braces(pattern)) {
    if (name.find_first_of("*?") == name.npos) {
      put(name);
      continue;
    }
    for (const std::string& file : expand_stars(name)) put(file);
  }
  return shards;
}

std::vector<Shard> shards_of_folder(const std::string& path, UnusedList& unused, Faults& faults) {
  std::vector<Shard> shards;
  for (const std::string& name : tars_in(path, unused))
    shards.push_back({(fs::path(path) / name).string(), part_of_name(name, faults)});
  for (const std::string& name : list_folder(path)) {
    const auto part = part_of_word(name);
    const fs::path folder = fs::path(path) / name;
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) continue;
    UnusedList ignored_files;
    const std::vector<std::string> tars = tars_in(folder, part ? unused : ignored_files);
    if (!part && tars.empty()) unused.add("folders beside the shards", folder.string());
    if (!part && !tars.empty())
      faults.add(printable(folder.string()) +
                 ": holds shards, but its name is that of no split, so they are not read; rename "
                 "it to train, val or test, or move it away");
    if (part && tars.empty())
      faults.add(printable(folder.string()) + ": holds no .tar files, so it cannot be the " +
                 name_of(*part) + " split; put its shards there, or move it away");
    if (!part) continue;
    for (const std::string& tar : tars) {
      const auto told = part_in_name(tar);
      if (told && *told != *part)
        faults.add(printable((folder / tar).string()) + ": its name tells another split (" +
                   name_of(*told) + ") than its folder (" + name_of(*part) + ")");
      shards.push_back({(folder / tar).string(), *part});
    }
  }
  return shards;
}

}  // namespace

std::vector<Shard> find_shards(const std::string& path, UnusedList& unused, Faults& faults) {
  if (!is_shard_pattern(path) && !fs::is_directory(path)) return {{path, Part::kTrain}};
  std::vector<Shard> shards = is_shard_pattern(path) ? shards_of_pattern(path, faults)
                                                     : shards_of_folder(path, unused, faults);
  tell_nameless(shards, faults);
  // Only held-out shards: then they are simply the data.
  const bool trains = std::any_of(
      shards.begin(), shards.end(), [](const Shard& s) { return s.part == Part::kTrain; });
  for (Shard& s : shards)
    if (!trains) s.part = Part::kTrain;
  return shards;
}

bool is_shard_pattern(const std::string& path) {
  std::error_code ignored;
  if (path.find_first_of("{*?") == path.npos || fs::exists(path, ignored)) return false;
  return path.find_first_of("*?") != path.npos ||
         expand_braces(path) != std::vector<std::string>{path};
}

}  // namespace nas
