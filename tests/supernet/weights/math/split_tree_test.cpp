// The tree of gradient_matching.md 7.5 in a real space, and how a tree is drawn.
#include "supernet/weights/math/split_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "spaces/domain.hpp"
#include "spaces/registry.hpp"
#include "supernet/weights/math/tree_draw.hpp"

namespace nas {
namespace {

// 2.4: the kernel of a block that shallow networks do not have.
TEST(SplitTree, KernelsOfBlocksThatDepthClosesCanBeSplit) {
  const auto space = load_space("mobilenet-32");
  size_t kernel = 0, depth = 0;
  for (size_t c = 0; c < space->choices().size(); ++c) {
    if (space->choices()[c].name == "stage1.block3.kernel") kernel = c;
    if (space->choices()[c].name == "stage1.depth") depth = c;
  }
  ASSERT_FALSE(space->choices()[kernel].conditions.empty());
  SplitTree tree(*space);
  const auto has = [&](int node, bool conditional) {
    const std::vector<size_t> all = tree.splittable(node, 2, 1, conditional);
    return std::find(all.begin(), all.end(), kernel) != all.end();
  };
  EXPECT_FALSE(has(0, false));
  EXPECT_TRUE(has(0, true));
  const std::vector<int> leaves = tree.split(0, kernel, {{0}, {1, 2}});
  EXPECT_FALSE(has(leaves[0], true)) << "split before";
  Rng rng(1, "x");
  for (int i = 0; i < 200; ++i) {
    const Architecture a = space->sample(rng);
    const bool first = !space->active(a, kernel) || a.genes[kernel] == 0;
    EXPECT_EQ(tree.leaf_of(a), first ? leaves[0] : leaves[1]);
  }
  // Where depth leaves the block out, there is nothing to split.
  SplitTree shallow(*space);
  const std::vector<int> parts = shallow.split(0, depth, {{0}, {1, 2}});
  const auto closed = shallow.splittable(parts[0], 2, 1, true);
  EXPECT_EQ(std::find(closed.begin(), closed.end(), kernel), closed.end());
  const auto open = shallow.splittable(parts[1], 2, 1, true);
  EXPECT_NE(std::find(open.begin(), open.end(), kernel), open.end());
}

// 7.5: the leaves.
// A layer that small depths do not have: every network has one leaf, though leaves are trained on
// those without the layer, too (2.4: depth stays free in every leaf).
TEST(SplitTree, OwnArchitecturesAreAPartitionOfTheSpace) {
  const auto space = load_space("digits");
  size_t layer = 0, width = 0, below = 0;
  for (size_t c = 0; c < space->choices().size(); ++c) {
    if (space->choices()[c].name == "stage1.layer2") layer = c;
    if (space->choices()[c].name == "stage2.width") width = c;
    if (space->choices()[c].name == "stage2.layer1") below = c;
  }
  SplitTree tree(*space);
  const std::vector<int> first = tree.split(0, layer, {{3}, {0}, {1, 2}});
  tree.split(first[0], width, {{0}, {1, 2}});
  tree.split(first[1], below, {{1, 3}, {0, 2}});
  std::map<int, BigInt> found;
  space->enumerate([&](const Architecture& a) {
    const int leaf = tree.leaf_of(a);
    found[leaf] += 1;
    EXPECT_TRUE(Domain(*space, tree.node(leaf).within).contains(a));
    for (const int other : tree.leaves())
      EXPECT_EQ(Domain(*space, tree.own(other)).contains(a), other == leaf) << space->text(a);
    return true;
  });
  BigInt all = 0;
  for (const int leaf : tree.leaves()) {
    EXPECT_EQ(Domain(*space, tree.own(leaf)).count(), found[leaf]) << leaf;
    all += found[leaf];
  }
  EXPECT_EQ(all, space->count());
  // 3969 = 63 * 63: a stage has 3 * (1 + 4 + 16) forms, 3 * 16 of them with a second layer.
  EXPECT_EQ(Domain(*space, tree.own(first[2])).count(), BigInt(24 * 63));
  EXPECT_EQ(Domain(*space, tree.node(first[2]).within).count(), BigInt((24 + 15) * 63));
}

TEST(SplitTree, LeavesOfTheLinearChain) {
  YamlSource yaml;
  yaml.text =
      "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 8\n"
      "kinds: [conv3, conv5, sep3, sep5]\nstages:\n"
      "  - {widths: [8], depths: [1], stride: 1}\n  - {widths: [8], depths: [2], stride: 1}\n";
  const auto space = make_space(yaml);
  std::vector<size_t> edges;
  for (size_t c = 0; c < space->choices().size(); ++c)
    if (space->choices()[c].options.size() == 4) edges.push_back(c);
  ASSERT_EQ(edges.size(), 3u);
  ASSERT_EQ(space->count(), BigInt(64));
  SplitTree tree(*space);
  const std::vector<int> children = tree.split(0, edges[0], {{0, 3}, {1, 2}});
  std::vector<int> leaves = tree.split(children[0], edges[1], {{0, 3}, {1, 2}});
  for (const int leaf : tree.split(children[1], edges[2], {{0, 2}, {1, 3}})) leaves.push_back(leaf);
  EXPECT_EQ(tree.leaves(), leaves);
  const char* const masks[4][3] = {{"1001", "1001", "1111"},
                                   {"1001", "0110", "1111"},
                                   {"0110", "1111", "1010"},
                                   {"0110", "1111", "0101"}};
  std::map<int, int> sizes;
  space->enumerate([&](const Architecture& a) {
    ++sizes[tree.leaf_of(a)];
    return true;
  });
  for (size_t k = 0; k < 4; ++k) {
    const Restriction& within = tree.node(leaves[k]).within;
    for (size_t e = 0; e < 3; ++e)
      for (int16_t o = 0; o < 4; ++o)
        EXPECT_EQ(within.allows(edges[e], o), masks[k][e][o] == '1') << k << e << o;
    EXPECT_EQ(sizes[leaves[k]], 16);
    EXPECT_EQ(Domain(*space, within).count(), BigInt(16));
  }
  const std::string drawn = draw_tree(tree, *space, {"a \"title\""}, {{}, {}, {}, {"81 %"}});
  EXPECT_NE(drawn.find("n0 -> n1"), std::string::npos);
  EXPECT_NE(drawn.find("leaf 3"), std::string::npos);
  EXPECT_NE(drawn.find("81 %"), std::string::npos);
  EXPECT_NE(drawn.find("a \\\"title\\\""), std::string::npos);
}

}  // namespace
}  // namespace nas
