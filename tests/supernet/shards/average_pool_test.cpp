// Average pooling by our own kernels: LibTorch's in value and gradient.
#include "supernet/shards/average_pool.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support.hpp"

namespace nas {
namespace {

struct Result {
  at::Tensor y, dx;
};

Result result(const at::Tensor& given, const Pool& op, bool own) {
  const at::Tensor x = given.detach().requires_grad_(true);
  const int64_t k[2] = {op.kernel, op.kernel}, s[2] = {op.stride, op.stride};
  const int64_t p[2] = {op.padding, op.padding};
  const at::Tensor y = own ? average_pool(op, x)
                           : at::avg_pool2d(x,
                                            at::IntArrayRef(k, 2),
                                            at::IntArrayRef(s, 2),
                                            at::IntArrayRef(p, 2),
                                            false,
                                            false);
  const at::Tensor factors = at::arange(y.numel(), at::kDouble).mul(0.7).cos().view(y.sizes());
  (y * factors).sum().backward();
  return {y.detach(), x.grad()};
}

TEST(AveragePool, IsThatOfLibTorchInValueAndGradient) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16})
    for (const bool rows : {false, true})
      for (const int64_t channels : {1, 3, 16, 21})
        for (const Pool op : {Pool{false, 3, 1, 1},
                              {false, 3, 2, 1},
                              {false, 2, 2, 0},
                              {false, 5, 1, 2},
                              {false, 4, 3, 2},
                              {false, 2, 3, 0},
                              {false, 1, 1, 0},
                              {false, 7, 7, 0}}) {
          SCOPED_TRACE(testing::Message() << at::toString(type) << " rows " << rows << " channels "
                                          << channels << " kernel " << op.kernel << " stride "
                                          << op.stride << " padding " << op.padding);
          const at::Tensor x =
              test::tensor_of({2, channels, 11, 19},
                              [](int64_t i) { return std::sin(0.37 * static_cast<double>(i)); })
                  .to(type)
                  .contiguous(rows ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
          // bfloat16 is compared with doubles: LibTorch adds gradients with half of the bits.
          const at::Tensor exact = type == at::kBFloat16 ? x.to(at::kDouble) : x;
          const Result right = result(exact, op, false), own = result(x, op, true);
          const double close = type == at::kDouble ? 1e-13 : type == at::kFloat ? 1e-6 : 8e-3;
          ASSERT_EQ(own.y.sizes(), right.y.sizes());
          EXPECT_EQ(own.y.scalar_type(), type);
          EXPECT_EQ(own.y.is_contiguous(at::MemoryFormat::ChannelsLast),
                    x.is_contiguous(at::MemoryFormat::ChannelsLast));
          EXPECT_TRUE(at::allclose(own.y.to(at::kDouble), right.y.to(at::kDouble), close, close));
          EXPECT_TRUE(at::allclose(own.dx.to(at::kDouble), right.dx.to(at::kDouble), close, close));
        }
}

}  // namespace
}  // namespace nas
