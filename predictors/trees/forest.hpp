#pragma once
// Regression trees as flat arrays, and many rows through all of them.
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nas {

/// Trees one after the other. A node: feature < 0 is a leaf that adds `value`; else rows whose
/// feature is below `value` go to node `left` of the same tree, others to the one after it.
struct Forest {
  std::vector<int> feature, left, roots;
  std::vector<float> value;
};

/// A forest in the form in which it answers. Sums are those of one row after the other, tree by
/// tree, to the last bit.
class ForestSums {
 public:
  static constexpr size_t kRows = 64;  ///< Of a block, at most.

  ForestSums() = default;
  /// Children stand behind their parents.
  explicit ForestSums(const Forest& forest);

  size_t trees() const { return roots_.size(); }
  /// Rows of a block, column after column, each `step` numbers behind the one before. Trees see
  /// them as floats.
  struct Block {
    const double* values = nullptr;
    size_t step = 0, columns = 0, rows = 0;  ///< rows <= kRows
  };
  /// Adds what trees begin .. end - 1 answer to the rows to `sums`, which has kRows numbers.
  void add(const Block& block, size_t begin, size_t end, double* sums) const;

 private:
  static constexpr size_t kLanes = 8;  ///< Rows whose leaves are looked up together.
  struct Node {
    int feature;
    float value;
    int next,
        other;  ///< Where a small value leads, and how much further another; a leaf: itself, 0.
  };
  struct Question {
    int feature;
    float value;
    auto operator<=>(const Question&) const = default;  // NOLINT(modernize-use-nullptr): tidy 14
  };
  void fill(const Forest& forest, size_t tree, size_t node, int level, size_t place);
  void walk(const Block& block, size_t begin, size_t end, double* sums) const;
  void ask(const Block& block, uint64_t* answers) const;
  size_t leaves_of_tree() const { return std::max<size_t>(size_t{1} << depth_, kLanes); }

  std::vector<int> roots_, depths_;
  std::vector<Node> nodes_;
  // Where few questions are asked many times: complete trees of one depth.
  bool sliced_ = false;
  int depth_ = 0;
  std::vector<Question> questions_;
  std::vector<uint32_t> asked_;  ///< By tree and place (0: the root, then 2 p + 1 and 2 p + 2).
  std::vector<float> leaves_;    ///< By tree, leaves_of_tree() each, left to right.
};

}  // namespace nas
