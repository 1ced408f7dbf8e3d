#pragma once
// What passes its input on, or some of it.
#include "spaces/ops/op.hpp"

namespace nas {

/// Input (every stride-th element) times 0.0.
struct Zero {
  int16_t stride = 1;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kNone;

  constexpr std::string_view name() const { return "zero"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(stride, "stride", "s");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(const Shape& x) const {
    if (stride < 1 || (!x.image() && stride != 1)) [[unlikely]]
      misfit(*this, {&x, 1}, "stride does not fit");
    return {x.c, strided_out(x.h, stride, 0), strided_out(x.w, stride, 0), x.form};
  }
};

struct Identity {
  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = true, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "identity"; }
  template <typename F>
  constexpr void fields(F&&) const {}
  constexpr Channels channel_order() const { return Channels::kKept; }
  Shape infer(const Shape& x) const { return x; }
};

/// Keeps every stride-th row and column, starting at `offset` (out = ceil((size - offset)/stride)).
struct Subsample {
  int16_t stride = 2, offset = 0;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "subsample"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(stride, "stride", "s");
    f(offset, "offset", "offset");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(const Shape& x) const {
    if (!x.image() || stride < 1 || offset < 0 || offset >= stride || x.h <= offset ||
        x.w <= offset) [[unlikely]]
      misfit(*this, {&x, 1}, "stride and offset do not fit");
    return {x.c, strided_out(x.h, stride, offset), strided_out(x.w, stride, offset)};
  }
};

}  // namespace nas
