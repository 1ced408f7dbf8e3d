// Shapes, parameters and multiply-adds of ops, held to sliding windows and counting loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/plan.hpp"
#include "spaces/plan_builder.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

/// Places of a window of `span` pixels on `size` pixels and their padding, one by one.
int places(int size, int span, int stride, int padding) {
  int count = 0;
  for (int at = -padding; at + span <= size + padding; at += stride) ++count;
  return count;
}
int kept(int size, int stride, int offset) {
  int count = 0;
  for (int at = offset; at < size; at += stride) ++count;
  return count;
}

std::string misfit_of(const Op& op, const std::vector<Shape>& inputs) {
  try {
    infer_shape(op, inputs);
  } catch (const InternalShapeError& e) {
    return e.what();
  }
  return "fits";
}

TEST(OpShapes, ConvolutionsAreTheWindowsThatFit) {
  for (int size = 1; size <= 17; ++size)
    for (int16_t kernel = 1; kernel <= 7; ++kernel)
      for (int16_t stride = 1; stride <= 4; ++stride)
        for (int16_t padding = 0; padding <= 3; ++padding)
          for (int16_t dilation = 1; dilation <= 3; ++dilation) {
            const Conv2d op{.in = 2,
                            .out = 5,
                            .kernel = kernel,
                            .stride = stride,
                            .padding = padding,
                            .dilation = dilation};
            const int span = dilation * (kernel - 1) + 1;
            const int h = places(size, span, stride, padding);
            const int w = places(size + 3, span, stride, padding);
            if (h == 0 || w == 0)
              EXPECT_THAT(misfit_of(op, {{2, size, size + 3}}), HasSubstr("do not fit"));
            else
              EXPECT_EQ(op.infer({2, size, size + 3}), (Shape{5, h, w}))
                  << size << " k" << kernel << " s" << stride << " p" << padding << " d"
                  << dilation;
          }
}

TEST(OpShapes, PoolsAreTheWindowsThatFit) {
  for (int size = 1; size <= 12; ++size)
    for (int16_t kernel = 1; kernel <= 5; ++kernel)
      for (int16_t stride = 1; stride <= 4; ++stride)
        for (int16_t padding = 0; padding <= 3; ++padding) {
          const Pool op{
              .max = size % 2 == 0, .kernel = kernel, .stride = stride, .padding = padding};
          const int out = places(size, kernel, stride, padding);
          // A window of padding alone has no value: frameworks refuse it, too.
          if (out == 0 || 2 * padding > kernel)
            EXPECT_THAT(misfit_of(op, {{3, size, size}}), HasSubstr("window does not fit"));
          else
            EXPECT_EQ(op.infer({3, size, size}), (Shape{3, out, out}));
        }
}

TEST(OpShapes, StridesKeepEveryFewPixels) {
  for (int size = 1; size <= 20; ++size)
    for (int16_t stride = 1; stride <= 5; ++stride) {
      EXPECT_EQ(Zero{stride}.infer({4, size, 2 * size}),
                (Shape{4, kept(size, stride, 0), kept(2 * size, stride, 0)}));
      for (int16_t offset = 0; offset <= 5; ++offset) {
        const Subsample op{.stride = stride, .offset = offset};
        if (offset >= stride || offset >= size)
          EXPECT_THAT(misfit_of(op, {{4, size, size}}), HasSubstr("do not fit"));
        else
          EXPECT_EQ(op.infer({4, size, size}),
                    (Shape{4, kept(size, stride, offset), kept(size, stride, offset)}));
      }
    }
}

TEST(OpShapes, ConvolutionsMultiplyWhatTheirLoopsMultiply) {
  for (const int groups : {1, 2, 4})
    for (const int16_t kernel : {1, 3})
      for (const int16_t stride : {1, 2})
        for (const bool bias : {false, true}) {
          const Conv2d op{.in = 4,
                          .out = 8,
                          .kernel = kernel,
                          .stride = stride,
                          .padding = static_cast<int16_t>(kernel / 2),
                          .groups = groups,
                          .bias = bias};
          const Shape out = op.infer({4, 6, 5});
          int64_t multiplied = 0, weights = 0;
          for (int o = 0; o < out.c; ++o)
            for (int i = 0; i < op.in; ++i) {
              if (i / (op.in / groups) != o / (op.out / groups)) continue;  // Another group.
              weights += kernel * kernel;
              for (int y = 0; y < out.h; ++y)
                for (int x = 0; x < out.w; ++x) multiplied += kernel * kernel;
            }
          EXPECT_EQ(op.macs(out, Counting::kConvLinear), multiplied);
          EXPECT_EQ(op.macs(out, Counting::kConvLinearBias), multiplied) << "no bias of these";
          EXPECT_EQ(op.params(), weights + (bias ? 8 : 0));
          TensorSpec specs[kMostTensors];
          ASSERT_EQ(op.tensors(specs), bias ? 2 : 1);
          EXPECT_EQ(specs[0].shape, (Dims{{8, 4 / groups, kernel, kernel}, 4}));
          EXPECT_EQ(specs[0].full, specs[0].shape) << "full sizes left out";
        }
}

TEST(OpShapes, HugeConvolutionsDoNotOverflow) {
  const Conv2d op{.in = 60000, .out = 60000, .kernel = 7, .padding = 3};
  EXPECT_EQ(op.params(), int64_t{60000} * 60000 * 49);
  EXPECT_EQ(op.macs(op.infer({60000, 512, 512}), Counting::kConvLinear),
            int64_t{60000} * 60000 * 49 * 512 * 512);
}

TEST(OpShapes, SlicedTensorsKnowTheWholeOnes) {
  TensorSpec specs[kMostTensors];
  // A narrow layer with a small kernel of a wide one with a learned crop.
  const Conv2d narrow{.in = 8,
                      .out = 16,
                      .kernel = 3,
                      .bias = true,
                      .full_kernel = 7,
                      .full_in = 24,
                      .full_out = 32,
                      .kernel_transform = true};
  ASSERT_EQ(narrow.tensors(specs), 2);
  EXPECT_EQ(specs[0].shape, (Dims{{16, 8, 3, 3}, 4}));
  EXPECT_EQ(specs[0].full, (Dims{{32, 24, 7, 7}, 4}));
  EXPECT_TRUE(specs[0].learned_crop);
  EXPECT_EQ(specs[1].full, vector_of(32));
  EXPECT_EQ(specs[0].full.elements(), 32 * 24 * 49);
  // Depthwise: one input channel for each output, in the whole too.
  const Conv2d depthwise{
      .in = 8, .out = 8, .kernel = 5, .groups = 8, .full_kernel = 5, .full_in = 24, .full_out = 24};
  ASSERT_EQ(depthwise.tensors(specs), 1);
  EXPECT_EQ(specs[0].shape, (Dims{{8, 1, 5, 5}, 4}));
  EXPECT_EQ(specs[0].full, (Dims{{24, 1, 5, 5}, 4}));
  EXPECT_FALSE(specs[0].learned_crop);
  const Linear head{.in = 10, .out = 4, .full_in = 20, .full_out = 0};
  ASSERT_EQ(head.tensors(specs), 2);
  EXPECT_EQ(specs[0].full, (Dims{{4, 20, 0, 0}, 2}));
  EXPECT_EQ(specs[1].full, vector_of(4));
}

TEST(OpShapes, BatchNormHasTheTensorsItIsAskedFor) {
  TensorSpec specs[kMostTensors];
  for (const bool affine : {false, true})
    for (const bool running : {false, true}) {
      const BatchNorm op{.channels = 6, .full = 9, .affine = affine, .running = running};
      const int n = op.tensors(specs);
      EXPECT_EQ(n, (affine ? 2 : 0) + (running ? 2 : 0));
      EXPECT_EQ(op.params(), affine ? 12 : 0);
      for (int i = 0; i < n; ++i) {
        EXPECT_EQ(specs[i].shape, vector_of(6));
        EXPECT_EQ(specs[i].full, vector_of(9));
        EXPECT_EQ(is_buffer(specs[i].role), i >= (affine ? 2 : 0));
      }
    }
  EXPECT_EQ(misfit_of(BatchNorm{.channels = 6}, {{7, 2, 2}}),
            "batch_norm channels=6 affine=1 running=1 eps=0.000010 momentum=0.100000 on [7x2x2]: "
            "wants an image or a vector of its channels");
  EXPECT_EQ(misfit_of(BatchNorm{.channels = 6}, {{6, 1, 1, Form::kVector}}), "fits");
}

TEST(OpShapes, LinearLayersCountTheirBiasWhereAsked) {
  const Linear with{.in = 3, .out = 5}, without{.in = 3, .out = 5, .bias = false};
  const Shape vector{5, 1, 1, Form::kVector}, sequence{5, 7, 1, Form::kSequence};
  EXPECT_EQ(with.macs(vector, Counting::kConvLinear), 15);
  EXPECT_EQ(with.macs(vector, Counting::kConvLinearBias), 20);
  EXPECT_EQ(without.macs(vector, Counting::kConvLinearBias), 15);
  EXPECT_EQ(with.macs(sequence, Counting::kConvLinearBias), 140);
  EXPECT_EQ(with.params(), 20);
  EXPECT_EQ(with.infer({3, 7, 1, Form::kSequence}), sequence);
}

TEST(OpShapes, WhatJoinsBranchesWantsThemToFit) {
  const Shape image{4, 6, 6}, other{4, 6, 5}, gate{4, 1, 1}, wide{7, 6, 6};
  EXPECT_EQ(infer_shape(Add{}, std::vector<Shape>{image, image, image}), image);
  EXPECT_EQ(misfit_of(Add{}, {image, image, other}), "add on [4x6x6, 4x6x6, 4x6x5]: shapes differ");
  EXPECT_EQ(infer_shape(Concat{}, std::vector<Shape>{image, wide, image}), (Shape{15, 6, 6}));
  EXPECT_EQ(misfit_of(Concat{}, {image, other}),
            "concat on [4x6x6, 4x6x5]: heights, widths or forms differ");
  EXPECT_EQ(infer_shape(Mul{}, std::vector<Shape>{image, gate}), image);
  EXPECT_EQ(infer_shape(Mul{}, std::vector<Shape>{image, image}), image);
  for (const std::vector<Shape>& inputs : {std::vector<Shape>{image},
                                           {image, wide},
                                           {gate, image},
                                           {image, other},
                                           {image, gate, gate},
                                           {image, {4, 1, 1, Form::kVector}}})
    EXPECT_THAT(misfit_of(Mul{}, inputs), HasSubstr("wants [c, h, w] and [c, 1, 1]"));
  EXPECT_THAT(misfit_of(WeightedSum{.choice = 2}, {image, other}),
              HasSubstr("weighted_sum choice=2 on [4x6x6, 4x6x5]: the options of a choice"));
  for (const Op& op : {Op(Add{}), Op(Concat{}), Op(Mul{}), Op(WeightedSum{}), Op(Identity{})})
    EXPECT_THAT(misfit_of(op, {}), HasSubstr(" on []: has no input"));
  for (const Op& op : {Op(Identity{}), Op(Pool{}), Op(Activation{}), Op(Dropout{})})
    EXPECT_THAT(misfit_of(op, {image, image}), HasSubstr("wants one input"));
}

TEST(OpShapes, GlobalPoolsMakeVectorsUnlessKept) {
  EXPECT_EQ(GlobalAvgPool{}.infer({9, 3, 4}), (Shape{9, 1, 1, Form::kVector}));
  EXPECT_EQ(GlobalAvgPool{.keep = true}.infer({9, 3, 4}), (Shape{9, 1, 1}));
  EXPECT_EQ(GlobalAvgPool{}.infer({9, 12, 1, Form::kSequence}), (Shape{9, 1, 1, Form::kVector}));
  EXPECT_THAT(misfit_of(GlobalAvgPool{}, {{9, 1, 1, Form::kVector}}), HasSubstr("wants an image"));
}

TEST(OpShapes, ConvolutionsRefuseWhatHasNoMeaning) {
  const Conv2d good{.in = 4, .out = 6, .kernel = 3, .padding = 1};
  EXPECT_EQ(misfit_of(good, {{4, 5, 5}}), "fits");
  std::vector<Conv2d> wrong(8, good);
  wrong[0].in = 3;
  wrong[1].out = 0;
  wrong[2].groups = 0;
  wrong[3].stride = 0;
  wrong[4].padding = -1;
  wrong[5].groups = 3;  // Divides 6, not 4.
  wrong[6].groups = 4;  // Divides 4, not 6.
  wrong[7].dilation = -1;
  for (const Conv2d& op : wrong) EXPECT_THAT(misfit_of(op, {{4, 5, 5}}), HasSubstr("do not fit"));
}

TEST(OpShapes, KeysOfTablesSayTheWorkAndNothingElse) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {3, 32, 32});
  const uint32_t name = symbols.intern("layer");
  const int32_t conv =
      b.add(Conv2d{.in = 3, .out = 16, .kernel = 3, .stride = 2, .padding = 1}, name, Plan::kInput);
  const int32_t norm = b.add(BatchNorm{.channels = 16}, name, conv);
  const int32_t act = b.add(Activation{Act::kHSwish}, 0, norm);
  const int32_t pool = b.add(Pool{.max = false, .kernel = 3, .stride = 1, .padding = 1}, 0, act);
  const int32_t sum = b.add(Add{}, 0, {act, pool});
  const int32_t half = b.add(Subsample{.stride = 2, .offset = 1}, 0, sum);
  const int32_t none = b.add(Zero{.stride = 2}, 0, sum);
  const int32_t both = b.add(Concat{}, 0, {half, none});
  const int32_t gap = b.add(GlobalAvgPool{}, 0, both);
  b.classifier(Linear{.in = 32, .out = 10}, name, gap);
  std::vector<std::string> keys;
  for (const Node& node : plan.nodes) keys.push_back(signature(plan, node));
  EXPECT_EQ(keys,
            (std::vector<std::string>{"conv2d in=3x32x32 out=16x16x16 k=3 s=2 p=1 d=1 g=1 bias=0",
                                      "batch_norm in=16x16x16 out=16x16x16 affine=1 running=1",
                                      "h_swish in=16x16x16 out=16x16x16",
                                      "avg_pool in=16x16x16 out=16x16x16 k=3 s=1 p=1",
                                      "add in=16x16x16+16x16x16 out=16x16x16",
                                      "subsample in=16x16x16 out=16x8x8 s=2 offset=1",
                                      "zero in=16x16x16 out=16x8x8 s=2",
                                      "concat in=16x8x8+16x8x8 out=32x8x8",
                                      "global_avg_pool in=32x8x8 out=32 keep=0",
                                      "linear in=32 out=10 bias=1"}));
  // What decides no work is not in it.
  const Node& first = plan.nodes[0];
  Node same = first;
  std::get<Conv2d>(same.op).full_in = 48;
  std::get<Conv2d>(same.op).full_kernel = 7;
  std::get<Conv2d>(same.op).init = Init::kKaimingNormalFanOut;
  same.name = 0;
  EXPECT_EQ(signature(plan, same), keys[0]);
}

TEST(OpShapes, NamesOfActivationsAreTheFieldsOwn) {
  const std::vector<std::pair<Act, std::string>> names = {{Act::kRelu, "relu"},
                                                          {Act::kRelu6, "relu6"},
                                                          {Act::kHSwish, "h_swish"},
                                                          {Act::kHSigmoid, "h_sigmoid"},
                                                          {Act::kSwish, "swish"},
                                                          {Act::kSigmoid, "sigmoid"}};
  for (const auto& [act, name] : names) EXPECT_EQ(op_name(Activation{act}), name);
  EXPECT_EQ(op_name(Pool{}), "max_pool");
  EXPECT_EQ(op_name(Pool{.max = false}), "avg_pool");
}

TEST(OpShapes, ShapesReadAsTensorsHaveThem) {
  EXPECT_EQ(to_string(Shape{16, 32, 30}), "16x32x30");
  EXPECT_EQ(to_string(Shape{64, 1, 1, Form::kVector}), "64");
  EXPECT_EQ(to_string(Shape{64, 12, 1, Form::kSequence}), "12:64");
  EXPECT_EQ(dims_of({16, 32, 30}), (Dims{{16, 32, 30, 0}, 3}));
  EXPECT_EQ(dims_of({64, 1, 1, Form::kVector}), vector_of(64));
  EXPECT_EQ(dims_of({64, 12, 1, Form::kSequence}), (Dims{{12, 64, 0, 0}, 2}));
  for (const Shape& shape : {Shape{16, 32, 30}, Shape{64, 12, 1, Form::kSequence}})
    EXPECT_EQ(dims_of(shape).elements(), shape.elements());
  EXPECT_EQ((Shape{1 << 15, 1 << 15, 1 << 15}).elements(), int64_t{1} << 45);
}

}  // namespace
}  // namespace nas
