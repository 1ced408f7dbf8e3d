// Few-shot supernets: the schedule by the published numbers, the tree as a partition, splits that
// find what was planted, and resuming from anywhere (gradient_matching.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "spaces/error.hpp"
#include "supernet/train/split/few_shot_schedule.hpp"
#include "supernet/train/split/gradient_match.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::digits;
using test::kCells;
using test::metric;
using test::store_hash;
using test::Trial;

FewShotOptions options_of(std::vector<int> epochs, std::vector<int> groups, int64_t leaf = 0) {
  FewShotOptions o;
  o.split.epochs = std::move(epochs);
  o.split.groups = std::move(groups);
  o.final_epochs = leaf;
  return o;
}

// Section 3.7: epochs in total, leaves.
TEST(FewShotSchedule, PublishedTotals) {
  const auto space = test::space_of(kCells);
  const FewShotSchedule darts(*space, options_of({2, 4, 6}, {2, 2, 2}), 21);
  EXPECT_EQ(darts.total(), 134);
  EXPECT_EQ(darts.leaf_count(), 8);
  EXPECT_EQ(darts.node_count(), 15);
  EXPECT_EQ(FewShotSchedule(*space, options_of({15, 30}, {2, 2}, 30), 60).total(), 165);
  EXPECT_EQ(FewShotSchedule(*space, options_of({20, 40}, {2, 2}, 50), 90).total(), 260);
  const FewShotSchedule proxyless(*space, options_of({40, 80}, {2, 3}, 40), 120);
  EXPECT_EQ(proxyless.total(), 40 + 80 + 240);  // The warm-up of 40 comes before.
  EXPECT_EQ(proxyless.leaf_count(), 6);
  EXPECT_EQ(FewShotSchedule(*space, options_of({30, 60, 90}, {2}, 0), 91).total(),
            30 + 60 + 120 + 8);
}

// Section 3.7: learning rates with splits (2, 4, 6), 15 epochs of the leaves.
TEST(FewShotSchedule, PublishedLearningRates) {
  const auto space = test::space_of(kCells);
  const FewShotSchedule schedule(*space, options_of({2, 4, 6}, {2, 2, 2}), 21);
  ScheduleOptions cosine;
  cosine.kind = ScheduleKind::kCosine;
  cosine.lr_min = 0.001;
  const auto rate = [&](int64_t epoch) {
    Stage stage;
    schedule.place_on_schedule(schedule.at(epoch), stage);
    return learning_rate(cosine, 0.025, stage.schedule_epoch, stage.schedule_epochs);
  };
  // Along the first branch: the root's 2 epochs, its first child's, that one's first child's.
  const double branch[] = {.025, .02486597, .02446687, .02381163, .02291487, .02179662};
  const int64_t epochs[] = {0, 1, 2, 3, 6, 7};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(rate(epochs[i]), branch[i], 1e-8) << i;
  // The first leaf begins anew: its epochs 0, 1, 7, 14 (6, 7, 13, 20 of the branch).
  const int64_t first_leaf = 14;
  const double leaf[] = {.025, .02473777, .01425434, .00126223};
  const int64_t of_leaf[] = {0, 1, 7, 14};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(rate(first_leaf + 8 * of_leaf[i]), leaf[i], 1e-8) << i;
}

TEST(FewShotSchedule, NodesTrainLeftToRightAndLeavesInTurn) {
  const auto space = test::space_of(kCells);
  const FewShotSchedule s(*space, options_of({1, 3}, {2, 3}, 2), 9);
  std::vector<int> nodes, splits;
  for (int64_t e = 0; e < s.total(); ++e) {
    nodes.push_back(s.at(e).node);
    splits.push_back(s.split_before(e));
  }
  EXPECT_EQ(nodes, (std::vector<int>{0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(splits,
            (std::vector<int>{-1, 0, -1, 1, -1, 2, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}));
}

// The few-shot baseline of section 3.7: split before anything is trained.
TEST(FewShotSchedule, ASplitAtEpochZero) {
  const auto space = test::space_of(kCells);
  FewShotOptions o = options_of({0}, {7}, 20);
  const FewShotSchedule s(*space, o, 20);
  EXPECT_EQ(s.total(), 140);
  EXPECT_EQ(s.split_before(0), 0);
  EXPECT_EQ(s.split_before(1), -1);
  EXPECT_EQ(s.at(0).node, 1);
  EXPECT_EQ(s.at(7).node, 1);
}

TEST(SplitTree, EveryArchitectureHasOneLeaf) {
  const auto space = test::space_of(kCells);
  SplitTree tree(*space);
  const std::vector<int> children = tree.split(0, 3, {{0, 1}, {2, 3, 4}});
  tree.split(children[0], 1, {{0, 4}, {1, 2, 3}});
  tree.split(children[1], 5, {{3}, {0, 1, 2, 4}});
  std::map<int, int> count;
  space->enumerate([&](const Architecture& a) {
    const int leaf = tree.leaf_of(a);
    EXPECT_TRUE(tree.node(leaf).within.contains(space->canonical(a)));
    ++count[leaf];
    return true;
  });
  EXPECT_EQ(count.size(), 4u);
  BigInt sum = 0;
  for (const int leaf : tree.leaves()) sum += Domain(*space, tree.node(leaf).within).count();
  EXPECT_EQ(sum, BigInt(15625));
  // A choice is split once on a branch; siblings may split others.
  const std::vector<size_t> left = tree.splittable(children[0] + 2, 2, 2);
  EXPECT_EQ(left, (std::vector<size_t>{0, 2, 4, 5}));
  EXPECT_THROW(tree.split(0, 0, {{0}, {1, 2, 3, 4}}), std::logic_error);
  EXPECT_THROW(tree.split(children[0] + 2, 0, {{0}, {1, 2, 3}}), std::logic_error);
  SplitTree again(*space);
  again.load(tree.json());
  EXPECT_EQ(again.json(), tree.json());
  EXPECT_THAT(tree.text(), testing::HasSubstr("split on " + space->choices()[3].name));
  EXPECT_THROW(again.load("{}"), DataError);
  EXPECT_THROW(again.load(R"({"version": 1, "nodes": []})"), DataError);
}

Trial trial(const std::string& weights,
            int stop_at = -1,
            const std::string& strategy = "{name: uniform}",
            int64_t epochs = 3) {
  return Trial(
      strategy,
      epochs,
      kCells,
      stop_at,
      [](TrainOptions& o) {
        o.gradient_variance.every = 0;
        o.batch = 60;
      },
      0,
      test::digits(240),
      weights);
}

// Two of the six choices may be split, so that the scoring is short.
const char* const kTree =
    "{kind: few-shot, split: {epochs: [1, 2], groups: [2], candidates: ['1<-0', '3<-2'], "
    "score: {batches: 2}}}";

const SplitTree& tree_of(const Trial& t) {
  return *split_tree_of(*t.store);
}

/// A finished run of kTree, made once.
const Trial& whole_tree() {
  static const std::unique_ptr<Trial> made = [] {
    std::unique_ptr<Trial> t(new Trial(trial(kTree)));  // It cannot be moved.
    t->trainer->run();
    return t;
  }();
  return *made;
}

TEST(FewShot, TrainsSplitsAndResumesToTheSameBits) {
  const Trial& whole = whole_tree();
  // 1 + 2 * 1 + 4 * 1 epochs.
  ASSERT_EQ(whole.epochs_seen.size(), 7u);
  const SplitTree& tree = tree_of(whole);
  EXPECT_EQ(tree.nodes().size(), 7u);
  EXPECT_EQ(tree.leaves(), (std::vector<int>{3, 4, 5, 6}));
  EXPECT_EQ(whole.store->live_sets(), (std::vector<int>{3, 4, 5, 6}));
  // Root: 2 choices of 5 options; children: 1 each (section 5).
  EXPECT_EQ(metric(whole.epochs_seen.back(), "split.scoring_passes"), 2 * 5 * (2 + 1 + 1));
  EXPECT_GT(metric(whole.epochs_seen.back(), "split.scoring_macs"), 0);
  for (const SplitNode& n : tree.nodes())
    for (const ChoiceScore& s : n.scores) {
      const size_t k = s.options.size();
      for (size_t i = 0; i < k; ++i)
        for (size_t j = 0; j < k; ++j) {
          EXPECT_DOUBLE_EQ(s.distance.at(i, j), s.distance.at(j, i));
          EXPECT_GE(s.distance.at(i, j), -1e-9);
          EXPECT_LE(s.distance.at(i, j), 2 + 1e-9);
        }
    }
  // 4 steps an epoch: inside the root, after its last step (before the scoring), in a child, before
  // the second split, in leaves.
  const auto make = [](int stop_at) { return trial(kTree, stop_at); };
  for (const int stop_at : {4, 14, 30})
    EXPECT_EQ(test::hash_of_resumed(make, stop_at), store_hash(whole)) << stop_at;
}

TEST(FewShot, ALeafRewritesOnlyItself) {
  const Trial& run = whole_tree();
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(run.folder))
    files.insert(entry.path().filename().string());
  // Leaves only; each last written when it was trained: steps 16, 20, 24, 28.
  for (int leaf = 3; leaf <= 6; ++leaf) {
    char name[64];
    std::snprintf(name, sizeof name, "set%d-%012d.safetensors", leaf, 4 * (leaf + 1));
    EXPECT_TRUE(files.contains(name)) << name;
  }
}

TEST(FewShot, ComposesWithStrategiesAndMixtures) {
  const std::string split = "split: {epochs: [1], candidates: ['3<-2'], score: {batches: 2}}";
  for (const char* leaf : {"", ", leaf: {kind: mixture, models: 2}"}) {
    const auto make = [&](int stop_at) {
      return trial("{kind: few-shot, " + split + leaf + "}", stop_at, "{name: panda}");
    };
    Trial whole = make(-1);
    whole.trainer->run();
    EXPECT_EQ(test::hash_of_resumed(make, 20), store_hash(whole)) << leaf;
  }
}

TEST(FewShot, CriteriaAndRestarts) {
  Trial exhaustive =
      trial("{kind: few-shot, split: {epochs: [1], criterion: exhaustive, choices: ['3<-0']}}");
  exhaustive.trainer->run();
  EXPECT_EQ(tree_of(exhaustive).leaves().size(), 5u);
  EXPECT_EQ(exhaustive.epochs_seen.size(), 1u + 5 * 2);
  Trial random = trial("{kind: few-shot, split: {epochs: [1], criterion: random}, restart: none}");
  random.trainer->run();
  EXPECT_EQ(tree_of(random).leaves().size(), 2u);
  EXPECT_FALSE(tree_of(random).node(1).restarted);
  EXPECT_TRUE(tree_of(exhaustive).node(1).restarted);
}

TEST(FewShot, SplitsAtEpochZero) {
  const char* const weights =
      "{kind: few-shot, split: {epochs: [0], score: {batches: 2}}, restart: none}";
  Trial whole = trial(weights);
  whole.trainer->run();
  EXPECT_EQ(whole.epochs_seen.size(), 6u);
  EXPECT_EQ(tree_of(whole).node(0).epochs, 0);
  EXPECT_EQ(tree_of(whole).leaves(), (std::vector<int>{1, 2}));
}

// A tree that takes over a run of one set goes on as if it had trained the root itself.
TEST(FewShot, AdoptsARunOfOneSet) {
  const char* const tree =
      "{kind: few-shot, split: {epochs: [2], score: {batches: 3}}, restart: none}";
  Trial own = trial(tree);
  own.trainer->run();
  // Stopped after two of three epochs: the rates are those of the tree's root.
  Trial once = trial("", 8);
  EXPECT_THROW(once.trainer->run(), Interrupted);
  ASSERT_EQ(once.epochs_seen.size(), 2u);
  Trial adopted = trial(tree);
  const std::string path = once.trainer->last_checkpoint();
  adopted.trainer->adopt(read_checkpoint(path), path);
  EXPECT_EQ(adopted.trainer->epochs_done(), 2);
  EXPECT_EQ(adopted.trainer->steps_done(), 8);
  Trial rest = trial(tree);
  std::filesystem::remove_all(rest.folder);
  std::filesystem::copy(adopted.folder, rest.folder);
  rest.trainer->resume(
      (rest.folder / std::filesystem::path(adopted.trainer->last_checkpoint()).filename())
          .string());
  rest.trainer->run();
  EXPECT_EQ(tree_of(rest).node(0).groups, tree_of(own).node(0).groups);
  EXPECT_EQ(tree_of(rest).node(0).choice, tree_of(own).node(0).choice);
  EXPECT_EQ(tree_of(rest).node(0).epochs, 2);
  EXPECT_EQ(store_hash(rest), store_hash(own));
}

TEST(FewShot, RefusesWhatCannotBe) {
  const auto told = [](const std::string& weights) {
    try {
      trial(weights);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(told("{kind: few-shot}"), testing::HasSubstr("leaves nothing of train.epochs (3)"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [2, 2]}}"), testing::HasSubstr("ascend"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1], edge: fixed}}"),
              testing::HasSubstr("choices"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1], edge: fixed, choices: ['3<-9']}}"),
              testing::HasSubstr("no choice '3<-9'"));
  // The key that was typed.
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1], edge: 'fixed:3<-9'}}"),
              testing::AllOf(testing::HasSubstr("split.edge: the space"),
                             testing::HasSubstr("no choice '3<-9'"),
                             testing::Not(testing::HasSubstr("split.choices"))));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1, 2], edge: 'fixed:3<-2'}}"),
              testing::AllOf(testing::HasSubstr("split.edge: names 1 choice for 2 splits"),
                             testing::Not(testing::HasSubstr("split.choices"))));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1], edge: fixed, choices: ['3<-9']}}"),
              testing::HasSubstr("split.choices: the space"));
  EXPECT_EQ(told("{kind: few-shot, split: {epochs: [1, 2], edge: 'fixed:3<-2, 1<-0'}}"), "");
  EXPECT_THAT(told("{kind: few-shoot}"), testing::HasSubstr("few-shot"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1], groups: [6]}}"),
              testing::HasSubstr("no choice can be divided into 6 groups"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1], score: {min_group: 3}}}"),
              testing::HasSubstr("at least 3 options"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1]}, leaf: {kind: tree}}"),
              testing::HasSubstr("'tree'"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1]}, leaf: {models: 2}}"),
              testing::HasSubstr("name no kind"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1]}, leaf: [1]}"),
              testing::HasSubstr("name no kind"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1]}, leaf: {kind: single, models: 2}}"),
              testing::HasSubstr("models"));
  // Five options make no three groups of two; one choice makes no two splits.
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1, 2], groups: [2, 3], "
                   "score: {min_group: 2}}}"),
              testing::HasSubstr("split 2 may find no choice"));
  EXPECT_THAT(told("{kind: few-shot, split: {epochs: [1, 2], candidates: ['1<-0']}}"),
              testing::HasSubstr("split 2 may find no choice"));
}

// With `restart: none` the learning rate goes on from the parents; the mixture is new.
TEST(FewShot, AMixtureInALeafBeginsWithTheLeaf) {
  for (const char* restart : {"none", "final"}) {
    Trial t = trial(std::string("{kind: few-shot, restart: ") + restart +
                    ", split: {epochs: [2], score: {batches: 2}}, final_epochs: 3, "
                    "leaf: {kind: mixture, models: 2, t_max: 5}}");
    t.trainer->run();
    std::vector<double> seen;
    for (const test::Metrics& m : t.epochs_seen)
      for (const auto& [name, value] : m)
        if (name.ends_with(".mixture.inverse_temperature")) seen.push_back(value);
    // Two leaves take turns.
    EXPECT_EQ(seen, (std::vector<double>{1, 1, 3, 3, 5, 5})) << restart;
  }
}

TEST(GradientMatch, LeavesWeightsAndGradientsAsTheyWere) {
  Trial t = trial("");
  std::map<std::string, at::Tensor> before;
  for (const NamedTensor& p : t.weights->parameters()) before[p.name] = p.tensor.detach().clone();
  const ScoringSetup setup{
      *t.space, {*t.dataset, t.splits, t.normalisation, t.data_options}, t.options};
  ScoreOptions options;
  options.batches = 4;
  const Scoring a = score_choices(setup, *t.weights, *t.space, {0, 3}, options);
  EXPECT_EQ(a.passes, 4 * 5 * 2);
  for (const NamedTensor& p : t.weights->parameters()) {
    EXPECT_TRUE(at::equal(p.tensor, before[p.name])) << p.name;
    EXPECT_EQ(p.tensor.grad().abs().sum().item<double>(), 0) << p.name;
  }
  // A choice's score does not depend on what else is scored.
  const Scoring b = score_choices(setup, *t.weights, *t.space, {3}, options);
  EXPECT_EQ(a.choices[1].distance.values(), b.choices[0].distance.values());
  // The three options without weights pull the shared weights alike (6.13): none, skip, pool are
  // nearer to one another than the convolutions are to them.
  const DistanceMatrix& d = a.choices[1].distance;
  EXPECT_LT(d.at(1, 4), d.at(2, 3));
}

// Section 3.2, once-for-all kernel stage: kernels are drawn, depths and expansions stand at their
// largest. The multiply-adds spent tell which networks were run.
TEST(GradientMatch, ComparesKernelsInTheLargestNetworks) {
  const char* const space =
      "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.25\nkernels: [3, 5]\n"
      "expansions: [2, 4]\ndepths: [1, 2]\nresolutions: [16]\ninput_channels: 1\nclasses: 10\n";
  Trial t("{name: uniform}", 1, space, -1, {}, 0, digits(96, 16));
  const Space& s = *t.space;
  Architecture a = Domain(s).largest();
  const auto macs = [&] { return static_cast<double>(cost_of(s.plan(a), s.counting()).macs); };
  const double most = macs();
  size_t kernel = 0;
  for (size_t c = s.choices().size(); c-- > 0;)
    if (s.choices()[c].name.ends_with(".kernel")) a.genes[kernel = c] = 0;
  const double least = macs();
  const ScoringSetup setup{s, {*t.dataset, t.splits, t.normalisation, t.data_options}, t.options};
  ScoreOptions options;
  options.batches = 4;
  const auto spent = [&] {
    const Scoring scoring = score_choices(setup, *t.weights, s, {kernel}, options);
    EXPECT_EQ(scoring.passes, 8);
    return scoring.macs / (8.0 * static_cast<double>(t.options.batch));
  };
  const double held = spent();
  EXPECT_GE(held, least);
  EXPECT_LE(held, most);
  options.hold_largest = false;
  EXPECT_LT(spent(), least);
}

/// Passes channels on as they are, or negated.
void identity(const WeightSet& set, const std::string& name, double sign) {
  const at::Tensor w = test::find_parameter(set, name).detach();
  w.zero_();
  const int64_t centre = w.size(2) / 2;
  for (int64_t c = 0; c < w.size(0); ++c) w[c][w.size(1) == 1 ? 0 : c][centre][centre] = sign;
}

// Planted conflict: two options pass their input on, two negate it. Those that do the same pull the
// weights before them in the same direction, and the right division is known.
TEST(GradientMatch, FindsAPlantedConflict) {
  const char* const space =
      "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 8\n"
      "kinds: [conv3, conv5, sep3, sep5]\nstages:\n  - {widths: [8], depths: [1], stride: 1}\n";
  for (const GradientMetric metric :
       {GradientMetric::kCos, GradientMetric::kMse, GradientMetric::kPerFilterCos}) {
    Trial t("{name: uniform}", 1, space);
    const Space& s = *t.space;
    size_t choice = 0;
    while (s.choices()[choice].options.size() != 4) ++choice;
    const std::string base = "stage1.layer1.";
    identity(*t.weights, base + "conv3.1.conv.weight", 1);
    identity(*t.weights, base + "conv5.1.conv.weight", -1);
    identity(*t.weights, base + "sep3.1.conv.weight", 1);
    identity(*t.weights, base + "sep3.2.conv.weight", 1);
    identity(*t.weights, base + "sep5.1.conv.weight", 1);
    identity(*t.weights, base + "sep5.2.conv.weight", -1);
    const ScoringSetup setup{s, {*t.dataset, t.splits, t.normalisation, t.data_options}, t.options};
    ScoreOptions options;
    options.batches = 6;
    options.metric = metric;
    options.params = SharedWeights::kOthersAndCommon;  // The stem: there is no other choice.
    const Scoring scoring = score_choices(setup, *t.weights, s, {choice}, options);
    const ChoiceScore& score = scoring.choices[0];
    EXPECT_EQ(score.partition.groups, (std::vector<std::vector<int16_t>>{{0, 2}, {1, 3}}));
    EXPECT_TRUE(score.halves_agree);
  }
}

}  // namespace
}  // namespace nas
