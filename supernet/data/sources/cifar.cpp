// CIFAR-10 and CIFAR-100, binary version: records of the label byte(s) and 3x32x32 pixels.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kCifarPixels = 3 * 32 * 32;

/// The folder itself, or the one of the original archive below it, that holds `file`.
std::optional<fs::path> find_folder(const fs::path& path, const char* archive, const char* file) {
  std::error_code ignored;
  if (fs::is_regular_file(path / file, ignored)) return path;
  if (fs::is_regular_file(path / archive / file, ignored)) return path / archive;
  return std::nullopt;
}
std::optional<fs::path> cifar10_folder(const std::string& path) {
  return find_folder(path, "cifar-10-batches-bin", "data_batch_1.bin");
}
std::optional<fs::path> cifar100_folder(const std::string& path) {
  return find_folder(path, "cifar-100-binary", "train.bin");
}

/// Record layout: one byte for each kind of label (its number of classes), of which that at `use`
/// counts.
struct Layout {
  std::vector<int> classes{10};
  size_t use = 0;
};

/// All labels of a record are checked, so that a damaged file is told whichever is used.
std::string label_fault(const uint8_t* record, const Layout& layout) {
  for (size_t i = 0; i < layout.classes.size(); ++i)
    if (record[i] >= layout.classes[i])
      return "label " + std::to_string(record[i]) + " (byte " + std::to_string(i) +
             " of the record); expected 0 to " + std::to_string(layout.classes[i] - 1);
  return "";
}

void append(const fs::path& file,
            const Layout& layout,
            MemoryDataset::Content& out,
            Faults& faults) {
  const std::string name = file.string();
  Bytes bytes;
  try {
    bytes = read_file(name);
  } catch (const DataError& e) {
    return faults.add(e.what());
  }
  const uint64_t labels = layout.classes.size(), record = labels + kCifarPixels;
  const uint64_t left = bytes.size() % record;
  if (bytes.empty() || left != 0)
    faults.add(name + ": " + std::to_string(bytes.size()) + " bytes are not whole records of " +
               std::to_string(record) + "; the one at byte " + std::to_string(bytes.size() - left) +
               " is cut short");
  out.pixels.reserve(out.pixels.size() + bytes.size() / record * kCifarPixels);
  // `where` counts records from here on.
  bool counted = false;
  for (uint64_t at = 0; at + record <= bytes.size(); at += record) {
    const std::string fault = label_fault(bytes.data() + at, layout);
    if (!fault.empty()) {
      faults.add(name + ": at byte " + std::to_string(at) + ": record " +
                 std::to_string(at / record) + ": " + fault);
      counted = false;
      continue;
    }
    if (!counted)
      out.files.push_back(
          {static_cast<int64_t>(out.labels.size()), name, static_cast<int64_t>(at / record)});
    counted = true;
    out.labels.push_back(bytes[at + layout.use]);
    const auto first = bytes.begin() + static_cast<ptrdiff_t>(at + labels);
    out.pixels.insert(out.pixels.end(), first, first + static_cast<ptrdiff_t>(kCifarPixels));
  }
}

/// Lines of a names file; numbers where it is absent.
std::vector<std::string> read_names(const fs::path& file, int classes, Faults& faults) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.empty()) return numbered_classes(classes);
  if (static_cast<int>(names.size()) == classes) return names;
  faults.add(file.string() + ": " + std::to_string(names.size()) + " names; expected " +
             std::to_string(classes));
  return numbered_classes(classes);
}

std::unique_ptr<Dataset> finish(MemoryDataset::Content content,
                                const fs::path& folder,
                                const std::string& kind) {
  content.c = 3;
  content.h = content.w = 32;
  const int64_t all = static_cast<int64_t>(content.labels.size());
  const int64_t test = content.test_from < 0 ? 0 : all - content.test_from;
  if (content.test_from < 0) content.remarks.emplace_back(kNoTestRemark);
  content.description = kind + ": " + std::to_string(all - test) + " training and " +
                        std::to_string(test) + " test images, 3x32x32, " +
                        std::to_string(content.class_names.size()) + " classes (" +
                        folder.string() + ")";
  return std::make_unique<MemoryDataset>(std::move(content));
}

[[noreturn]] void not_here(const DataOptions& o, const std::string& wanted) {
  throw DataError(o.path + ": " + wanted + " was not found here (unpack the *binary version* of " +
                  o.kind + ")");
}

}  // namespace

bool is_cifar10(const std::string& path) {
  return cifar10_folder(path).has_value();
}
bool is_cifar100(const std::string& path) {
  return cifar100_folder(path).has_value();
}

std::unique_ptr<Dataset> open_cifar10(const DataOptions& options, Faults& faults) {
  const auto folder = cifar10_folder(options.path);
  if (!folder) not_here(options, "data_batch_1.bin");
  MemoryDataset::Content content;
  const Layout layout;
  int last = 1;
  for (const std::string& name : list_folder(folder->string()))
    if (name.size() == 16 && name.starts_with("data_batch_") && name.ends_with(".bin"))
      last = std::max(last, name[11] - '0');
  // A gap is a missing file, not a smaller data set: reading it says so.
  for (int i = 1; i <= last; ++i)
    append(*folder / ("data_batch_" + std::to_string(i) + ".bin"), layout, content, faults);
  if (fs::exists(*folder / "test_batch.bin")) {
    content.test_from = static_cast<int64_t>(content.labels.size());
    append(*folder / "test_batch.bin", layout, content, faults);
  }
  std::vector<std::string> read = {"test_batch.bin", "batches.meta.txt", "readme.html"};
  for (int i = 1; i <= last; ++i) read.push_back("data_batch_" + std::to_string(i) + ".bin");
  content.unused = unused_in(folder->string(), read);
  if (last < 5)
    content.remarks.push_back(std::to_string(last) +
                              " of the 5 training files of CIFAR-10 are here (data_batch_*.bin)");
  content.class_names = read_names(*folder / "batches.meta.txt", 10, faults);
  content.normalisation = Normalisation{{0.49139968F, 0.48215827F, 0.44653124F},
                                        {0.24703233F, 0.24348505F, 0.26158768F}};
  return finish(std::move(content), *folder, "cifar10");
}

std::unique_ptr<Dataset> open_cifar100(const DataOptions& options, Faults& faults) {
  const auto folder = cifar100_folder(options.path);
  if (!folder) not_here(options, "train.bin");
  const bool fine = options.labels == "fine";
  const Layout layout{{20, 100}, fine ? 1U : 0U};
  MemoryDataset::Content content;
  append(*folder / "train.bin", layout, content, faults);
  if (fs::exists(*folder / "test.bin")) {
    content.test_from = static_cast<int64_t>(content.labels.size());
    append(*folder / "test.bin", layout, content, faults);
  }
  content.unused = unused_in(
      folder->string(),
      {"train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt", "readme.html"});
  content.class_names =
      read_names(*folder / (fine ? "fine_label_names.txt" : "coarse_label_names.txt"),
                 fine ? 100 : 20,
                 faults);
  content.normalisation = Normalisation{{125.3F / 255, 123.0F / 255, 113.9F / 255},
                                        {63.0F / 255, 62.1F / 255, 66.7F / 255}};
  return finish(std::move(content), *folder, fine ? "cifar100" : "cifar100 (coarse labels)");
}

}  // namespace nas
