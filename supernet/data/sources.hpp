#pragma once
// The kinds of data. A new kind: one file with an opener, one row in the table of sources.cpp.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "supernet/data/dataset.hpp"

namespace nas {

struct SourceKind {
  std::string name;
  std::string help;
  bool needs_path;
  std::unique_ptr<Dataset> (*open)(const DataOptions& options);
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
    /// Files in order and the first index of each, for `where`.
    std::vector<std::pair<int64_t, std::string>> files;
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

 private:
  Content d_;
};

std::unique_ptr<Dataset> open_digits(const DataOptions& options);
std::unique_ptr<Dataset> open_synthetic(const DataOptions& options);

/// "0", "1", ... for sources without class names.
std::vector<std::string> numbered_classes(int n);

}  // namespace nas
