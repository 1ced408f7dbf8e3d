// oneDNN has special kernels for the weights' gradient of depthwise convolutions of small windows;
// of 7 x 7 (and of 5 x 5 with some paddings) it takes those for groups of any size, which was half
// of the time of a step of `mobilenet-32` (tests/bench/RESULTS.md).
#include "supernet/shards/depthwise_conv.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "supernet/shards/dense.hpp"
#include "supernet/shards/depthwise_kernels.hpp"

namespace nas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct DepthwiseConv : public torch::autograd::Function<DepthwiseConv> {
  static at::Tensor forward(AutogradContext* ctx,
                            const at::Tensor& x,
                            const at::Tensor& weight,
                            int64_t stride,
                            int64_t padding,
                            int64_t dilation) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["window"] = std::vector<int64_t>{stride, padding, dilation};
    const int64_t s[2] = {stride, stride}, p[2] = {padding, padding}, d[2] = {dilation, dilation};
    return at::conv2d(x,
                      weight,
                      {},
                      at::IntArrayRef(s, 2),
                      at::IntArrayRef(p, 2),
                      at::IntArrayRef(d, 2),
                      x.size(1));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dys) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const std::vector<int64_t> window = ctx->saved_data["window"].toIntVector();
    const int64_t s[2] = {window[0], window[0]}, p[2] = {window[1], window[1]};
    const int64_t d[2] = {window[2], window[2]}, none[2] = {0, 0};
    const at::Tensor dy = dys[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor dx, dw;
    if (ctx->needs_input_grad(0))
      dx = std::get<0>(at::convolution_backward(dy,
                                                x,
                                                weight,
                                                at::OptionalIntArrayRef(),
                                                at::IntArrayRef(s, 2),
                                                at::IntArrayRef(p, 2),
                                                at::IntArrayRef(d, 2),
                                                /*transposed=*/false,
                                                at::IntArrayRef(none, 2),
                                                x.size(1),
                                                {true, false, false}));
    if (ctx->needs_input_grad(1)) {
      dw = at::empty(weight.sizes(), weight.options().requires_grad(false));
      const DepthwiseLayout layout{.images = x.size(0),
                                   .channels = x.size(1),
                                   .rows = x.size(2),
                                   .columns = x.size(3),
                                   .rows_out = dy.size(2),
                                   .columns_out = dy.size(3),
                                   .kernel = weight.size(2),
                                   .stride = window[0],
                                   .padding = window[1],
                                   .dilation = window[2]};
      typed(x, [&](auto zero) {
        using S = decltype(zero);
        depthwise_weight_gradient(values_in<S>(dy), values_in<S>(x), layout, values_in<S>(dw));
      });
    }
    return {dx, dw, {}, {}, {}};
  }
};

at::Tensor cast(const at::Tensor& t) {
  if (!at::autocast::is_autocast_enabled(at::kCPU)) return t;
  return at::autocast::cached_cast(at::autocast::get_autocast_dtype(at::kCPU), t, at::kCPU);
}

}  // namespace

bool takes_depthwise(const Conv2d& op, const at::Tensor& x) {
  return op.groups > 1 && op.groups == op.in && op.in == op.out && !op.bias &&
         has_depthwise_loops(op.kernel) && has_kernels(x) &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor depthwise_conv(const Conv2d& op, const at::Tensor& x, const at::Tensor& weight) {
  return DepthwiseConv::apply(
      cast(x), cast(weight).contiguous(), op.stride, op.padding, op.dilation);
}

}  // namespace nas
