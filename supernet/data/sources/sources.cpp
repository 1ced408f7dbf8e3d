#include "supernet/data/sources/sources.hpp"

#include <algorithm>
#include <filesystem>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {

void Faults::add(const std::string& what) {
  if (!collect_) throw DataError(what);
  found_.push_back(what);
}

namespace {

/// The words of letters in a name, in lower case.
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter && !inside) words.emplace_back();
    if (letter) words.back() += static_cast<char>(c | 0x20);
    inside = letter;
  }
  return words;
}

/// A single word in lower case.
std::optional<Part> part_of_plain(std::string word) {
  for (const char* end : {"set", "data", "images", "imgs"})
    if (const std::string tail = end; word.size() > tail.size() && word.ends_with(tail)) {
      word.resize(word.size() - tail.size());
      break;
    }
  if (word == "train" || word == "training") return Part::kTrain;
  if (word == "val" || word == "valid" || word == "validation") return Part::kValidation;
  if (word == "test" || word == "testing") return Part::kTest;
  return std::nullopt;
}

}  // namespace

std::optional<Part> part_of_word(const std::string& word) {
  // Only letters and what joins words: train2017 and `test (1)` are names of their own.
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == ' ';
  });
  std::string joined;
  for (const std::string& w : words_of(word)) joined += w;
  return plain ? part_of_plain(joined) : std::nullopt;
}

std::optional<Part> part_in_name(const std::string& name, bool* ambiguous) {
  std::optional<Part> found;
  for (const std::string& word : words_of(name)) {
    const auto part = part_of_plain(word);
    if (part && found && *part != *found) {
      if (ambiguous) *ambiguous = true;
      return std::nullopt;
    }
    if (part) found = part;
  }
  return found;
}

const char* name_of(Part part) {
  return part == Part::kTrain ? "train" : part == Part::kTest ? "test" : "validation";
}

void UnusedList::add(const std::string& why, const std::string& name) {
  auto it = std::find_if(list_.begin(), list_.end(), [&](const Unused& u) { return u.why == why; });
  if (it == list_.end()) it = list_.insert(list_.end(), Unused{why, {}, 0});
  if (++it->count <= Unused::kMostNames) it->names.push_back(name);
}

NamedParts named_parts(const std::vector<Part>& part_of_image) {
  NamedParts parts;
  for (size_t i = 0; i < part_of_image.size(); ++i) {
    if (part_of_image[i] == Part::kValidation) parts.validation.push_back(static_cast<int64_t>(i));
    if (part_of_image[i] == Part::kTest) parts.test.push_back(static_cast<int64_t>(i));
  }
  if (parts.test.empty()) parts.test.swap(parts.validation);
  return parts;
}

std::vector<Unused> unused_in(const std::string& folder, const std::vector<std::string>& read) {
  UnusedList unused;
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    if (std::find(read.begin(), read.end(), name) == read.end())
      unused.add(name[0] == '.' ? "hidden" : "other files",
                 (std::filesystem::path(folder) / name).string());
  return unused.take();
}

std::vector<std::string> list_folder(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(path, error), end;
  for (; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name[0] != '.') names.push_back(name);
  }
  if (error) throw DataError(printable(path) + ": cannot be listed: " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<SourceKind>& source_kinds() {
  static const std::vector<SourceKind> kinds = {
      {"digits", "1,797 handwritten digits, 8x8, embedded", false, open_digits, nullptr},
      {"synthetic", "patterns plus noise from a seed", false, open_synthetic, nullptr},
      {"cifar10",
       "CIFAR-10, binary version (data_batch_*.bin, test_batch.bin)",
       true,
       open_cifar10,
       is_cifar10},
      {"cifar100",
       "CIFAR-100, binary version (train.bin, test.bin)",
       true,
       open_cifar100,
       is_cifar100},
      {"idx",
       "MNIST's format, plain or .gz (train-images..., t10k-images...)",
       true,
       open_idx,
       is_idx},
      {"webdataset",
       "tar shards with NAME.jpg|png and NAME.cls|json",
       true,
       open_web_dataset,
       is_web_dataset},
      {"imagefolder",
       "one folder of JPEG and PNG files per class, below train/ and test/ or not",
       true,
       open_image_folder,
       is_image_folder},
  };
  return kinds;
}

}  // namespace nas
