// IDX files (MNIST, Fashion-MNIST, EMNIST, KMNIST): magic 0 0 TYPE DIMS, sizes, then the values.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"
#include "supernet/data/codecs/image_codec.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{8} << 30;
constexpr uint64_t kLongestHeader = 20;

struct IdxArray {
  std::vector<uint64_t> sizes;
  Bytes bytes;       ///< With the header.
  size_t first = 0;  ///< Of the values.
};

struct Files {
  std::string images, labels;
};
struct Found {
  std::optional<Files> train, test;
};

uint64_t values_of(const IdxArray& a, const std::string& name) {
  uint64_t count = 1;
  for (const uint64_t s : a.sizes) {
    if (s != 0 && count > kMostBytes / s)
      throw DataError(name + ": at byte 4: the sizes need more than " + std::to_string(kMostBytes) +
                      " bytes; the header is damaged or this is not IDX");
    count *= s;
  }
  return count;
}

/// Header only; `bytes` may hold more.
IdxArray parse_header(std::span<const uint8_t> bytes, const std::string& name) {
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0)
    throw DataError(name + ": at byte 0: not an IDX file (it begins with two zero bytes)");
  if (bytes[2] != 0x08)
    throw DataError(name + ": at byte 2: values of type " + std::to_string(bytes[2]) +
                    "; expected 8 (unsigned bytes)");
  IdxArray a;
  const size_t dims = bytes[3];
  a.first = 4 + 4 * dims;
  if (dims < 1 || dims > 4 || bytes.size() < a.first)
    throw DataError(name + ": at byte 3: " + std::to_string(dims) +
                    " dimensions; expected 1 (labels), 3 or 4 (images), and their sizes");
  for (size_t d = 0; d < dims; ++d) a.sizes.push_back(read_be32(bytes.data() + 4 + 4 * d));
  return a;
}

/// With `faults` collected, a file that was cut short gives the values that are whole.
IdxArray read_idx(const std::string& name, Faults& faults) {
  Bytes bytes = read_file(name, kMostBytes);
  const bool packed = is_gzip(bytes);
  IdxArray a = parse_header(packed ? gunzip(bytes, name, kLongestHeader, true) : bytes, name);
  const uint64_t expected = a.first + values_of(a, name);
  // Inflates only as much as the header announces.
  if (packed) bytes = gunzip(bytes, name, expected);
  if (bytes.size() != expected) {
    faults.add(name + ": holds " + std::to_string(bytes.size()) + " bytes, but its header needs " +
               std::to_string(expected) +
               (bytes.size() < expected ? "; it was cut short" : "; it has bytes too many"));
    const uint64_t each = (expected - a.first) / std::max<uint64_t>(1, a.sizes[0]);
    a.sizes[0] = std::min(a.sizes[0], (bytes.size() - a.first) / std::max<uint64_t>(1, each));
  }
  a.bytes = std::move(bytes);
  return a;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.rfind(from);
  return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

/// The labels that belong to a file of images: "images" to "labels", idx3 or idx4 to idx1, with or
/// without .gz.
std::string labels_beside(const fs::path& images) {
  std::string name = replaced(images.filename().string(), "images", "labels");
  for (const char* rank : {"idx3", "idx4"})
    if (const std::string other = replaced(name, rank, "idx1"); !other.empty()) name = other;
  if (name.empty()) return "";
  std::string toggled = name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name + ".gz";
  for (const std::string& candidate : {name, toggled})
    if (fs::exists(images.parent_path() / candidate))
      return (images.parent_path() / candidate).string();
  return "";
}

void take(const fs::path& images, std::optional<Files>& slot) {
  const std::string labels = labels_beside(images);
  if (labels.empty())
    throw DataError(images.string() + ": its labels are missing (" +
                    replaced(images.filename().string(), "images", "labels") + ")");
  if (slot) {
    // x and x.gz are the same data; anything else is a choice that is not ours.
    if (slot->images + ".gz" == images.string()) return;
    throw DataError(slot->images + " and " + images.filename().string() +
                    ": two sets in one folder; name one file of images in data.path");
  }
  slot = Files{images.string(), labels};
}

/// `name` is a file of images of that part.
bool names_images(const std::string& name, const char* part) {
  const size_t at = name.find(std::string(part) + "-images");
  return at != std::string::npos && (at == 0 || name[at - 1] == '-');
}

Found find_files(const std::string& path) {
  Found found;
  if (fs::is_regular_file(path)) {
    take(path, found.train);
    // The test images beside named training images.
    for (const char* test : {"t10k-images", "test-images"}) {
      const std::string other = replaced(fs::path(path).filename().string(), "train-images", test);
      const fs::path file = fs::path(path).parent_path() / other;
      if (!other.empty() && !found.test && fs::exists(file)) take(file, found.test);
    }
    return found;
  }
  for (const std::string& name : list_folder(path)) {
    if (names_images(name, "train")) take(fs::path(path) / name, found.train);
    if (names_images(name, "t10k") || names_images(name, "test"))
      take(fs::path(path) / name, found.test);
  }
  return found;
}

/// Channels, height and width of [n, h, w], [n, c, h, w] or [n, h, w, c]; `last`: channels are
/// last.
struct Form {
  uint64_t c = 1, h = 0, w = 0;
  bool last = false;
  bool operator==(const Form&) const = default;
};

Form form_of(const IdxArray& a, const std::string& name) {
  Form f;
  if (a.sizes.size() == 3) {
    f = {1, a.sizes[1], a.sizes[2], false};
  } else if (a.sizes.size() == 4 && (a.sizes[1] == 1 || a.sizes[1] == 3)) {
    f = {a.sizes[1], a.sizes[2], a.sizes[3], false};
  } else if (a.sizes.size() == 4 && (a.sizes[3] == 1 || a.sizes[3] == 3)) {
    f = {a.sizes[3], a.sizes[1], a.sizes[2], true};
  } else {
    throw DataError(
        name + ": at byte 3: not an array of images (3 dimensions, or 4 with 1 or 3 channels)");
  }
  detail::check_image_size(static_cast<int64_t>(f.w), static_cast<int64_t>(f.h), name);
  return f;
}

/// How many images have a label.
uint64_t labelled(const IdxArray& images,
                  const IdxArray& labels,
                  const Files& files,
                  Faults& faults) {
  if (labels.sizes.size() != 1)
    throw DataError(files.labels + ": at byte 3: " + std::to_string(labels.sizes.size()) +
                    " dimensions; labels have 1");
  if (labels.sizes[0] != images.sizes[0])
    faults.add(files.labels + ": " + std::to_string(labels.sizes[0]) + " labels for the " +
               std::to_string(images.sizes[0]) + " images of " + files.images);
  return std::min(labels.sizes[0], images.sizes[0]);
}

void append(const Files& files,
            std::optional<Form>& form,
            MemoryDataset::Content& out,
            Faults& faults) {
  const IdxArray images = read_idx(files.images, faults), labels = read_idx(files.labels, faults);
  const Form f = form_of(images, files.images);
  const uint64_t count = labelled(images, labels, files, faults);
  if (form && !(*form == f))
    return faults.add(files.images + ": its images have another shape than the training images");
  form = f;
  out.files.push_back({static_cast<int64_t>(out.labels.size()), files.images, 0});
  const auto first_label = labels.bytes.begin() + static_cast<ptrdiff_t>(labels.first);
  out.labels.insert(out.labels.end(), first_label, first_label + static_cast<ptrdiff_t>(count));
  if (!f.last || f.c == 1) {
    const auto first = images.bytes.begin() + static_cast<ptrdiff_t>(images.first);
    out.pixels.insert(
        out.pixels.end(), first, first + static_cast<ptrdiff_t>(count * f.c * f.h * f.w));
    return;
  }
  Image image{3, static_cast<int>(f.h), static_cast<int>(f.w), {}};
  for (uint64_t i = 0; i < count; ++i) {
    detail::planar_from_interleaved(images.bytes.data() + images.first + i * 3 * f.h * f.w, image);
    out.pixels.insert(out.pixels.end(), image.pixels.begin(), image.pixels.end());
  }
}

void tell_unused(const std::string& path, const Found& found, MemoryDataset::Content& content) {
  if (!found.test) content.remarks.emplace_back(kNoTestRemark);
  if (!fs::is_directory(path)) return;
  std::vector<std::string> read;
  for (const auto& files : {found.train, found.test})
    if (files)
      for (const std::string& name : {files->images, files->labels})
        read.push_back(fs::path(name).filename().string());
  content.unused = unused_in(path, read);
}

}  // namespace

bool is_idx(const std::string& path) {
  if (fs::is_regular_file(path)) {
    const std::string name = fs::path(path).filename().string();
    return name.find("-images") != std::string::npos && name.find("ubyte") != std::string::npos;
  }
  for (const std::string& name : list_folder(path))
    if (names_images(name, "train") && name.find("ubyte") != std::string::npos) return true;
  return false;
}

std::unique_ptr<Dataset> open_idx(const DataOptions& options, Faults& faults) {
  const Found found = find_files(options.path);
  if (!found.train) throw DataError(options.path + ": no train-images... file was found here");
  MemoryDataset::Content content;
  std::optional<Form> form;
  append(*found.train, form, content, faults);
  const int64_t train = static_cast<int64_t>(content.labels.size());
  if (found.test) {
    content.test_from = train;
    try {
      append(*found.test, form, content, faults);
    } catch (const DataError& e) {
      // The training images can be looked at even so.
      faults.add(e.what());
    }
  }
  tell_unused(options.path, found, content);
  if (content.labels.empty()) throw DataError(found.train->images + ": holds no images");
  content.c = static_cast<int>(form->c);
  content.h = static_cast<int>(form->h);
  content.w = static_cast<int>(form->w);
  content.class_names =
      numbered_classes(*std::max_element(content.labels.begin(), content.labels.end()) + 1);
  content.description = "idx: " + std::to_string(train) + " training and " +
                        std::to_string(content.labels.size() - static_cast<size_t>(train)) +
                        " test images, " + std::to_string(content.c) + "x" +
                        std::to_string(content.h) + "x" + std::to_string(content.w) + ", " +
                        std::to_string(content.class_names.size()) + " classes (" + options.path +
                        ")";
  return std::make_unique<MemoryDataset>(std::move(content));
}

}  // namespace nas
