// Training and `nas split` call the same function with streams of the same names, so that a split
// that was looked at is the split that is made.
#include "supernet/train/split/find_split.hpp"

#include <algorithm>

#include "spaces/error.hpp"

namespace nas {

std::vector<size_t> split_candidates(const SplitTree& tree,
                                     int node,
                                     const Space& space,
                                     const PartitionOptions& partition,
                                     const std::vector<std::string>& named) {
  const int least = std::max(partition.min_group, 1);
  std::vector<size_t> choices = tree.splittable(node, partition.groups, least, !named.empty());
  if (!named.empty())
    std::erase_if(choices, [&](size_t c) {
      return std::find(named.begin(), named.end(), space.choices()[c].name) == named.end();
    });
  return choices;
}

bool equal_option_counts(const Space& space, const std::vector<size_t>& choices) {
  return std::all_of(choices.begin(), choices.end(), [&](size_t c) {
    return space.choices()[c].options.size() == space.choices()[choices.front()].options.size();
  });
}

FoundSplit find_split(const ScoringSetup& setup,
                      WeightSet& weights,
                      const Domain& within,
                      const std::vector<size_t>& choices,
                      const ScoreOptions& score,
                      EdgeRule edge,
                      size_t fixed,
                      Rng& rng) {
  FoundSplit found;
  found.scoring = score_choices(setup, weights, within, choices, score);
  std::vector<ScoredChoice> scored;
  for (const ChoiceScore& c : found.scoring.choices)
    scored.push_back({c.choice, c.partition, c.usable});
  found.chosen = choose_edge(scored, edge, fixed, rng);
  found.groups = option_groups(found.scoring.choices[found.chosen]);
  return found;
}

std::vector<std::vector<int16_t>> option_groups(const ChoiceScore& score) {
  std::vector<std::vector<int16_t>> groups;
  for (const auto& group : score.partition.groups) {
    groups.emplace_back();
    for (const int16_t position : group)
      groups.back().push_back(score.options[static_cast<size_t>(position)]);
  }
  return groups;
}

}  // namespace nas
