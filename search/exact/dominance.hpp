#pragma once
// Sets of partial solutions of which none betters another in all that counts.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace nas::exact {

/// Partial solutions: sums (to be small) and genes of what they decide, the others -1.
struct PartSet {
  size_t dims = 0, genes_each = 0;
  std::vector<int64_t> sums;
  std::vector<int16_t> genes;

  PartSet(size_t dims_, size_t genes_) : dims(dims_), genes_each(genes_) {}
  size_t size() const { return sums.size() / dims; }
  std::span<const int64_t> sums_of(size_t i) const { return {sums.data() + i * dims, dims}; }
  std::span<const int16_t> genes_of(size_t i) const {
    return {genes.data() + i * genes_each, genes_each};
  }
  void add(std::span<const int64_t> more_sums, std::span<const int16_t> more_genes) {
    sums.insert(sums.end(), more_sums.begin(), more_sums.end());
    genes.insert(genes.end(), more_genes.begin(), more_genes.end());
  }
  void add_all(const PartSet& other) {
    sums.insert(sums.end(), other.sums.begin(), other.sums.end());
    genes.insert(genes.end(), other.genes.begin(), other.genes.end());
  }
};

/// Whether a solution with these sums may lead to one that is wanted.
using Keep = std::function<bool(const int64_t* sums)>;

/// Those that no other one betters or equals, rising by sums; of equals the first by genes.
PartSet undominated(const PartSet& all);
/// The same of all pairs that decide different choices. TooMany above `most`.
PartSet combined(const PartSet& x, const PartSet& y, const Keep& keep, size_t most);

}  // namespace nas::exact
