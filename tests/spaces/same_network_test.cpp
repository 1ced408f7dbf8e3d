// Which architectures are one network: numbers that can be counted by hand. That canonical forms
// agree with what networks compute is tested where they can be run (function_equality_test).
#include <gtest/gtest.h>

#include <set>

#include "spaces/registry.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source);
}

size_t networks(const Space& space) {
  std::set<Architecture> forms;
  space.enumerate([&](const Architecture& a) {
    const Architecture form = space.canonical(a);
    EXPECT_TRUE(space.valid(form)) << space.text(a);
    EXPECT_EQ(space.fix_inactive(form), form) << space.text(a);
    EXPECT_EQ(space.canonical(form), form) << space.text(a);
    EXPECT_LE(form, a) << "not the first by genes";
    EXPECT_EQ(cost_of(space.plan(form)).macs, cost_of(space.plan(a)).macs) << space.text(a);
    EXPECT_EQ(cost_of(space.plan(form)).params, cost_of(space.plan(a)).params) << space.text(a);
    forms.insert(form);
    return true;
  });
  return forms.size();
}

bool same(const Space& space, const std::string& a, const std::string& b) {
  return space.canonical(space.parse(a)) == space.canonical(space.parse(b));
}

TEST(SameNetwork, CustomDigits) {
  const auto space = load_space("custom-digits");
  EXPECT_EQ(space->count(), 2160);
  // First stage 3 widths * (3 + 9); second one 3 widths * (4 + 16), where a second layer `skip`
  // (4 of the 16) is the network without it.
  EXPECT_EQ(networks(*space), 36U * 3U * (4U + 12U));
  EXPECT_TRUE(same(*space, "12:conv/32:conv", "12:conv/32:conv,skip"));
  EXPECT_TRUE(same(*space, "16:conv/24:skip", "16:conv/24:skip,skip"));
  EXPECT_FALSE(same(*space, "12:conv/32:conv", "12:conv/32:skip,conv"));
  EXPECT_EQ(space->text(space->canonical(space->parse("12:conv/32:conv,skip"))), "12:conv/32:conv");
}

TEST(SameNetwork, IdentitiesAnywhereInAStage) {
  // Of one width all the way, so that `none` is the identity also in the first layer: what counts
  // is how many convolutions there are.
  const auto none = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\n"
      "stages: [{widths: [8], depths: [1, 2, 3], blocks: [conv, none], shortcut: true}]\n");
  EXPECT_EQ(none->count(), 2 + 4 + 8);
  EXPECT_EQ(networks(*none), 4U);
  // With its shortcut a skip is x + x. Three kinds of layer: convolution, doubling, nothing.
  const auto twice = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\n"
      "stages: [{widths: [8], depths: [1, 2], blocks: [conv, skip, none], shortcut: true}]\n");
  EXPECT_EQ(twice->count(), 3 + 9);
  EXPECT_EQ(networks(*twice), 1U + 2U + 4U);
}

TEST(SameNetwork, LayersThatCouldStandInTheNextStage) {
  const auto space = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\nstages:\n"
      "  - {widths: [8], depths: [1, 2]}\n  - {widths: [8], depths: [1, 2]}\n");
  EXPECT_EQ(space->count(), 4);
  EXPECT_EQ(networks(*space), 3U);  // 2, 3 or 4 convolutions
  // Also where the widths are choices: 8 and 12 in both stages, 1 or 2 layers each.
  const auto elastic = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\nstages:\n"
      "  - {widths: [8, 12], depths: [1, 2]}\n  - {widths: [8, 12], depths: [1, 2]}\n");
  EXPECT_EQ(elastic->count(), 16);
  // One width: 3 networks for each of two. Two widths: 4 for each of two orders, where 8,8,12
  // stays another network than 8,12.
  EXPECT_EQ(networks(*elastic), 6U + 8U);
}

TEST(SameNetwork, CandidatesThatComeToTheSame) {
  const auto names = space_of(
      "family: custom\nresolutions: [8]\nblocks:\n  - {name: a, kind: conv, kernels: [3, 5]}\n"
      "  - {name: b, kind: conv, kernels: [5, 7]}\nstages: [{widths: [8], blocks: [a, b]}]\n");
  EXPECT_EQ(names->count(), 4);
  EXPECT_EQ(networks(*names), 3U);  // 3, 5 and 7
  const auto rounded = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\nblocks:\n"
      "  - {name: mb, kind: mbconv, expansions: [2, 2.01, 3]}\n"
      "stages: [{widths: [8], blocks: [mb]}]\n");
  EXPECT_EQ(rounded->count(), 3);
  EXPECT_EQ(networks(*rounded), 2U);  // 16, 16 and 24 channels in the middle
}

TEST(SameNetwork, Pools) {
  // max3 after max3 is max5, max1 is nothing. Reaches of two layers: 0 to 4.
  const auto max = space_of(
      "family: custom\nresolutions: [16]\nstem: {width: 8}\n"
      "blocks: [{name: max, kind: maxpool, kernels: [1, 3, 5]}]\n"
      "stages: [{widths: [8], depths: [1, 2], blocks: [max, skip]}]\n");
  EXPECT_EQ(max->count(), 4 + 16);
  EXPECT_EQ(networks(*max), 5U);
  // Averages of averages are no averages; what reaches over the whole map is one mean.
  const auto average = space_of(
      "family: custom\nresolutions: [2]\nstem: {width: 8}\n"
      "blocks: [{name: avg, kind: avgpool, kernels: [1, 3, 5]}]\n"
      "stages: [{widths: [8], blocks: [avg]}]\n");
  EXPECT_EQ(average->count(), 3);
  EXPECT_EQ(networks(*average), 2U);
}

TEST(SameNetwork, RulesAndConditionsAreKept) {
  // The shorter spelling is not allowed: the longer one stands for the network.
  const auto rule = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\n"
      "stages: [{widths: [8], depths: [1, 2, 3], blocks: [conv, none], shortcut: true}]\n"
      "rules: [{require: stage1.depth >= 2}]\n");
  EXPECT_EQ(rule->count(), 4 + 8);
  EXPECT_EQ(networks(*rule), 4U);
  EXPECT_EQ(rule->text(rule->canonical(rule->parse("8:none,conv,none"))), "8:conv,none");
  const auto condition = space_of(
      "family: custom\nresolutions: [8]\nstem: {width: 8}\nstages:\n"
      "  - {widths: [8], depths: [1, 2], blocks: [conv, skip]}\n"
      "  - {widths: [8, 12], depths: [0, 1], stride: 2, blocks: [conv, sep]}\n"
      "conditions: [{choice: stage2.depth, when: stage1.depth == 2}]\n");
  // Stage 1 alone, with one layer or two: 0, 1 or 2 convolutions. Before another stage it has two
  // layers: 0, 1 or 2 convolutions again, times 4.
  EXPECT_EQ(networks(*condition), 3U + 3U * 4U);
}

TEST(SameNetwork, DartsEdgesWithNone) {
  const auto space = space_of("family: darts\nnone: true\n");
  const std::string rest = "none~0,none~1|none~0,none~1|none~0,none~1";
  const std::string reduce = ";max_pool_3x3~0,none~1|" + rest;
  const auto with = [&](const std::string& first, const std::string& others = "") {
    return first + "|" + (others.empty() ? rest : others) + reduce;
  };
  const std::string sep = "sep_conv_3x3~0,none~1";
  // Where nothing is read, it does not matter from where.
  EXPECT_TRUE(same(*space, with(sep), with(sep, "none~1,none~2|none~2,none~3|none~0,none~4")));
  // A node that hands on what another one computes is that one.
  const std::string by_two = "skip_connect~0,none~1|dil_conv_3x3~2,none~0|none~0,none~1";
  const std::string by_input = "skip_connect~0,none~1|dil_conv_3x3~0,none~1|none~0,none~1";
  EXPECT_TRUE(same(*space, with(sep, by_two), with(sep, by_two)));
  EXPECT_TRUE(
      same(*space, with("skip_connect~0,none~1", by_two), with("skip_connect~0,none~1", by_input)));
  // Nor the order of places: the nodes are handed on one after the other.
  EXPECT_FALSE(
      same(*space, with(sep), with("none~0,none~1", sep + "|none~0,none~1|none~0,none~1")));
  EXPECT_FALSE(same(*space, with(sep), with("sep_conv_3x3~1,none~0")));
  // Where the last cells give nothing, the reduction cell does not matter.
  EXPECT_TRUE(same(
      *space, with("none~0,none~1"), "none~0,none~1|" + rest + ";sep_conv_5x5~0,none~1|" + rest));
  // Without `none`, too: two nodes that are the same pool of the same inputs.
  const auto published = load_space("darts");
  const std::string pools = "max_pool_3x3~0,max_pool_3x3~1|max_pool_3x3~0,max_pool_3x3~1|";
  const std::string last = "|skip_connect~0,skip_connect~1;" + pools +
                           "skip_connect~0,skip_connect~1|skip_connect~0,skip_connect~1";
  EXPECT_TRUE(same(*published,
                   pools + "sep_conv_3x3~2,skip_connect~0" + last,
                   pools + "skip_connect~0,sep_conv_3x3~3" + last));
  Rng rng(3, "darts");
  for (int i = 0; i < 50; ++i) {
    const Architecture form = space->canonical(space->sample(rng));
    EXPECT_TRUE(space->valid(form));
    EXPECT_EQ(space->canonical(form), form);
    EXPECT_EQ(space->parse(space->text(form)), form);
  }
}

TEST(SameNetwork, StridesOnOnePixel) {
  // After the stem 2x2; the first downsampling leaves one pixel, the other two change nothing.
  const auto space = space_of(
      "family: downsampling\nvariant: resnet18-stride\nresolution: 8\nimagenet_stem: true\n");
  std::set<Architecture> forms;
  space->enumerate([&](const Architecture& a) {
    const Architecture form = space->canonical(a);
    EXPECT_TRUE(space->valid(form));
    EXPECT_EQ(space->canonical(form), form);
    forms.insert(form);
    return true;
  });
  // Eight units; before each of the second to the sixth the first downsampling can stand.
  EXPECT_EQ(forms.size(), 5U);
  const auto large = load_space("resnet18-stride");
  large->enumerate([&](const Architecture& a) {
    EXPECT_EQ(large->canonical(a), a);
    return true;
  });
}

TEST(SameNetwork, StagesOfNarrowMobileNets) {
  // 80 and 96 channels times 0.15 are 16 both, without a stride between them.
  const auto space = space_of(
      "family: proxyless\nwidth_mult: 0.15\nkernels: [3, 5]\nexpansions: [3]\ndepths: [1, 2]\n"
      "resolutions: [32]\n");
  Rng rng(5, "narrow");
  int shared = 0;
  for (int i = 0; i < 300; ++i) {
    const Architecture a = space->sample(rng), form = space->canonical(a);
    EXPECT_TRUE(space->valid(form));
    EXPECT_EQ(space->canonical(form), form);
    EXPECT_EQ(cost_of(space->plan(form)).macs, cost_of(space->plan(a)).macs);
    EXPECT_EQ(cost_of(space->plan(form)).params, cost_of(space->plan(a)).params);
    shared += form != a;
  }
  EXPECT_GT(shared, 20);
}

}  // namespace
}  // namespace nas
