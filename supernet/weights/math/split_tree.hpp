#pragma once
// The tree of a few-shot supernet (gradient_matching.md 1, 2, 4): an inner node holds the choice on
// which it was split and the partition of its options, a leaf trains within what is left. No torch.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/restriction.hpp"
#include "spaces/space.hpp"
#include "supernet/weights/math/partition.hpp"

namespace nas {

/// What the scoring of one choice of a node found.
struct ChoiceScore {
  size_t choice = 0;
  std::vector<int16_t> options;  ///< That `distance` is about, in its order.
  DistanceMatrix distance;       ///< Mean over all batches.
  Partition partition;           ///< Groups of positions in `options`.
  int64_t batches = 0;
  bool usable = true;  ///< Its gradients were finite.
  /// Whether two disjoint halves of the batches give the same partition; false: there is no
  /// evidence for it.
  bool halves_agree = false;
  /// As many groups as options: halves agree whatever the gradients are.
  bool only_way() const { return options.size() == partition.groups.size(); }
};

/// One score as JSON, to the last bit; back again, DataError where it is none of this space.
std::string score_json(const ChoiceScore& score, const Space& space);
ChoiceScore score_from_json(std::string_view json, const Space& space);

struct SplitNode {
  int id = 0;  ///< Its position; the root is 0, children follow in order of creation.
  int parent = -1;
  int depth = 0;
  Restriction within;
  /// Epochs of the run that trained it, from `first` on, not necessarily in a row.
  int64_t first = 0, epochs = 0;
  bool restarted = false;  ///< Began with fresh weights, not its parent's.
  int choice = -1;         ///< On which it was split; -1: a leaf.
  std::vector<std::vector<int16_t>> groups;
  std::vector<int> children;
  std::vector<ChoiceScore> scores;
  int64_t scoring_passes = 0;  ///< Forward and backward passes of its scoring.
  double scoring_macs = 0;     ///< Their multiply-adds, forward.
};

class SplitTree {
 public:
  explicit SplitTree(const Space& space);

  const std::vector<SplitNode>& nodes() const { return nodes_; }
  SplitNode& node(int id) { return nodes_.at(static_cast<size_t>(id)); }
  const SplitNode& node(int id) const { return nodes_.at(static_cast<size_t>(id)); }
  std::vector<int> leaves() const;
  /// The one leaf that an architecture belongs to, by its canonical form, so that architectures of
  /// equal function are judged alike. std::logic_error when there is none: a mistake of the tree.
  int leaf_of(const Architecture& a) const;
  /// Exactly the architectures that leaf_of sends there: what a leaf is trained on (`within`) less
  /// those in which a choice split above it is closed and which go to that choice's first option.
  Restriction own(int leaf) const;
  /// Choices of a node that may be split: not split before on this branch, with at least `groups *
  /// min_group` options, and always active; or, with `conditional`, active in some architecture of
  /// the node. Where a choice that was split is not active, leaf_of takes the group of its first
  /// option, so that kernels of blocks can be split whatever the depth (2.4).
  std::vector<size_t> splittable(int id, int groups, int min_group, bool conditional = false) const;
  /// Divides a leaf; `groups` must be a partition of its options of `choice` (std::logic_error).
  /// The ids of the children.
  std::vector<int> split(int id, size_t choice, std::vector<std::vector<int16_t>> groups);

  /// Version, nodes and scores as JSON; read back by load(), DataError when it is another space's.
  std::string json() const;
  void load(std::string_view json);
  /// The tree as text: choices, groups, cut values, epochs. `values`: a text for each leaf, e.g.
  /// its accuracy; may be empty.
  std::string text(const std::vector<std::string>& values = {}) const;

 private:
  Restriction open_only(size_t choice, Restriction within) const;
  bool may_be_active(size_t choice, const Restriction& within) const;
  const Space& space_;
  std::vector<SplitNode> nodes_;
};

}  // namespace nas
