// In bfloat16 an eighth of a step of NAS-Bench-201 went into LibTorch's average pooling
// (tests/bench/RESULTS.md), which adds each window value by value; pool_kernels adds rows and then
// columns, in vectors.
#include "supernet/shards/average_pool.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "supernet/shards/dense.hpp"
#include "supernet/shards/pool_kernels.hpp"

namespace nas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

int64_t windows(int64_t in, int64_t kernel, int64_t stride, int64_t padding) {
  return (in + 2 * padding - kernel) / stride + 1;
}

/// `planes`: whether values of one channel lie together.
PoolLayout layout_of(at::IntArrayRef x, bool planes, int64_t k, int64_t s, int64_t p) {
  return {planes ? x[0] * x[1] : x[0],
          planes ? 1 : x[1],
          {x[2], windows(x[2], k, s, p), k, s, p},
          {x[3], windows(x[3], k, s, p), k, s, p}};
}

at::Tensor empty(at::IntArrayRef sizes, const at::Tensor& like, bool planes) {
  return at::empty(sizes,
                   like.options().requires_grad(false).memory_format(
                       planes ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast));
}

struct AveragePool : public torch::autograd::Function<AveragePool> {
  static at::Tensor forward(
      AutogradContext* ctx, const at::Tensor& given, int64_t k, int64_t s, int64_t p) {
    const at::Tensor x = dense(given);
    const bool planes = x.is_contiguous();
    const PoolLayout layout = layout_of(x.sizes(), planes, k, s, p);
    at::Tensor y = empty({x.size(0), x.size(1), layout.rows.out, layout.columns.out}, x, planes);
    typed(x, [&](auto zero) {
      using S = decltype(zero);
      average_windows(values_in<S>(x), layout, values_in<S>(y));
    });
    ctx->saved_data["sizes"] = x.sizes().vec();
    ctx->saved_data["planes"] = planes;
    ctx->saved_data["window"] = std::vector<int64_t>{k, s, p};
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dys) {
    const std::vector<int64_t> sizes = ctx->saved_data["sizes"].toIntVector();
    const std::vector<int64_t> window = ctx->saved_data["window"].toIntVector();
    const bool planes = ctx->saved_data["planes"].toBool();
    const PoolLayout layout = layout_of(sizes, planes, window[0], window[1], window[2]);
    const at::Tensor dy =
        dys[0].contiguous(planes ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast);
    at::Tensor dx = empty(sizes, dy, planes);
    typed(dy, [&](auto zero) {
      using S = decltype(zero);
      average_windows_gradient(values_in<S>(dy), layout, values_in<S>(dx));
    });
    return {dx, {}, {}, {}};
  }
};

}  // namespace

at::Tensor average_pool(const Pool& op, const at::Tensor& x) {
  return AveragePool::apply(x, op.kernel, op.stride, op.padding);
}

}  // namespace nas
