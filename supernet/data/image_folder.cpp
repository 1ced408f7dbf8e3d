// One folder per class, JPEG and PNG files in it or deeper.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "spaces/error.hpp"
#include "spaces/printable.hpp"
#include "supernet/data/bytes.hpp"
#include "supernet/data/image_codec.hpp"
#include "supernet/data/prepare.hpp"
#include "supernet/data/sources.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestFile = uint64_t{1} << 30;
/// Enough for the header of nearly every file (some carry a thumbnail or a profile before it).
constexpr size_t kHead = 64 << 10;

struct Item {
  std::string path;  ///< Below the root.
  int label = 0;
  Part part = Part::kTrain;
};

/// Image files in `folder` and below, in order of their bytes. Links to folders are not followed
/// (they may form circles); links to files are.
void collect(const fs::path& folder,
             std::vector<std::string>& files,
             std::vector<std::string>& ignored_files,
             Faults& faults) {
  std::vector<std::string> names;
  try {
    names = list_folder(folder.string());
  } catch (const DataError& e) {
    return faults.add(e.what());
  }
  for (const std::string& name : names) {
    const fs::path path = folder / name;
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(path, ignored))) {
      collect(path, files, ignored_files, faults);
    } else if (has_image_extension(name) && !fs::is_directory(path, ignored)) {
      files.push_back(path.string());
    } else {
      ignored_files.push_back(path.string());
    }
  }
}

std::vector<std::string> subfolders(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const std::string& name : list_folder(folder.string()))
    if (fs::is_directory(folder / name, ignored)) names.push_back(name);
  return names;
}

/// Folders that hold classes: train/, val/, test/ where train/ is there, else the root.
std::vector<std::pair<fs::path, Part>> class_roots(const fs::path& root) {
  std::vector<std::pair<fs::path, Part>> roots;
  std::error_code ignored;
  if (fs::is_directory(root / "train", ignored)) {
    for (const std::string& name : subfolders(root))
      if (const auto part = part_of_word(name)) roots.emplace_back(root / name, *part);
    std::sort(roots.begin(), roots.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;
    });
  } else {
    roots.emplace_back(root, Part::kTrain);
  }
  return roots;
}

class ImageFolder : public Dataset {
 public:
  ImageFolder(const DataOptions& options, Faults& faults) : root_(options.path) {
    const auto roots = class_roots(root_);
    read_classes(roots, faults);
    std::vector<Part> parts;
    for (const auto& [folder, part] : roots) read_images(folder, part, faults);
    for (const Item& item : items_) parts.push_back(item.part);
    parts_ = named_parts(parts);
  }
  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  int label(int64_t index) const override { return items_[static_cast<size_t>(index)].label; }
  const std::vector<std::string>& class_names() const override { return classes_; }
  int channels() const override { return 3; }
  std::vector<int64_t> test_indices() const override { return parts_.test; }
  std::vector<int64_t> validation_indices() const override { return parts_.validation; }
  std::vector<std::string> ignored_files() const override { return ignored_; }
  std::string where(int64_t index) const override {
    return items_[static_cast<size_t>(index)].path;
  }
  std::string describe() const override {
    return "imagefolder: " + std::to_string(items_.size()) + " images (" +
           std::to_string(parts_.test.size()) + " named test), " + std::to_string(classes_.size()) +
           " classes (" + root_.string() + ")";
  }

  void load(int64_t index, Image& out) const override {
    thread_local Bytes bytes;
    const std::string path = where(index);
    read_file(path, kLargestFile, bytes);
    decode_image(bytes, printable(path), out);
    convert_channels(out, 3);  // Grey files beside colour ones.
  }

  /// Reads the headers of all files, once. Files that cannot be read are left to `load`.
  std::optional<std::pair<int, int>> fixed_size() const override {
    std::call_once(sizes_read_, [this] { size_ = common_size(); });
    return size_;
  }

 private:
  void read_classes(const std::vector<std::pair<fs::path, Part>>& roots, Faults& faults) {
    classes_ = subfolders(roots.front().first);
    if (classes_.empty())
      throw DataError(roots.front().first.string() +
                      ": holds no folders; one folder of images per class is expected");
    for (size_t r = 1; r < roots.size(); ++r)
      for (const std::string& name : subfolders(roots[r].first))
        if (!std::binary_search(classes_.begin(), classes_.end(), name))
          faults.add(printable((roots[r].first / name).string()) + ": class '" + printable(name) +
                     "' is not among those of " + printable(roots.front().first.string()));
  }

  void read_images(const fs::path& folder, Part part, Faults& faults) {
    for (size_t k = 0; k < classes_.size(); ++k) {
      const fs::path path = folder / classes_[k];
      std::vector<std::string> files;
      std::error_code ignored;
      if (fs::is_directory(path, ignored)) collect(path, files, ignored_, faults);
      if (files.empty() && part == Part::kTrain)
        faults.add(printable(path.string()) + ": a class without JPEG or PNG files");
      for (std::string& file : files)
        items_.push_back({std::move(file), static_cast<int>(k), part});
    }
  }

  std::optional<std::pair<int, int>> common_size() const {
    std::optional<std::pair<int, int>> common;
    std::vector<char> head(kHead);
    for (const Item& item : items_) {
      std::ifstream in(item.path, std::ios::binary);
      in.read(head.data(), static_cast<std::streamsize>(head.size()));
      const auto* first = reinterpret_cast<const uint8_t*>(head.data());
      const auto size = peek_image_size({first, static_cast<size_t>(in.gcount())});
      if (!size) continue;
      const auto pair = std::make_pair(size->h, size->w);
      if (common && *common != pair) return std::nullopt;
      common = pair;
    }
    return common;
  }

  fs::path root_;
  std::vector<std::string> classes_, ignored_;
  std::vector<Item> items_;
  NamedParts parts_;
  mutable std::once_flag sizes_read_;
  mutable std::optional<std::pair<int, int>> size_;
};

}  // namespace

bool is_image_folder(const std::string& path) {
  if (!fs::is_directory(path)) return false;
  Faults faults(/*collect=*/true);
  for (const auto& [folder, part] : class_roots(path))
    for (const std::string& name : subfolders(folder)) {
      std::vector<std::string> files, ignored;
      collect(folder / name, files, ignored, faults);
      if (!files.empty()) return true;
    }
  return false;
}

std::unique_ptr<Dataset> open_image_folder(const DataOptions& options, Faults& faults) {
  if (!fs::is_directory(options.path)) throw DataError(options.path + ": not a folder");
  return std::make_unique<ImageFolder>(options, faults);
}

}  // namespace nas
