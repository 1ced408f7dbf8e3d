// search.md 2.1, 6 and 8: costs of published networks and rows, counts, text forms.
#include <gtest/gtest.h>

#include <cmath>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source);
}

Architecture all(const Space& space, int16_t gene) {
  return space.fix_inactive({std::vector<int16_t>(space.choices().size(), gene)});
}

void expect_cost(const Space& space, const Architecture& a, int64_t macs, int64_t params) {
  const Cost cost = cost_of(space.plan(a), space.counting());
  EXPECT_EQ(cost.macs, macs) << space.text(a);
  EXPECT_EQ(cost.params, params) << space.text(a);
}

TEST(MobileNet, PublishedExtremes) {
  const auto narrow = load_space("mobilenet");
  expect_cost(*narrow, all(*narrow, 0), 121278672, 3410792);
  expect_cost(*narrow, all(*narrow, 1), 250746944, 4551792);
  expect_cost(*narrow, all(*narrow, 2), 566170656, 7664760);
  const auto wide = space_of("family: mobilenet\nwidth_mult: 1.2\n");
  expect_cost(*wide, all(*wide, 0), 193078200, 4602456);
  expect_cost(*wide, all(*wide, 1), 385659168, 6245312);
  expect_cost(*wide, all(*wide, 2), 843101040, 10701632);
}

TEST(MobileNet, TheGenomeOfTheSpecification) {
  const std::vector<int16_t> genes = {1, 2, 2, 2, 2, 2, 1, 2, 0, 2, 1, 1, 0, 0, 1,
                                      1, 2, 2, 1, 0, 1, 1, 2, 1, 0, 1, 0, 2, 2, 2,
                                      0, 0, 2, 2, 2, 2, 1, 1, 2, 1, 2, 0, 2, 0, 0};
  const auto narrow = load_space("mobilenet");
  const Architecture a = narrow->fix_inactive({genes});
  expect_cost(*narrow, a, 297020672, 4268744);
  const auto small = space_of("family: mobilenet\nresolutions: [192]\n");
  expect_cost(*small, a, 219060608, 4268744);
  const auto wide = space_of("family: mobilenet\nwidth_mult: 1.2\n");
  expect_cost(*wide, a, 454598496, 5841224);
  std::vector<double> f;
  narrow->features(a, f);
  const std::vector<size_t> ones = {1,  5,  8,  11,  14,  17,  24,  29,  31,  34,  36,
                                    39, 50, 53, 61,  64,  68,  70,  72,  76,  86,  89,
                                    90, 93, 98, 101, 109, 112, 122, 123, 128, 129, 132};
  std::vector<size_t> found;
  for (size_t i = 0; i < f.size(); ++i)
    if (f[i] == 1.0) found.push_back(i);
  EXPECT_EQ(f.size(), 135U);
  EXPECT_EQ(found, ones);
}

TEST(MobileNet, RowsOfPublishedSearches) {
  const auto space = load_space("mobilenet");
  const Architecture a = space->parse(
      "{'wid': None, 'ks': [5, 7, 5, 5, 3, 3, 3, 7, 5, 5, 3, 7, 7, 3, 3, 3, 5, 5, 5, 5], 'e': [4, "
      "3, 4, 4, 4, 6, 3, 4, 4, 3, 4, 3, 3, 6, 6, 6, 4, 3, 4, 4], 'd': [2, 3, 2, 4, 3], 'r': "
      "[224]}");
  expect_cost(*space, a, 255502624, 5029656);
  EXPECT_EQ(space->text(a),
            "k5e4-k7e3/k3e4-k3e6-k3e3/k5e4-k5e3/k7e3-k3e6-k3e6-k3e6/k5e4-k5e3-k5e4");
  expect_cost(
      *space,
      space->parse("{'ks': [5, 5, 5, 5, 3, 7, 7, 7, 7, 5, 7, 3, 3, 3, 5, 5, 5, 7, 5, 5], 'e': [4, "
                   "3, 6, 3, 6, 6, 3, 3, 6, 4, 4, 6, 3, 4, 3, 6, 4, 4, 3, 4], 'd': [3, 3, 3, 4, "
                   "3]}"),
      297261792,
      4761632);
  expect_cost(
      *space,
      space->parse("{'ks': [7, 3, 3, 7, 5, 3, 3, 3, 7, 3, 7, 7, 7, 3, 7, 5, 3, 3, 3, 3], 'e': [3, "
                   "6, 6, 3, 6, 3, 6, 6, 6, 6, 4, 3, 4, 6, 4, 3, 3, 6, 4, 4], 'd': [3, 2, 2, 3, "
                   "2], 'r': [224]}"),
      244945104,
      4536768);
}

TEST(MobileNet, CountIsExact) {
  BigInt stages = 1;
  for (int s = 0; s < 5; ++s) stages *= 7371;
  EXPECT_EQ(load_space("mobilenet")->count(), stages);
  EXPECT_EQ(load_space("mobilenet-elastic-resolution")->count(), 4 * stages);
  EXPECT_EQ(load_space("proxyless")->count(), 9 * stages);
}

TEST(MobileNet, DepthsAreDrawnByTheNumberOfNetworks) {
  const auto space = load_space("mobilenet");
  Rng rng(1, "depths");
  constexpr int kDraws = 20000;
  int seen[3] = {0, 0, 0};
  for (int i = 0; i < kDraws; ++i) ++seen[space->sample(rng).genes[40]];
  const double forms[3] = {81, 729, 6561};
  for (int d = 0; d < 3; ++d) {
    const double p = forms[d] / 7371;
    EXPECT_NEAR(seen[d], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)));
  }
}

TEST(MobileNet, ResolutionIsAChoice) {
  const auto space = load_space("mobilenet-elastic-resolution");
  const Architecture a = space->smallest();
  const Plan plan = space->plan(a);
  EXPECT_EQ(plan.input().h, 128);
  EXPECT_TRUE(plan.resize_input);
  EXPECT_EQ(space->text(a).substr(0, 5), "r128:");
  EXPECT_FALSE(load_space("mobilenet")->plan(load_space("mobilenet")->smallest()).resize_input);
}

TEST(MobileNet, BadTextsNameTheField) {
  const auto space = load_space("mobilenet");
  const auto says = [&](const std::string& text, const std::string& part) {
    try {
      space->parse(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  says("k3e3-k3e3/k3e3-k3e3", "2 stages where 5");
  says("k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3", "stage 1: depth: 1 is not 2, 3 or 4");
  says("k4e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3",
       "stage 1, block 1: kernel: 4 is not 3, 5 or 7");
  says("k3e3-k3e5/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3",
       "stage 1, block 2: expansion: 5 is not 3, 4 or 6");
  says("k3e3-x/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3", "stage 1, block 2: 'x' is no block");
  says("r100:k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3", "resolution: 100");
  says("{'ks': [3], 'e': [3], 'd': [2]}", "ks: 1 values where 20");
  says("{'e': [3]}", "ks: missing");
  says("{'ks': [3, x]}", "ks[1]: expected a number, got x");
}

// BigNAS: residual branches start as nothing; blocks that change the shape do not.
TEST(MobileNet, ZeroInitResidualIsForResidualBranches) {
  const auto zeroed = [](const std::string& more) {
    const auto space =
        space_of("family: mobilenet\nvariant: mobilenetv3-32\nresolutions: [32]\n" + more);
    const Plan plan = space->plan(space->largest());
    std::pair<int, int> counts;  // Batch norms that start at 0, residual sums.
    for (const Node& node : plan.nodes) {
      const auto* bn = std::get_if<BatchNorm>(&node.op);
      counts.first += bn != nullptr && bn->zero_gamma;
      counts.second += std::holds_alternative<Add>(node.op);
    }
    return counts;
  };
  EXPECT_EQ(zeroed("").first, 0);
  const auto [zeros, sums] = zeroed("zero_init_residual: true\n");
  EXPECT_GT(zeros, 10);
  EXPECT_LE(zeros, sums);  // The fixed first block is no branch that is searched.
}

}  // namespace
}  // namespace nas
