#pragma once
// Few-shot supernets (gradient_matching.md): a tree of weight sets. Each split divides the options
// of one choice among children that begin with their parent's weights or fresh ones; leaves divide
// the space among them.
#include <memory>
#include <string>
#include <vector>

#include "supernet/train/curriculum.hpp"
#include "supernet/train/split/gradient_match.hpp"
#include "supernet/weights/math/mixture.hpp"
#include "supernet/weights/math/split_tree.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas {

enum class SplitCriterion {
  kGradient,    ///< The choice and the groups that gradients tell.
  kRandom,      ///< Both drawn: the baseline of equal machinery.
  kExhaustive,  ///< A leaf for each option of the named choice (few-shot NAS).
};
enum class Restart {
  kFinal,  ///< Children of the last split begin anew.
  kNone,   ///< All children go on with their parent's weights, moments and schedule.
  kAll,    ///< All begin anew.
};

/// `weights: {kind: few-shot, ...}`.
struct FewShotOptions {
  struct Split {
    std::vector<int> epochs = {2, 4, 6};  ///< Of the run along one branch, ascending.
    std::vector<int> groups = {2, 2, 2};  ///< Children of each split; the last entry goes on.
    SplitCriterion criterion = SplitCriterion::kGradient;
    EdgeRule edge = EdgeRule::kMaxCut;
    std::vector<std::string> choices;  ///< kFixed, kExhaustive: of each split; the last goes on.
    /// Where they were written, for messages: `split.edge` of `edge: fixed:CHOICE`.
    std::string choices_key = "split.choices";
    std::vector<std::string> candidates;  ///< Choices that may be split; empty: all that can be.
    ScoreOptions score;
  } split;
  Restart restart = Restart::kFinal;
  /// Epochs of a leaf after the last split; 0: train.epochs less the last of split.epochs.
  int64_t final_epochs = 0;
  bool keep_interior = false;  ///< Keep the weights of inner nodes.
  int leaf_models = 1;         ///< Of a mixture in every leaf; 1: none.
  MixtureOptions mixture;
};
void describe(Binder& b, FewShotOptions::Split& o);
void describe(Binder& b, FewShotOptions& o);

/// Store and curriculum. ConfigError when the options cannot be met in this space, naming the key.
Weights make_few_shot(const WeightsContext& context,
                      const FewShotOptions& options,
                      const YamlSource& source);
WeightsEntry few_shot_weights();

/// The tree of a store that has one, else null.
const SplitTree* split_tree_of(const WeightStore& store);
/// The node of that tree that a set belongs to.
int tree_node_of(const WeightStore& store, int set);

}  // namespace nas
