// Plans that read more than one image: shapes, costs, keys of tables, text.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "spaces/plan_builder.hpp"

namespace nas {
namespace {

/// Twelve places of eight features, scaled by a vector of 16.
struct Model {
  SymbolTable symbols;
  Plan plan;
  int32_t condition, each, mean, product;
  Model() {
    symbols.intern("");
    PlanBuilder b(plan, symbols, {8, 12, 1, Form::kSequence});
    condition = b.input({16, 1, 1, Form::kVector});
    each = b.add(Linear{.in = 8, .out = 16}, symbols.intern("each"), Plan::kInput);
    mean = b.add(GlobalAvgPool{}, 0, each);
    product = b.add(Mul{}, 0, {mean, condition});
    b.classifier(Linear{.in = 16, .out = 3}, symbols.intern("head"), product);
  }
};

TEST(PlanInputs, ShapesFollowTheOps) {
  const Model m;
  EXPECT_EQ(m.condition, -2);
  EXPECT_TRUE(Plan::is_input(m.condition));
  EXPECT_EQ(Plan::input_id(Plan::input_index(m.condition)), m.condition);
  EXPECT_EQ(m.plan.shape_of(Plan::kInput), (Shape{8, 12, 1, Form::kSequence}));
  EXPECT_EQ(m.plan.shape_of(m.condition), (Shape{16, 1, 1, Form::kVector}));
  EXPECT_EQ(m.plan.shape_of(m.each), (Shape{16, 12, 1, Form::kSequence}));
  EXPECT_EQ(m.plan.shape_of(m.mean), (Shape{16, 1, 1, Form::kVector}));
  EXPECT_EQ(to_string(m.plan.shape_of(m.each)), "12:16");
  EXPECT_EQ(dims_of(m.plan.shape_of(m.each)), (Dims{{12, 16, 0, 0}, 2}));
}

TEST(PlanInputs, ALayerOfEveryPlaceCostsItsPlaces) {
  const Model m;
  const Cost cost = cost_of(m.plan);
  EXPECT_EQ(cost.macs, 12 * 8 * 16 + 16 * 3);
  EXPECT_EQ(cost.params, 8 * 16 + 16 + 16 * 3 + 3);
  EXPECT_EQ(cost.activation_bytes, 4 * (12 * 16 + 16 + 16 + 3));
  // While the first layer runs: both inputs and its output.
  EXPECT_EQ(cost.peak_bytes, 4 * (8 * 12 + 12 * 16 + 16));
}

TEST(PlanInputs, KeysAndTextsTellThemApart) {
  const Model m;
  const auto node = [&](int32_t id) { return m.plan.nodes[static_cast<size_t>(id)]; };
  EXPECT_EQ(signature(m.plan, node(m.each)), "linear in=12:8 out=12:16 bias=1");
  EXPECT_EQ(signature(m.plan, node(m.product)), "mul in=16+16 out=16");
  const auto json = nlohmann::json::parse(plan_json(m.plan));
  EXPECT_EQ(json["inputs"], nlohmann::json::parse("[[12, 8], [16]]"));
  EXPECT_NE(plan_text(m.plan).find("input1"), std::string::npos);
  for (const bool live : live_nodes(m.plan)) EXPECT_TRUE(live);
}

TEST(PlanInputs, WhatWantsImagesRefusesOthers) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {8, 12, 1, Form::kSequence});
  EXPECT_THROW(b.add(Conv2d{.in = 8, .out = 8}, 0, Plan::kInput), InternalShapeError);
  EXPECT_THROW(b.add(Pool{.kernel = 1}, 0, Plan::kInput), InternalShapeError);
  EXPECT_THROW(b.add(BatchNorm{.channels = 8}, 0, Plan::kInput), InternalShapeError);
  EXPECT_THROW(b.add(Subsample{}, 0, Plan::kInput), InternalShapeError);
  EXPECT_THROW(b.add(GlobalAvgPool{.keep = true}, 0, Plan::kInput), InternalShapeError);
  EXPECT_THROW(b.add(Linear{.in = 12, .out = 8}, 0, Plan::kInput), InternalShapeError);
  const int32_t vector = b.input({8, 1, 1, Form::kVector});
  EXPECT_THROW(b.add(Add{}, 0, {Plan::kInput, vector}), InternalShapeError);
  EXPECT_THROW(b.add(Concat{}, 0, {Plan::kInput, vector}), InternalShapeError);
  EXPECT_EQ(b.shape(b.add(Concat{}, 0, {Plan::kInput, Plan::kInput})),
            (Shape{16, 12, 1, Form::kSequence}));
}

}  // namespace
}  // namespace nas
