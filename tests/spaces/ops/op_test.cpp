// What ops state about themselves, and that the compiler asks for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"
#include "tests/spaces/all_spaces.hpp"

namespace nas {
namespace {

/// A whole statement; the ops below each leave one part of it out.
struct Scale {
  int32_t channels = 0;
  bool shifts = false;

  static constexpr bool kMacs = true, kTensors = true, kNormalises = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;
  constexpr std::string_view name() const { return "scale"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(channels, "channels", "c");
    f(shifts, "shifts", "b");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }
  Shape infer(const Shape& x) const {
    if (x.c != channels) misfit(*this, {&x, 1}, "channels differ from the input's");
    return x;
  }
  int64_t macs(const Shape& out, Counting) const { return out.elements(); }
  int64_t params() const { return channels * (shifts ? 2 : 1); }
  int tensors(TensorSpec to[kMostTensors]) const {
    to[0] = {Role::kWeight, vector_of(channels), vector_of(channels)};
    to[1] = {Role::kBias, vector_of(channels), vector_of(channels)};
    return shifts ? 2 : 1;
  }
  Start start(const TensorSpec& spec) const {
    return {spec.role == Role::kWeight ? Start::Fill::kOnes : Start::Fill::kZeros};
  }
  void forget_full() {}
};
static_assert(PlanOp<Scale> && states_itself<Scale>());

struct Elementwise {
  static constexpr bool kMacs = false, kTensors = false, kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;
  constexpr std::string_view name() const { return "elementwise"; }
  template <typename F>
  constexpr void fields(F&&) const {}
  constexpr Channels channel_order() const { return Channels::kKept; }
  Shape infer(const Shape& x) const { return x; }
};
static_assert(PlanOp<Elementwise> && OneInput<Elementwise> && !ManyInputs<Elementwise>);

struct SaysTensorsAndHasNone : Elementwise {
  static constexpr bool kTensors = true;
};
struct SaysMacsAndCountsNone : Elementwise {
  static constexpr bool kMacs = true;
};
struct NoShape : Elementwise {
  void infer(const Shape&) const {}
};
struct NoName : Elementwise {
  void name() const {}
};
struct NoOrder : Elementwise {
  void channel_order() const {}
};
struct SaysNothingOfMacs {
  static constexpr bool kTensors = false;
};
static_assert(!StatesTensors<SaysTensorsAndHasNone> && !PlanOp<SaysTensorsAndHasNone>);
static_assert(!StatesMacs<SaysMacsAndCountsNone> && !PlanOp<SaysMacsAndCountsNone>);
static_assert(!OneInput<NoShape> && !ManyInputs<NoShape> && !PlanOp<NoShape>);
static_assert(!StatesName<NoName> && !StatesNature<NoOrder> && !StatesMacs<SaysNothingOfMacs>);

struct ForgetsAField {
  int32_t named = 0;
  int16_t forgotten = 0;
  double also = 0;
  template <typename F>
  constexpr void fields(F&& f) const {
    f(named, "named");
  }
};
static_assert(detail::member_count<ForgetsAField>() == 3);
static_assert(detail::field_count<ForgetsAField>() == 1);
static_assert(detail::member_count<Add>() == 0 && detail::member_count<Conv2d>() == 13);

TEST(Op, MisfitsNameTheOpItsAttributesAndTheShapes) {
  SymbolTable symbols;
  Plan plan;
  PlanBuilder b(plan, symbols, {3, 8, 8});
  const auto error_of = [&](const auto& op) -> std::string {
    try {
      b.add(op, 0, Plan::kInput);
    } catch (const InternalShapeError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(error_of(Conv2d{.in = 4, .out = 2, .kernel = 3}),
            "conv2d in_channels=4 out_channels=2 kernel=3 stride=1 padding=0 dilation=1 groups=1 "
            "bias=0 on [3x8x8]: input channels, groups or size do not fit");
  EXPECT_EQ(error_of(Linear{.in = 3, .out = 2}),
            "linear in_features=3 out_features=2 bias=1 on [3x8x8]: wants a vector of its "
            "size, or a sequence of such");
  const int32_t pooled = b.add(GlobalAvgPool{.keep = true}, 0, Plan::kInput);
  EXPECT_THROW(b.add(Add{}, 0, {Plan::kInput, pooled}), InternalShapeError);
  EXPECT_THROW(b.add(Add{}, 0, std::span<const int32_t>{}), InternalShapeError);
  EXPECT_THROW(b.add(Op{Identity{}}, 0, {pooled, pooled}), InternalShapeError);
  EXPECT_NO_THROW(b.add(Mul{}, 0, {Plan::kInput, pooled}));
  EXPECT_THROW(b.add(Mul{}, 0, {pooled, Plan::kInput}), InternalShapeError);
}

TEST(Op, WhatTheyAre) {
  EXPECT_TRUE(is_free(Identity{}) && is_free(Dropout{}) && is_free(DropPath{}));
  EXPECT_FALSE(is_free(Conv2d{}) || is_free(Zero{}) || is_free(Add{}) || is_free(Activation{}));
  EXPECT_TRUE(is_random(Dropout{}) && is_random(DropPath{}) && !is_random(Identity{}));
  EXPECT_TRUE(normalises(BatchNorm{}) && !normalises(Conv2d{}) && !normalises(Linear{}));
  EXPECT_TRUE(flow_of(Zero{}) == Flow::kNone && flow_of(Mul{}) == Flow::kGate);
  EXPECT_TRUE(takes_many(Concat{}) && takes_many(WeightedSum{}) && !takes_many(Pool{}));
  EXPECT_EQ(channel_order(Conv2d{.in = 8, .out = 8}), Channels::kOwn);
  EXPECT_EQ(channel_order(Conv2d{.in = 8, .out = 8, .groups = 8}), Channels::kKept);
  EXPECT_EQ(channel_order(Conv2d{.in = 8, .out = 8, .groups = 2}), Channels::kPlaced);
  EXPECT_EQ(attributes_text(Pool{.kernel = 3, .stride = 2, .padding = 1}), " k=3 s=2 p=1");
}

TEST(Op, ParametersAreThoseOfTheTensors) {
  std::set<std::string> looked_at;
  for (const char* name : kSpaces) {
    const auto space = load_space(name);
    const Plan plan = space->plan(space->largest());
    for (const Node& node : plan.nodes) {
      TensorSpec specs[kMostTensors];
      const int n = tensors_of(node.op, specs);
      int64_t elements = 0;
      for (int i = 0; i < n; ++i)
        if (!is_buffer(specs[i].role)) elements += specs[i].shape.elements();
      EXPECT_EQ(params_of(node.op), elements) << name << " " << plan.name(node);
      if (n > 0) looked_at.insert(std::string(op_name(node.op)));
      // Alone, its own sizes are the whole.
      Op alone = node.op;
      forget_full_sizes(alone);
      tensors_of(alone, specs);
      for (int i = 0; i < n; ++i) EXPECT_EQ(specs[i].shape, specs[i].full);
    }
  }
  EXPECT_EQ(looked_at, (std::set<std::string>{"conv2d", "batch_norm", "linear"}));
}

TEST(Op, StartsByFans) {
  // Depthwise: 9 weights in and out of each position; dense: times the whole channels.
  const auto start = [](const Op& op, int which = 0) {
    TensorSpec specs[kMostTensors];
    tensors_of(op, specs);
    return start_of(op, specs[which]);
  };
  const Conv2d narrow{.in = 4,
                      .out = 4,
                      .kernel = 3,
                      .groups = 4,
                      .bias = true,
                      .init = Init::kKaimingNormalFanOut,
                      .full_kernel = 3,
                      .full_in = 16,
                      .full_out = 16};
  EXPECT_EQ(start(narrow), (Start{Start::Fill::kNormal, 9}));
  EXPECT_EQ(start(narrow, 1), (Start{Start::Fill::kZeros}));
  Conv2d dense = narrow;
  dense.groups = 1;
  EXPECT_EQ(start(dense), (Start{Start::Fill::kNormal, 16 * 9}));
  dense.init = Init::kFrameworkDefault;
  dense.full_in = 8;
  EXPECT_EQ(start(dense), (Start{Start::Fill::kUniform, 8 * 9}));
  EXPECT_EQ(start(dense, 1), (Start{Start::Fill::kUniform, 8 * 9}));
  EXPECT_EQ(start(Linear{.in = 3, .out = 2, .full_in = 5}), (Start{Start::Fill::kUniform, 5}));
  EXPECT_EQ(start(BatchNorm{.channels = 2}), (Start{Start::Fill::kOnes}));
  EXPECT_EQ(start(BatchNorm{.channels = 2, .zero_gamma = true}), (Start{Start::Fill::kZeros}));
  EXPECT_EQ(start(BatchNorm{.channels = 2}, 3), (Start{Start::Fill::kOnes}));
  EXPECT_THROW(start_of(Op{Add{}}, TensorSpec{}), std::logic_error);
}

}  // namespace
}  // namespace nas
