// Costs of a network by hand, and limits on them.
#include "search/costs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "toy_space.hpp"

namespace nas {
namespace {

using testing_toy::ToySpace;

/// Channels 8, 4, 4 at 8x8: 8*3*9*64 + 4*8*64 + 4*4*64 + 4*10.
constexpr double kSmallest = 13824 + 2048 + 1024 + 40;

Architecture smallest() {
  return {{0, 0, 0, 0, 0, 0, 0, 0}};
}

TEST(CostModel, CountsByHandAndKnowsItsMetrics) {
  const ToySpace space;
  CostModel costs(space);
  EXPECT_EQ(costs.of(smallest()).at("macs"), kSmallest);
  Architecture wider = smallest();
  wider.genes[4] = 1;  // k2 = 3: nine times the third convolution.
  EXPECT_EQ(costs.of(wider).at("macs"), kSmallest + 8 * 1024);
  EXPECT_EQ(costs.of(smallest()).at("macs"), kSmallest) << "the network asked for last is kept";
  EXPECT_THAT(costs.metrics(),
              testing::ElementsAre("macs", "params", "activation_bytes", "peak_bytes"));
  EXPECT_FALSE(costs.knows("latency_ms"));
}

TEST(CostModel, TakesFunctionsOfThePlanByName) {
  const ToySpace space;
  CostModel costs(space);
  costs.add(
      "layers",
      [](const Plan& plan) { return static_cast<double>(plan.nodes.size()); },
      "counter",
      "{\"by\":\"hand\"}");
  EXPECT_TRUE(costs.knows("layers"));
  EXPECT_EQ(costs.of(smallest()).at("layers"), 5);
  EXPECT_EQ(costs.source("layers"), "counter");
  EXPECT_EQ(costs.fidelity_json("layers"), "{\"by\":\"hand\"}");
  EXPECT_EQ(costs.source("macs"), "plan");
}

TEST(CostLimits, AddUpWhatIsBeyondEachBound) {
  const ToySpace space;
  CostModel costs(space);
  costs.add("layers", [](const Plan& plan) { return static_cast<double>(plan.nodes.size()); });
  const CostLimits none(costs, {});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.violation(smallest()), 0);
  const CostLimits met(costs, {parse_constraint("macs <= 16936")});
  EXPECT_EQ(met.violation(smallest()), 0);
  const CostLimits two(costs, {parse_constraint("macs <= 8468"), parse_constraint("layers >= 10")});
  EXPECT_NEAR(two.violation(smallest()), 1.0 + 0.5, 1e-12);
  EXPECT_THROW(CostLimits(costs, {parse_constraint("accuracy >= 0.5")}), std::logic_error);
}

}  // namespace
}  // namespace nas
