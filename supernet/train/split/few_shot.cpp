// What a split divides is found at the boundary after a node's last epoch, from the node's weights
// and from streams of its own, so that an interrupted scoring comes to the same when it is gone on
// with (kept_scores.hpp).
#include "supernet/train/split/few_shot.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "spaces/error.hpp"
#include "supernet/train/split/few_shot_checks.hpp"
#include "supernet/train/split/few_shot_schedule.hpp"
#include "supernet/train/split/find_split.hpp"
#include "supernet/train/strategy_state.hpp"
#include "supernet/train/trained_sets.hpp"

namespace nas {
namespace {

class FewShot final : public Curriculum {
 public:
  FewShot(const Space& space,
          FewShotOptions options,
          std::shared_ptr<SplitTree> tree,
          std::shared_ptr<const FewShotSchedule> schedule)
      : space_(space),
        options_(std::move(options)),
        tree_(std::move(tree)),
        schedule_(std::move(schedule)) {}

  int64_t epochs() const override { return schedule_->total(); }

  Stage stage(int64_t epoch) const override {
    const FewShotSchedule::Place p = schedule_->at(epoch);
    Stage stage;
    if (p.node > 0) stage.scope = "node" + std::to_string(p.node) + "/";
    const int models = schedule_->last(p.level) ? options_.leaf_models : 1;
    stage.sets.clear();
    for (int m = 0; m < models; ++m) stage.sets.push_back(p.node * options_.leaf_models + m);
    schedule_->place_on_schedule(p, stage);
    if (static_cast<size_t>(p.node) < tree_->nodes().size())
      stage.within = tree_->node(p.node).within;
    return stage;
  }

  bool works_before(int64_t epoch) const override {
    const int ended = schedule_->split_before(epoch);
    return ended >= 0 && tree_->node(ended).choice < 0;
  }

  bool before(int64_t epoch, StageServices& services) override {
    const FewShotSchedule::Place now = schedule_->at(epoch);
    bool changed = false;
    const int ended = schedule_->split_before(epoch);
    if (ended >= 0 && tree_->node(ended).choice < 0) {
      // Epochs that another run trained count too (adopted weights).
      if (epoch > 0 && schedule_->at(epoch - 1).node == ended)
        tree_->node(ended).epochs = schedule_->at(epoch - 1).epoch + 1;
      split(ended, services);
      changed = true;
    }
    SplitNode& node = tree_->node(now.node);
    if (node.epochs == 0) node.first = epoch;
    node.epochs = now.epoch + 1;
    return changed;
  }

  Telemetry telemetry() const override {
    double passes = 0, macs = 0;
    for (const SplitNode& n : tree_->nodes()) {
      passes += static_cast<double>(n.scoring_passes);
      macs += n.scoring_macs;
    }
    return {{"split.leaves", static_cast<double>(tree_->leaves().size())},
            {"split.scoring_passes", passes},
            {"split.scoring_macs", macs},
            // More than train.epochs, which counts those along one branch.
            {"split.epochs", static_cast<double>(epochs())}};
  }

  std::vector<std::string> health() const override {
    std::vector<std::string> lines;
    for (const SplitNode& n : tree_->nodes()) {
      if (n.choice < 0) continue;
      for (const ChoiceScore& s : n.scores)
        if (static_cast<int>(s.choice) == n.choice && !s.halves_agree)
          lines.push_back("node " + std::to_string(n.id) + " was split on " +
                          space_.choices()[s.choice].name +
                          " without evidence: two halves of the batches give different groups");
    }
    return lines;
  }

 private:
  void split(int id, StageServices& services) {
    const size_t level = schedule_->level_of(id);
    Rng rng(services.seed, "split/" + std::to_string(id));
    std::vector<std::vector<int16_t>> groups;
    const size_t choice = find(id, level, services, rng, groups);
    const std::vector<int> children = tree_->split(id, choice, std::move(groups));
    const int models = options_.leaf_models;
    const bool fresh = schedule_->restarts(level + 1);
    for (const int child : children) {
      tree_->node(child).restarted = fresh;
      const int copies = schedule_->last(level + 1) ? models : 1;
      for (int m = 0; m < copies; ++m) {
        const int set = child * models + m;
        if (fresh)
          services.sets.at(set);
        else
          services.sets.inherit(set, id * models);
      }
    }
    if (!options_.keep_interior) services.sets.drop(id * models);
  }

  size_t find(int id,
              size_t level,
              StageServices& services,
              Rng& rng,
              std::vector<std::vector<int16_t>>& groups) {
    const FewShotOptions::Split& s = options_.split;
    const bool named = s.criterion == SplitCriterion::kExhaustive || s.edge == EdgeRule::kFixed;
    std::optional<size_t> fixed;
    if (named) fixed = choice_named(space_, at_or_last(s.choices, level), "weights.split.choices");
    if (s.criterion == SplitCriterion::kExhaustive) {
      for (size_t o = 0; o < space_.choices()[*fixed].options.size(); ++o)
        groups.push_back({static_cast<int16_t>(o)});
      return *fixed;
    }
    PartitionOptions partition = s.score.partition;
    partition.groups = at_or_last(s.groups, level);
    std::vector<size_t> choices = split_candidates(*tree_, id, space_, partition, s.candidates);
    if (fixed) choices = {*fixed};
    if (choices.empty())
      throw ConfigError("node " + std::to_string(id) + " has no choice left that can be divided " +
                            "into " + std::to_string(partition.groups) + " groups",
                        "make fewer splits (weights.split.epochs), or smaller groups");
    if (s.criterion == SplitCriterion::kRandom) {
      const size_t choice = choices[rng.below(choices.size())];
      const size_t n = space_.choices()[choice].options.size();
      groups = random_partition(n, partition_for(partition, n), rng).groups;
      return choice;
    }
    return by_gradients(id, choices, partition, services, rng, groups);
  }

  size_t by_gradients(int id,
                      const std::vector<size_t>& choices,
                      const PartitionOptions& partition,
                      StageServices& services,
                      Rng& rng,
                      std::vector<std::vector<int16_t>>& groups) {
    SplitNode& node = tree_->node(id);
    ScoreOptions score = options_.split.score;
    score.partition = partition;
    const ScoringSetup setup{space_,
                             services.data,
                             services.options,
                             services.device,
                             services.seed,
                             "split/" + std::to_string(id),
                             services.stop,
                             services.on_progress,
                             services.keep};
    TrainedSet& set = services.sets.at(id * options_.leaf_models);
    FoundSplit found = find_split(setup,
                                  *set.weights,
                                  Domain(space_, node.within),
                                  choices,
                                  score,
                                  options_.split.edge,
                                  choices.front(),
                                  rng);
    const size_t choice = found.scoring.choices[found.chosen].choice;
    groups = std::move(found.groups);
    node.scores = std::move(found.scoring.choices);
    node.scoring_passes = found.scoring.passes;
    node.scoring_macs = found.scoring.macs;
    return choice;
  }

  const Space& space_;
  FewShotOptions options_;
  std::shared_ptr<SplitTree> tree_;
  std::shared_ptr<const FewShotSchedule> schedule_;
};

}  // namespace

void describe(Binder& b, FewShotOptions::Split& o) {
  b.list("epochs", o.epochs, "Epochs along a branch after which its nodes are split");
  b.list("groups", o.groups, "Groups of each split; the last entry goes on");
  b.choice("criterion",
           o.criterion,
           {{"gradient", SplitCriterion::kGradient},
            {"random", SplitCriterion::kRandom},
            {"exhaustive", SplitCriterion::kExhaustive}},
           "What divides: gradients, chance, or every option of `choices` for itself");
  b.choice("edge",
           o.edge,
           {{"max_cut", EdgeRule::kMaxCut},
            {"min_within", EdgeRule::kMinWithin},
            {"mean_cut", EdgeRule::kMeanCut},
            {"random", EdgeRule::kRandom},
            {"fixed", EdgeRule::kFixed}},
           "Which choice is split: the largest distance between its groups, the least inside (the "
           "released program), the largest mean distance (needed where choices have unequal "
           "numbers of options), any, or those of `choices` (also fixed:CHOICE)");
  b.list("choices", o.choices, "edge fixed, criterion exhaustive: the choice of each split");
  b.list(
      "candidates",
      o.candidates,
      "Choices that may be split; []: all that are always active. Where a named one is not active, "
      "a network belongs to the group of its first option (once-for-all kernels)");
  b.section("score", o.score, "Comparison of gradients");
}

void describe(Binder& b, FewShotOptions& o) {
  b.section("split", o.split, "When and how nodes are split");
  b.choice("restart",
           o.restart,
           {{"final", Restart::kFinal}, {"none", Restart::kNone}, {"all", Restart::kAll}},
           "Children that begin with fresh weights: of the last split, none, or all");
  b.value("final_epochs",
          o.final_epochs,
          "Epochs of every leaf; 0: train.epochs less the last of split.epochs")
      .range(0, 1e7);
  b.value("keep_interior", o.keep_interior, "Keep the weights of nodes that were split");
  Binder::Raw ignored;
  b.raw("leaf", ignored, "Weights of a leaf: single, or a mapping as kind: mixture has it");
}

namespace {

constexpr const char* kFixed = "fixed:";

bool names_choices(const YamlSource& source) {
  return yaml_scalar(source, "split.edge").value_or("").starts_with(kFixed);
}

/// `edge: fixed:CHOICE` or `fixed:CHOICE,CHOICE` (of each split) as `edge: fixed` and `choices`.
YamlSource spelled_out(YamlSource source) {
  if (!names_choices(source)) return source;
  const std::string edge = *yaml_scalar(source, "split.edge"), mark = kFixed;
  const auto split = yaml_section(source, "split");
  if (split && yaml_section(*split, "choices"))
    throw ConfigError({yaml_problem(source,
                                    "split.edge",
                                    "names choices, and so does split.choices",
                                    "say `edge: fixed`, or leave split.choices out")});
  if (edge.size() == mark.size())
    throw ConfigError({yaml_problem(source,
                                    "split.edge",
                                    "names no choice",
                                    "e.g. fixed:CHOICE; `nas space show` lists them")});
  std::string names;
  for (const char c : edge.substr(mark.size())) {
    if (c == ' ' && (names.empty() || names.ends_with("','"))) continue;
    names += c == ',' ? "','" : c == '\'' ? "''" : std::string(1, c);
  }
  source.sets.insert(source.sets.end(), {"split.edge=fixed", "split.choices=['" + names + "']"});
  return source;
}

/// `leaf:` is read by the table of kinds' own reader.
void read_leaf(const YamlSource& source, FewShotOptions& o) {
  const auto leaf = yaml_section(source, "leaf");
  if (!leaf) return;
  const bool word = yaml_scalar(*leaf).has_value();
  const auto named = word ? yaml_scalar(*leaf) : yaml_scalar(*leaf, "kind");
  if (!named)
    throw ConfigError({yaml_problem(source,
                                    "leaf",
                                    "the weights of a leaf name no kind",
                                    "leaf: single, or leaf: {kind: mixture, models: 2}")});
  const std::string kind = *named;
  if (kind == "single") {
    if (!word) read_yaml(*leaf, [](Binder& b) { b.ignore("kind"); });
    return;
  }
  if (kind != "mixture")
    throw ConfigError({yaml_problem(
        source, "leaf", "a leaf holds weights of kind single or mixture, not '" + kind + "'", "")});
  YamlSource section = *leaf;
  if (word) {
    section = {};
    section.prefix = leaf->prefix;
  }
  read_yaml(section, [&](Binder& b) {
    b.ignore("kind");
    describe(b, o.mixture);
  });
  o.leaf_models = o.mixture.association.models;
}

}  // namespace

Weights make_few_shot(const WeightsContext& context,
                      const FewShotOptions& options,
                      const YamlSource& source) {
  check_few_shot(context.space, options, context.train, source);
  const auto schedule =
      std::make_shared<const FewShotSchedule>(context.space, options, context.train.epochs);
  const auto tree = std::make_shared<SplitTree>(context.space);
  return {make_tree_store(context, tree, options, schedule),
          std::make_unique<FewShot>(context.space, options, tree, schedule)};
}

WeightsEntry few_shot_weights() {
  return {"few-shot",
          "A tree of sets, split where the options of a choice disagree (gradient matching).",
          [](const WeightsContext& context, const YamlSource& typed) -> Weights {
            const YamlSource source = spelled_out(typed);
            FewShotOptions options;
            read_yaml(source, [&](Binder& b) {
              b.ignore("kind");
              describe(b, options);
            });
            if (names_choices(typed)) options.split.choices_key = "split.edge";
            read_leaf(typed, options);
            return make_few_shot(context, options, typed);
          },
          [](Binder& b) {
            FewShotOptions o;
            describe(b, o);
          }};
}

}  // namespace nas
