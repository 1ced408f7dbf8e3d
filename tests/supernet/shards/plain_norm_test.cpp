// Batch normalisation for judging: LibTorch's values, and the same bits with and without what
// follows it.
#include "supernet/shards/plain_norm.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support.hpp"

namespace nas {
namespace {

enum class Form { kPlanes, kRows, kVectors };

at::Tensor values(Form form, at::ScalarType type, int64_t channels, double step) {
  const at::Tensor t = test::tensor_of({7, channels, 3, 5}, [step](int64_t i) {
                         return 2 + 3 * std::sin(step * static_cast<double>(i));
                       }).to(type);
  if (form == Form::kVectors) return t.select(3, 0).select(2, 0).contiguous();
  return t.contiguous(form == Form::kRows ? at::MemoryFormat::ChannelsLast
                                          : at::MemoryFormat::Contiguous);
}

template <typename F>
void each_case(F&& f) {
  for (const Form form : {Form::kPlanes, Form::kRows, Form::kVectors})
    for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kBFloat16})
      for (const int64_t channels : {1, 5, 16, 37}) f(form, type, channels);
}

TEST(PlainNorm, MomentsAreThoseOfTheBatch) {
  each_case([](Form form, at::ScalarType type, int64_t channels) {
    const at::Tensor x = values(form, type, channels, 0.37);
    const BatchMoments found = biased_moments(x);
    const at::Tensor exact = x.dim() == 2 ? x.to(at::kDouble) : x.to(at::kDouble).flatten(2);
    const std::vector<int64_t> over =
        x.dim() == 2 ? std::vector<int64_t>{0} : std::vector<int64_t>{0, 2};
    const auto [var, mean] = at::var_mean(exact, over, /*correction=*/0);
    EXPECT_TRUE(at::allclose(found.mean.to(at::kDouble), mean, 1e-6, 1e-6));
    EXPECT_TRUE(at::allclose(found.var.to(at::kDouble), var, 1e-6, 1e-9));
  });
}

TEST(PlainNorm, ValuesAreThoseOfLibTorchWithTheSameStatistics) {
  each_case([](Form form, at::ScalarType type, int64_t channels) {
    const at::Tensor x = values(form, type, channels, 0.37);
    const auto numbers = at::TensorOptions().dtype(type == at::kDouble ? at::kDouble : at::kFloat);
    const at::Tensor mean = at::linspace(1, 3, channels, numbers);
    const at::Tensor var = at::linspace(0.5, 4, channels, numbers);
    for (const bool affine : {true, false}) {
      const BatchNorm op{.channels = static_cast<int32_t>(channels), .affine = affine};
      NormPart part{.x = x, .weight = {}, .bias = {}, .plus = {}};
      if (affine) {
        part.weight = at::linspace(0.5, 2, channels, numbers);
        part.bias = at::linspace(-1, 1, channels, numbers);
      }
      const at::Tensor y = normalised(op, part, mean, var, false);
      const auto wide = [](const at::Tensor& t) { return t.defined() ? t.to(at::kDouble) : t; };
      const at::Tensor right = at::batch_norm(wide(x),
                                              wide(part.weight),
                                              wide(part.bias),
                                              wide(mean),
                                              wide(var),
                                              false,
                                              0.1,
                                              op.eps,
                                              false);
      EXPECT_EQ(y.scalar_type(), type);
      EXPECT_EQ(y.strides(), x.strides());
      const double close = type == at::kBFloat16 ? 1e-2 : type == at::kFloat ? 1e-5 : 1e-13;
      EXPECT_TRUE(at::allclose(wide(y), right, close, close)) << int(form) << " " << channels;
    }
  });
}

// Merging plans decides what stands alone behind a norm, and must not change an answer.
TEST(PlainNorm, SumAndReluAtOnceAreThoseOneAfterTheOther) {
  each_case([](Form form, at::ScalarType type, int64_t channels) {
    if (type == at::kBFloat16) return;  // Is not judged in: a sum is rounded once instead of twice.
    const at::Tensor x = values(form, type, channels, 0.37),
                     plus = values(form, type, channels, 0.9);
    for (const bool affine : {true, false}) {
      const BatchNorm op{.channels = static_cast<int32_t>(channels), .affine = affine};
      const auto numbers = x.options();
      NormPart part{.x = x, .weight = {}, .bias = {}, .plus = {}};
      if (affine) {
        part.weight = at::linspace(0.5, 2, channels, numbers);
        part.bias = at::linspace(-1, 1, channels, numbers);
      }
      const BatchMoments m = biased_moments(x);
      const at::Tensor alone = normalised(op, part, m.mean, m.var, false);
      EXPECT_TRUE(at::equal(normalised(op, part, m.mean, m.var, true), at::relu(alone)));
      part.plus = plus;
      EXPECT_TRUE(at::equal(normalised(op, part, m.mean, m.var, false), alone + plus));
      EXPECT_TRUE(at::equal(normalised(op, part, m.mean, m.var, true), at::relu(alone + plus)));
    }
  });
}

// LibTorch's norm of channels last sums them in one float and answers up to 0.56 here.
TEST(PlainNorm, ManyEqualValuesAreTheirMean) {
  const at::Tensor x =
      at::full({500, 16, 32, 32}, -2.3F).contiguous(at::MemoryFormat::ChannelsLast);
  const BatchMoments m = biased_moments(x);
  EXPECT_TRUE(at::equal(m.mean, at::full({16}, -2.3F)));
  EXPECT_LE(m.var.max().item<float>(), 1e-12F);
  const BatchNorm op{.channels = 16, .affine = false};
  const at::Tensor y =
      normalised(op, {.x = x, .weight = {}, .bias = {}, .plus = {}}, m.mean, m.var, false);
  EXPECT_LE(y.abs().max().item<float>(), 2e-4F);
}

TEST(PlainNorm, WhatTheKernelsDoNotTake) {
  EXPECT_TRUE(kernels_take(at::ones({2, 3, 4, 4})));
  EXPECT_FALSE(kernels_take(at::ones({2, 3, 4})));
  EXPECT_FALSE(kernels_take(at::ones({2, 3}, at::kHalf)));
  EXPECT_FALSE(kernels_take(at::ones({0, 3})));
}

}  // namespace
}  // namespace nas
