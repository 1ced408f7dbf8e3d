#pragma once
// Which choice of a node is split, and how, by its gradients: what training and `nas split` share,
// so that both come to the same.
#include <string>
#include <vector>

#include "supernet/train/split/gradient_match.hpp"
#include "supernet/weights/math/split_tree.hpp"

namespace nas {

/// Choices of a node that can be divided as `partition` asks; `named`: none but these ([]: all).
std::vector<size_t> split_candidates(const SplitTree& tree,
                                     int node,
                                     const Space& space,
                                     const PartitionOptions& partition,
                                     const std::vector<std::string>& named);

/// Whether choices can be compared by sums of distances: they have equally many options.
bool equal_option_counts(const Space& space, const std::vector<size_t>& choices);

struct FoundSplit {
  Scoring scoring;
  size_t chosen = 0;                         ///< Position in scoring.choices.
  std::vector<std::vector<int16_t>> groups;  ///< Options of the chosen choice.
};
/// Scores `choices` and takes one by `edge` (`fixed`: the choice that EdgeRule::kFixed takes).
/// Throws as score_choices and choose_edge do.
FoundSplit find_split(const ScoringSetup& setup,
                      WeightSet& weights,
                      const Domain& within,
                      const std::vector<size_t>& choices,
                      const ScoreOptions& score,
                      EdgeRule edge,
                      size_t fixed,
                      Rng& rng);

/// Groups of options, from groups of positions.
std::vector<std::vector<int16_t>> option_groups(const ChoiceScore& score);

}  // namespace nas
