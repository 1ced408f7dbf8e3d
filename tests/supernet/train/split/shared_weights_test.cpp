// Which weights of a path are compared when a choice is scored: the table of gradient_matching.md
// 3.2, seen through score_choices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supernet/train/split/gradient_match.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::Trial;

/// `batches`: 30 are enough for every option of every other choice to be drawn.
std::set<std::string> compared(const Trial& t,
                               const std::string& choice,
                               SharedWeights params,
                               int batches = 30) {
  size_t c = 0;
  while (t.space->choices().at(c).name != choice) ++c;
  const ScoringSetup setup{
      *t.space, {*t.dataset, t.splits, t.normalisation, t.data_options}, t.options};
  ScoreOptions options;
  options.params = params;
  options.batches = batches;
  options.partition.min_group = 0;
  const Scoring scoring = score_choices(setup, *t.weights, *t.space, {c}, options);
  EXPECT_TRUE(scoring.choices[0].usable);
  return scoring.compared.at(0);
}

/// Names of all parameters that `wanted` says yes to.
template <typename F>
std::set<std::string> parameters(const Trial& t, const F& wanted) {
  std::set<std::string> names;
  for (const NamedTensor& p : t.weights->parameters())
    if (wanted(p.name)) names.insert(p.name);
  return names;
}

bool has(const std::string& name, const char* part) {
  return name.find(part) != std::string::npos;
}

Trial small(const std::string& space, int resolution = 0) {
  return Trial(
      "{name: uniform}",
      1,
      space,
      -1,
      [](TrainOptions& o) {
        o.gradient_variance.every = 0;
        o.batch = 4;
      },
      0,
      test::digits(240, resolution));
}

// NB201: the operators of all other edges in all cells and the fixed residual blocks; not the edge,
// the stem, the last batch norm and the classifier.
TEST(SharedWeights, OfNasBench201) {
  const Trial t = small(test::kCells);
  const auto common = [](const std::string& name) {
    return name.starts_with("stem.") || name.starts_with("head.") ||
           name.starts_with("classifier.");
  };
  // Edge 3<-0 is `edge30` of every cell.
  EXPECT_EQ(compared(t, "3<-0", SharedWeights::kOthers), parameters(t, [&](const auto& name) {
              return !has(name, ".edge30.") && !common(name);
            }));
  EXPECT_EQ(compared(t, "3<-0", SharedWeights::kOthersAndCommon),
            parameters(t, [&](const auto& name) { return !has(name, ".edge30."); }));
}

const char* const kMobile =
    "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nresolutions: "
    "[16]\ninput_channels: 1\n"
    "kernels: [3, 5, 7]\nexpansions: [3, 4]\ndepths: [1, 2]\nclasses: 10\n";

// OFA: the first convolution, all of every other block, head and classifier; the whole of the
// block is left out, its pointwise convolutions too, which belong to its expansion.
TEST(SharedWeights, OfAKernelChoiceOfMobileNet) {
  Trial t = small(kMobile, 16);
  std::string choice, block;
  for (const Choice& c : t.space->choices())
    if (choice.empty() && has(c.name, "kernel")) choice = c.name;
  ASSERT_FALSE(choice.empty());
  block = choice.substr(0, choice.rfind('.') + 1);
  const auto in_block = [&](const std::string& name) { return name.starts_with(block); };
  ASSERT_FALSE(parameters(t, in_block).empty()) << choice;
  EXPECT_EQ(compared(t, choice, SharedWeights::kOthersAndCommon),
            parameters(t, [&](const auto& name) { return !in_block(name); }));
  const std::set<std::string> others = compared(t, choice, SharedWeights::kOthers, 3);
  for (const std::string& name : others) {
    EXPECT_FALSE(in_block(name)) << name;
    EXPECT_FALSE(has(name, "classifier")) << name;
    EXPECT_FALSE(has(name, "stem")) << name;
  }
  EXPECT_THAT(others, testing::Not(testing::IsEmpty()));
}

// A DARTS cell's preprocessing is inside a searchable block; reduction cells count for a choice of
// the normal cell.
TEST(SharedWeights, OfADartsCell) {
  Trial t =
      small("family: darts\nwidth: 4\nlayers: 3\nresolution: 8\ninput_channels: 1\nclasses: 10\n");
  const std::string choice = t.space->choices()[0].name;
  const std::set<std::string> others = compared(t, choice, SharedWeights::kOthers, 3);
  bool edges = false;
  for (const std::string& name : others) {
    EXPECT_FALSE(has(name, ".input")) << name;
    EXPECT_FALSE(has(name, "stem")) << name;
    EXPECT_FALSE(has(name, "classifier")) << name;
    edges |= has(name, ".edge");
  }
  EXPECT_TRUE(edges);
}

}  // namespace
}  // namespace nas
