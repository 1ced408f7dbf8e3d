#pragma once
// The kinds of data. A new kind: one file with an opener, one row in the table of sources.cpp.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "supernet/data/dataset.hpp"

namespace nas {

/// Mistakes of a source that leave something to look at: training stops at the first, `nas data
/// check` collects them and goes on with what is whole.
class Faults {
 public:
  explicit Faults(bool collect) : collect_(collect) {}
  /// Throws DataError unless they are collected.
  void add(const std::string& what);
  const std::vector<std::string>& found() const { return found_; }

 private:
  bool collect_;
  std::vector<std::string> found_;
};

/// open_source() with its mistakes collected. What leaves nothing to look at is thrown even so.
std::unique_ptr<Dataset> open_source(const DataOptions& options, Faults& faults);

struct SourceKind {
  std::string name;
  std::string help;
  bool needs_path;
  std::unique_ptr<Dataset> (*open)(const DataOptions& options, Faults& faults);
  /// Whether the folder or file at `path` looks like this kind; may be null.
  bool (*recognises)(const std::string& path);
};
const std::vector<SourceKind>& source_kinds();

/// Images of one size, held as bytes. `test_from`: the test images are those from this index on.
class MemoryDataset : public Dataset {
 public:
  struct Content {
    int c = 1, h = 0, w = 0;
    std::vector<uint8_t> pixels;  ///< [n, c, h, w]
    std::vector<int> labels;
    std::vector<std::string> class_names;
    int64_t test_from = -1;  ///< -1: the source names no test images.
    std::optional<Normalisation> normalisation;
    std::string description;
    /// Records that follow one another in a file: the index and the number of the first.
    struct File {
      int64_t first = 0;
      std::string name;
      int64_t record = 0;
    };
    std::vector<File> files;  ///< In order, for `where`.
    std::vector<Unused> unused;
    std::vector<std::string> remarks;
  };
  explicit MemoryDataset(Content content) : d_(std::move(content)) {}
  int64_t size() const override { return static_cast<int64_t>(d_.labels.size()); }
  int label(int64_t index) const override { return d_.labels.at(static_cast<size_t>(index)); }
  void load(int64_t index, Image& out) const override;
  const std::vector<std::string>& class_names() const override { return d_.class_names; }
  int channels() const override { return d_.c; }
  std::optional<std::pair<int, int>> fixed_size() const override {
    return std::make_pair(d_.h, d_.w);
  }
  std::vector<int64_t> test_indices() const override;
  std::optional<Normalisation> known_normalisation() const override { return d_.normalisation; }
  std::string describe() const override { return d_.description; }
  std::string where(int64_t index) const override;
  std::vector<Unused> unused() const override { return d_.unused; }
  std::vector<std::string> remarks() const override { return d_.remarks; }

 private:
  Content d_;
};

std::unique_ptr<Dataset> open_digits(const DataOptions& options, Faults& faults);
std::unique_ptr<Dataset> open_synthetic(const DataOptions& options, Faults& faults);
std::unique_ptr<Dataset> open_cifar10(const DataOptions& options, Faults& faults);
std::unique_ptr<Dataset> open_cifar100(const DataOptions& options, Faults& faults);
std::unique_ptr<Dataset> open_idx(const DataOptions& options, Faults& faults);
std::unique_ptr<Dataset> open_image_folder(const DataOptions& options, Faults& faults);
std::unique_ptr<Dataset> open_web_dataset(const DataOptions& options, Faults& faults);
/// A name of shards with {000..012}, {a,b}, * or ?, and no file or folder of this very name.
bool is_shard_pattern(const std::string& path);
bool is_cifar10(const std::string& path);
bool is_cifar100(const std::string& path);
bool is_idx(const std::string& path);
bool is_image_folder(const std::string& path);
bool is_web_dataset(const std::string& path);

enum class Part { kTrain, kValidation, kTest };
/// Parts that the data names itself, as the indices of the two that are not training. A held-out
/// part that is alone (val/ without test/) is the test.
struct NamedParts {
  std::vector<int64_t> validation, test;
};
NamedParts named_parts(const std::vector<Part>& part_of_image);
/// What names a split, in any case and with or without `set`, `data` or `images` after it: train,
/// training; val, valid, validation; test, testing. nullopt for any other word.
std::optional<Part> part_of_word(const std::string& word);
/// The one split that a longer name tells by one of its words (imagenet-val-003, train2017);
/// nullopt where there is none; `ambiguous` where there are several.
std::optional<Part> part_in_name(const std::string& name, bool* ambiguous = nullptr);
const char* name_of(Part part);
/// Gathers what is not read, by reason, in the order of first appearance.
class UnusedList {
 public:
  void add(const std::string& why, const std::string& name);
  std::vector<Unused> take() { return std::move(list_); }
  const std::vector<Unused>& list() const { return list_; }

 private:
  std::vector<Unused> list_;
};

/// Entries of `folder` that are none of `read`, hidden ones included.
std::vector<Unused> unused_in(const std::string& folder, const std::vector<std::string>& read);
inline constexpr const char* kNoTestRemark =
    "the data has no test images of its own; the test split is a share of the training images "
    "(data.test)";

/// Names of the entries of a folder, sorted by bytes, hidden ones left out. DataError when it
/// cannot be read.
std::vector<std::string> list_folder(const std::string& path);

/// "0", "1", ... for sources without class names.
std::vector<std::string> numbered_classes(int n);

}  // namespace nas
