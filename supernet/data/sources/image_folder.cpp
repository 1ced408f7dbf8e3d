// One folder per class, JPEG and PNG files in it or deeper.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"
#include "supernet/data/codecs/image_codec.hpp"
#include "supernet/data/image_layout.hpp"
#include "supernet/data/prepare.hpp"
#include "supernet/data/sources/sources.hpp"

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
             UnusedList& unused,
             Faults& faults) {
  const FolderContent content = look_into(folder, unused, faults);
  // In the order of all names, whatever they are.
  std::vector<std::string> names = content.folders;
  names.insert(names.end(), content.images.begin(), content.images.end());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const fs::path path = folder / name;
    if (std::binary_search(content.images.begin(), content.images.end(), name))
      files.push_back(path.string());
    else if (fs::is_symlink(path))
      unused.add("links to folders (not followed)", path.string());
    else
      collect(path, files, unused, faults);
  }
}

class ImageFolder : public Dataset {
 public:
  ImageFolder(const DataOptions& options, Faults& faults) : root_(options.path) {
    ImageLayout layout = image_layout(root_, faults);
    classes_ = layout.roots.front().classes;
    std::vector<Part> parts;
    for (const ClassRoot& root : layout.roots) read_images(root, layout.unused, faults);
    for (const Item& item : items_) parts.push_back(item.part);
    parts_ = named_parts(parts);
    unused_ = layout.unused.take();
    remarks_ = std::move(layout.remarks);
  }
  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  int label(int64_t index) const override { return items_[static_cast<size_t>(index)].label; }
  const std::vector<std::string>& class_names() const override { return classes_; }
  int channels() const override { return 3; }
  std::vector<int64_t> test_indices() const override { return parts_.test; }
  std::vector<int64_t> validation_indices() const override { return parts_.validation; }
  std::vector<Unused> unused() const override { return unused_; }
  std::vector<std::string> remarks() const override { return remarks_; }
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

  uint64_t stored_size(int64_t index) const override {
    std::error_code error;
    const uint64_t size = fs::file_size(where(index), error);
    return error ? 0 : size;
  }
  void read_stored(int64_t index, std::vector<uint8_t>& out) const override {
    read_file(where(index), kLargestFile, out);
  }

  /// Reads the headers of all files, once. Files that cannot be read are left to `load`.
  std::optional<std::pair<int, int>> fixed_size() const override {
    std::call_once(sizes_read_, [this] { size_ = common_size(); });
    return size_;
  }

 private:
  void read_images(const ClassRoot& root, UnusedList& unused, Faults& faults) {
    for (size_t k = 0; k < classes_.size(); ++k) {
      const fs::path path = root.path / classes_[k];
      const bool here = std::binary_search(root.classes.begin(), root.classes.end(), classes_[k]);
      std::vector<std::string> files;
      if (here) collect(path, files, unused, faults);
      if (files.empty() && root.part == Part::kTrain)
        faults.add(printable(path.string()) + ": a class without JPEG or PNG files");
      else if (files.empty() && here)
        unused.add("class folders without images", path.string());
      for (std::string& file : files)
        items_.push_back({std::move(file), static_cast<int>(k), root.part});
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
  std::vector<std::string> classes_, remarks_;
  std::vector<Unused> unused_;
  std::vector<Item> items_;
  NamedParts parts_;
  mutable std::once_flag sizes_read_;
  mutable std::optional<std::pair<int, int>> size_;
};

}  // namespace

bool is_image_folder(const std::string& path) {
  // Also where the layout is wrong: reading it says what is.
  return fs::is_directory(path) && holds_images(path, 4);
}

std::unique_ptr<Dataset> open_image_folder(const DataOptions& options, Faults& faults) {
  if (!fs::is_directory(options.path)) throw DataError(options.path + ": not a folder");
  return std::make_unique<ImageFolder>(options, faults);
}

}  // namespace nas
