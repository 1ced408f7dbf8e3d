// What choices of a space change, as the plans tell.
#include "supernet/weights/elastic.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace nas {
namespace {

Elastic kind_of(const Space& space, const std::string& choice) {
  const std::vector<ElasticChoice> kinds = elastic_choices(space);
  for (size_t c = 0; c < kinds.size(); ++c)
    if (space.choices()[c].name == choice) return kinds[c].kind;
  ADD_FAILURE() << "no choice " << choice;
  return Elastic::kNothing;
}

TEST(Elastic, SizesOfOneNetwork) {
  const auto space = load_space("mobilenet-elastic-resolution");
  EXPECT_EQ(kind_of(*space, "stage1.block1.kernel"), Elastic::kKernel);
  EXPECT_EQ(kind_of(*space, "stage1.block1.expand"), Elastic::kExpand);
  EXPECT_EQ(kind_of(*space, "stage2.depth"), Elastic::kDepth);
  EXPECT_EQ(kind_of(*space, "resolution"), Elastic::kResolution);
  EXPECT_EQ(kind_of(*load_space("digits"), "stage2.width"), Elastic::kWidth);
}

// Layers without weights have no names, and pools of two kinds or windows equal shapes: they were
// taken for one network.
TEST(Elastic, LayersWithoutWeightsOfTwoKinds) {
  const std::string head =
      "family: custom\nchannels: 1\nresolutions: [8]\nclasses: 10\nstem: {width: 8}\nblocks:\n"
      "  - {name: mx, kind: maxpool, kernels: [3, 5]}\nstages:\n";
  const auto kinds =
      test::space_of(head + "  - {widths: [8], depths: [1], blocks: [maxpool, avgpool]}\n");
  EXPECT_EQ(kind_of(*kinds, "stage1.layer1"), Elastic::kOther);
  const auto windows = test::space_of(head + "  - {widths: [8, 16], depths: [1], blocks: [mx]}\n");
  EXPECT_EQ(kind_of(*windows, "stage1.layer1.mx.kernel"), Elastic::kOther);
}

TEST(Elastic, GroupsOfChannelsThatMayBePermuted) {
  const auto space = load_space("mobilenet");
  const Plan plan = space->plan(space->largest());
  const std::vector<ChannelGroup> groups = channel_groups(plan);
  ASSERT_FALSE(groups.empty());
  for (const ChannelGroup& group : groups)
    for (const size_t i : group.read) {
      TensorSpec specs[kMostTensors];
      tensors_of(plan.nodes[i].op, specs);
      EXPECT_EQ(specs[0].shape.size[1], group.size) << plan.name(plan.nodes[i]);
    }
  // Sums see the outputs of blocks, which are therefore in none; expanded channels are free.
  const auto made = [&](const std::string& name) {
    return std::any_of(groups.begin(), groups.end(), [&](const ChannelGroup& g) {
      return std::any_of(
          g.made.begin(), g.made.end(), [&](size_t i) { return plan.name(plan.nodes[i]) == name; });
    });
  };
  EXPECT_TRUE(made("stage1.block2.expand.conv"));
  EXPECT_FALSE(made("stage1.block2.point.conv"));
  EXPECT_FALSE(made("classifier"));
}

}  // namespace
}  // namespace nas
