// A new op, in all that is said of plans without torch: nothing there names it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/plan_builder.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

TEST(ToyOp, IsKnownEverywhere) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {3, 4, 4});
  const int32_t x = b.add(Scale{.channels = 3, .full = 8}, symbols.intern("scale"), Plan::kInput);
  const int32_t pooled = b.add(GlobalAvgPool{}, 0, x);
  b.classifier(Linear{.in = 3, .out = 2, .bias = false}, symbols.intern("classifier"), pooled);
  const Node& node = plan.nodes[0];
  EXPECT_EQ(signature(plan, node), "scale in=3x4x4 out=3x4x4 c=3");
  EXPECT_EQ(macs_of(plan, node), 48);
  EXPECT_EQ(params_of(node.op), 3);
  const Cost cost = cost_of(plan);
  EXPECT_EQ(cost.macs, 48 + 6);
  EXPECT_EQ(cost.params, 3 + 6);
  TensorSpec specs[kMostTensors];
  ASSERT_EQ(tensors_of(node.op, specs), 1);
  EXPECT_EQ(specs[0].full, vector_of(8));
  EXPECT_EQ(start_of(node.op, specs[0]), (Start{Start::Fill::kOnes}));
  EXPECT_EQ(plan.tensor_name(node, specs[0].role), "scale.weight");
  EXPECT_THAT(plan_json(plan), HasSubstr("\"op\": \"scale\""));
  EXPECT_THAT(plan_json(plan), HasSubstr("\"channels\": 3"));
  EXPECT_THAT(plan_text(plan), HasSubstr("c=3"));
  EXPECT_EQ(live_nodes(plan), std::vector<bool>(3, true));
  try {
    b.add(Scale{.channels = 5}, 0, Plan::kInput);
    FAIL();
  } catch (const InternalShapeError& e) {
    EXPECT_STREQ(e.what(), "scale channels=5 on [3x4x4]: channels differ from the input's");
  }
  Op alone = node.op;
  forget_full_sizes(alone);
  tensors_of(alone, specs);
  EXPECT_EQ(specs[0].full, vector_of(3));
}

}  // namespace
}  // namespace nas
