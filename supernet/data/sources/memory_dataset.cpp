// Sources that fit in memory share one block of bytes; each image knows the file and record it came
// from, because a fault in a data set is found by looking at that file.
#include <algorithm>
#include <numeric>

#include "supernet/data/sources/sources.hpp"

namespace nas {

void MemoryDataset::load(int64_t index, Image& out) const {
  out.c = d_.c;
  out.h = d_.h;
  out.w = d_.w;
  const size_t count = static_cast<size_t>(d_.c) * d_.h * d_.w;
  const uint8_t* first = d_.pixels.data() + static_cast<size_t>(index) * count;
  out.pixels.assign(first, first + count);
}

std::vector<int64_t> MemoryDataset::test_indices() const {
  if (d_.test_from < 0) return {};
  std::vector<int64_t> indices(static_cast<size_t>(size() - d_.test_from));
  std::iota(indices.begin(), indices.end(), d_.test_from);
  return indices;
}

std::string MemoryDataset::where(int64_t index) const {
  auto after =
      std::upper_bound(d_.files.begin(), d_.files.end(), index, [](int64_t i, const auto& file) {
        return i < file.first;
      });
  if (after == d_.files.begin()) return "image " + std::to_string(index);
  --after;
  return after->name + " record " + std::to_string(index - after->first + after->record);
}

std::vector<std::string> numbered_classes(int n) {
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace nas
