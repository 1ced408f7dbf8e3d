#include "supernet/data/sources.hpp"

#include <algorithm>
#include <filesystem>

#include "spaces/error.hpp"
#include "spaces/printable.hpp"

namespace nas {

void Faults::add(const std::string& what) {
  if (!collect_) throw DataError(what);
  found_.push_back(what);
}

std::optional<Part> part_of_word(const std::string& word) {
  if (word == "train") return Part::kTrain;
  if (word == "val" || word == "valid" || word == "validation") return Part::kValidation;
  if (word == "test") return Part::kTest;
  return std::nullopt;
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
