// Depthwise convolution with our own gradient of the weights: LibTorch's in value and gradients.
#include "supernet/shards/depthwise_conv.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "supernet/torch_device.hpp"
#include "support.hpp"

namespace nas {
namespace {

struct Result {
  at::Tensor y, dx, dw;
};

Result result(const Conv2d& op, const at::Tensor& x, const at::Tensor& w, bool own) {
  const at::Tensor input = x.detach().requires_grad_(true);
  const at::Tensor weight = w.detach().requires_grad_(true);
  const int64_t s[2] = {op.stride, op.stride}, p[2] = {op.padding, op.padding};
  const int64_t d[2] = {op.dilation, op.dilation};
  const at::Tensor y = own ? depthwise_conv(op, input, weight)
                           : at::conv2d(input,
                                        weight,
                                        {},
                                        at::IntArrayRef(s, 2),
                                        at::IntArrayRef(p, 2),
                                        at::IntArrayRef(d, 2),
                                        op.groups);
  const at::Tensor factors = at::arange(y.numel(), at::kDouble).mul(0.7).cos().view(y.sizes());
  (y * factors).sum().backward();
  return {y.detach(), input.grad(), weight.grad()};
}

at::Tensor waves(at::IntArrayRef sizes, double step) {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  return at::arange(n, at::kDouble).mul(step).sin().view(sizes);
}

TEST(DepthwiseConv, IsThatOfLibTorchInValueAndGradients) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16})
    for (const int channels : {2, 16, 21, 40})
      for (const int kernel : {3, 5, 7})
        for (const int stride : {1, 2, 3})
          for (const int dilation : {1, 2})
            for (const int padding : {0, 1, dilation * (kernel - 1) / 2}) {
              SCOPED_TRACE(testing::Message()
                           << at::toString(type) << " channels " << channels << " kernel " << kernel
                           << " stride " << stride << " dilation " << dilation << " padding "
                           << padding);
              Conv2d op;
              op.in = op.out = op.groups = channels;
              op.kernel = static_cast<int16_t>(kernel);
              op.stride = static_cast<int16_t>(stride);
              op.dilation = static_cast<int16_t>(dilation);
              op.padding = static_cast<int16_t>(padding);
              const at::Tensor x = waves({3, channels, 14, 17}, 0.37)
                                       .to(type)
                                       .contiguous(at::MemoryFormat::ChannelsLast);
              const at::Tensor w = waves({channels, 1, kernel, kernel}, 1.3).to(type);
              ASSERT_TRUE(takes_depthwise(op, x));
              const Result own = result(op, x, w, true);
              const Result right = result(op, x.to(at::kDouble), w.to(at::kDouble), false);
              const double close = type == at::kDouble ? 1e-12 : type == at::kFloat ? 1e-4 : 4e-2;
              const auto expect_close = [&](const at::Tensor& a, const at::Tensor& b) {
                EXPECT_EQ(a.scalar_type(), type);
                ASSERT_EQ(a.sizes(), b.sizes());
                const double size = std::max(1.0, b.abs().max().item<double>());
                EXPECT_LE((a.to(at::kDouble) - b).abs().max().item<double>(), close * size);
              };
              expect_close(own.y, right.y);
              expect_close(own.dx, right.dx);
              expect_close(own.dw, right.dw);
            }
}

// Many terms: sums of an image in floats, of images in doubles.
TEST(DepthwiseConv, ManyImagesCostFewBits) {
  Conv2d op;
  op.in = op.out = op.groups = 16;
  op.kernel = 7;
  op.padding = 3;
  const at::Tensor x = waves({64, 16, 16, 16}, 0.37)
                           .add(3)
                           .to(at::kFloat)
                           .contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor w = waves({16, 1, 7, 7}, 1.3).to(at::kFloat);
  const Result own = result(op, x, w, true);
  const Result right = result(op, x.to(at::kDouble), w.to(at::kDouble), false);
  EXPECT_TRUE(at::allclose(own.dw.to(at::kDouble), right.dw, 1e-4, 1e-3));
}

TEST(DepthwiseConv, AutocastCastsBothInputs) {
  Conv2d op;
  op.in = op.out = op.groups = 8;
  op.kernel = 5;
  op.padding = 2;
  const at::Tensor x =
      waves({2, 8, 9, 9}, 0.37).to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor w = waves({8, 1, 5, 5}, 1.3).to(at::kFloat).requires_grad_(true);
  const AutocastScope autocast(at::kCPU, Precision::kBf16);
  const at::Tensor y = depthwise_conv(op, x, w);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  y.sum().backward();
  EXPECT_EQ(w.grad().scalar_type(), at::kFloat);
}

TEST(DepthwiseConv, IsNotForOtherConvolutions) {
  Conv2d op;
  op.in = op.out = op.groups = 8;
  op.kernel = 3;
  const at::Tensor x = at::ones({2, 8, 9, 9}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(takes_depthwise(op, x));
  EXPECT_FALSE(takes_depthwise(op, at::ones({2, 8, 9, 9})));
  Conv2d other = op;
  other.groups = 4;
  EXPECT_FALSE(takes_depthwise(other, x));
  other = op;
  other.out = 16;
  EXPECT_FALSE(takes_depthwise(other, x));
  other = op;
  other.bias = true;
  EXPECT_FALSE(takes_depthwise(other, x));
  other = op;
  other.kernel = 9;
  EXPECT_FALSE(takes_depthwise(other, x));
}

}  // namespace
}  // namespace nas
