#pragma once
// Who trains when in a few-shot run: numbers only, known before it begins.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "supernet/train/split/few_shot.hpp"

namespace nas {

/// Entry `i` of a list whose last one goes on.
template <typename T>
const T& at_or_last(const std::vector<T>& list, size_t i) {
  return list[std::min(i, list.size() - 1)];
}

/// Index of a choice. ConfigError at `key` that names the nearest.
size_t choice_named(const Space& space, const std::string& name, const std::string& key);

class FewShotSchedule {
 public:
  FewShotSchedule(const Space& space, const FewShotOptions& options, int64_t epochs);

  int groups_of(const Space& space, size_t level) const;
  int64_t total() const { return total_; }
  size_t levels() const { return nodes_.size(); }  ///< The last is that of the leaves.
  int node_count() const { return base_.back() + nodes_.back(); }
  int leaf_count() const { return nodes_.back(); }
  int64_t final_epochs() const { return lengths_.back(); }
  bool last(size_t level) const { return level + 1 == levels(); }
  /// Whether nodes of this level begin with fresh weights.
  bool restarts(size_t level) const;

  struct Place {
    size_t level = 0;
    int node = 0;
    int64_t epoch = 0;  ///< Of the node.
  };
  Place at(int64_t epoch) const;
  /// The inner node whose last epoch ends where `epoch` begins (a root of no epochs at 0); -1: none
  /// does.
  int split_before(int64_t epoch) const;
  size_t level_of(int node) const;
  /// Where the learning rate stands: along the branch, or from the start of what began anew.
  void place_on_schedule(const Place& place, Stage& stage) const;

 private:
  FewShotOptions options_;
  std::vector<int64_t> lengths_;  ///< Epochs of a node of each level.
  std::vector<int> nodes_;        ///< Of each level.
  std::vector<int64_t> first_;    ///< Epoch of the run at which each level begins.
  std::vector<int> base_;         ///< Number of its first node.
  int64_t total_ = 0;
};

/// The store over the leaves of `tree`.
std::unique_ptr<WeightStore> make_tree_store(const WeightsContext& context,
                                             std::shared_ptr<SplitTree> tree,
                                             const FewShotOptions& options,
                                             std::shared_ptr<const FewShotSchedule> schedule);

}  // namespace nas
