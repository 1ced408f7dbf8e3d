#pragma once
#include "spaces/ops/op.hpp"

namespace nas {

/// Padding is never counted in an average.
struct Pool {
  bool max = true;
  int16_t kernel = 2, stride = 2, padding = 0;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return max ? "max_pool" : "avg_pool"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(max);
    f(kernel, "kernel", "k");
    f(stride, "stride", "s");
    f(padding, "padding", "p");
  }
  template <typename F>
  constexpr void constants(F&& f) const {
    f("count_include_pad", false);
  }
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(const Shape& x) const {
    if (!x.image() || stride < 1 || kernel < 1 || padding < 0 || 2 * padding > kernel ||
        x.h + 2 * padding < kernel || x.w + 2 * padding < kernel) [[unlikely]]
      misfit(*this, {&x, 1}, "window does not fit the input");
    return {
        x.c, window_out(x.h, kernel, stride, padding), window_out(x.w, kernel, stride, padding)};
  }
};

/// Mean over h and w of an image, [c, 1, 1] when keep, else the vector [c]; over the places of a
/// sequence, always a vector.
struct GlobalAvgPool {
  bool keep = false;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "global_avg_pool"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(keep, "keep_dims", "keep");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(const Shape& x) const {
    if (x.vector() || (keep && !x.image())) [[unlikely]]
      misfit(*this, {&x, 1}, "wants an image, or a sequence that need not be kept one");
    return {x.c, 1, 1, keep ? Form::kImage : Form::kVector};
  }
};

}  // namespace nas
