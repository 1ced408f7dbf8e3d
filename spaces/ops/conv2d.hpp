#pragma once
// 2-D convolution. Sizes are those of this subnet; `full_*` are the sizes of the shared tensor it
// is sliced from (leading channels; kernels by centre crop, optionally times learned matrices). A
// full size left at its default (0, or a full kernel below the kernel) means "as in this subnet".
#include <algorithm>

#include "spaces/ops/op.hpp"

namespace nas {

/// Weight [out, in/groups, k, k], optional bias [out]. A depthwise op has groups == in == out and
/// its full form groups == full_in == full_out.
struct Conv2d {
  int32_t in = 0, out = 0;
  int16_t kernel = 1, stride = 1, padding = 0, dilation = 1;
  int32_t groups = 1;
  bool bias = false;
  Init init = Init::kFrameworkDefault;
  int16_t full_kernel = 1;
  int32_t full_in = 0, full_out = 0;
  /// Kernels smaller than full_kernel are the centre crop of the next larger one times a learned
  /// matrix, chained 7 -> 5 -> 3 (once-for-all); false: the plain centre crop.
  bool kernel_transform = false;

  static constexpr bool kMacs = true, kTensors = true, kNormalises = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "conv2d"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(in, "in_channels");
    f(out, "out_channels");
    f(kernel, "kernel", "k");
    f(stride, "stride", "s");
    f(padding, "padding", "p");
    f(dilation, "dilation", "d");
    f(groups, "groups", "g");
    f(bias, "bias", "bias");
    f(init);
    f(full_kernel);
    f(full_in);
    f(full_out);
    f(kernel_transform);
  }

  constexpr bool depthwise() const { return groups > 1 && groups == in; }
  constexpr Channels channel_order() const {
    if (groups == 1) return Channels::kOwn;
    return groups == in && in == out ? Channels::kKept : Channels::kPlaced;
  }

  Shape infer(const Shape& x) const {
    const int span = dilation * (kernel - 1) + 1;
    const bool fits = x.image() && x.c == in && out > 0 && groups > 0 && stride > 0 && span > 0 &&
                      padding >= 0 && x.h + 2 * padding >= span && x.w + 2 * padding >= span &&
                      (groups == 1 || (in % groups == 0 && out % groups == 0));
    if (!fits) [[unlikely]]
      misfit(*this, {&x, 1}, "input channels, groups or size do not fit");
    return {out, window_out(x.h, span, stride, padding), window_out(x.w, span, stride, padding)};
  }

  constexpr int64_t depth() const { return groups == 1 ? in : in / groups; }
  constexpr int64_t macs(const Shape& y, Counting) const {
    return y.elements() * depth() * kernel * kernel;
  }
  constexpr int64_t params() const {
    return int64_t{out} * depth() * kernel * kernel + (bias ? out : 0);
  }

  int tensors(TensorSpec to[kMostTensors]) const {
    const int32_t whole_in = full_or(full_in, in), whole_out = full_or(full_out, out);
    const int64_t k = kernel, whole_k = std::max(kernel, full_kernel);
    const int64_t whole_depth = depthwise() ? 1 : whole_in / groups;
    to[0] = {Role::kWeight,
             {{out, in / groups, k, k}, 4},
             {{whole_out, whole_depth, whole_k, whole_k}, 4},
             kernel_transform};
    if (!bias) return 1;
    to[1] = {Role::kBias, vector_of(out), vector_of(whole_out)};
    return 2;
  }
  /// From the op as the supernet has it: the architecture that happens to mention a depthwise
  /// convolution first may be narrow, and its groups are those of its own width.
  Start start(const TensorSpec& spec) const {
    TensorSpec own[kMostTensors];
    tensors(own);
    const int64_t* size = own[0].full.size;
    const int64_t window = size[2] * size[3];
    return start_of(
        init, spec.role, size[1] * window, (depthwise() ? 1 : size[0] / groups) * window);
  }
  void forget_full() {
    full_in = full_out = 0;
    full_kernel = 1;
    kernel_transform = false;
  }
};

}  // namespace nas
