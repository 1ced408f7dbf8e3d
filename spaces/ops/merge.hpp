#pragma once
// What joins branches.
#include "spaces/ops/op.hpp"

namespace nas {

/// Sum of all inputs, equal shapes.
struct Add {
  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "add"; }
  template <typename F>
  constexpr void fields(F&&) const {}
  constexpr Channels channel_order() const { return Channels::kSum; }

  Shape infer(std::span<const Shape> inputs) const {
    for (const Shape& shape : inputs)
      if (shape != inputs[0]) [[unlikely]]
        misfit(*this, inputs, "shapes differ");
    return inputs[0];
  }
};

/// input 0 * input 1, input 1 broadcast from [c, 1, 1].
struct Mul {
  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kGate;

  constexpr std::string_view name() const { return "mul"; }
  template <typename F>
  constexpr void fields(F&&) const {}
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(std::span<const Shape> inputs) const {
    const bool fits = inputs.size() == 2 && inputs[0].c == inputs[1].c &&
                      (inputs[0] == inputs[1] ||
                       (inputs[1].h == 1 && inputs[1].w == 1 && inputs[0].form == inputs[1].form));
    if (!fits) [[unlikely]]
      misfit(*this, inputs, "wants [c, h, w] and [c, 1, 1]");
    return inputs[0];
  }
};

/// Along channels.
struct Concat {
  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "concat"; }
  template <typename F>
  constexpr void fields(F&&) const {}
  constexpr Channels channel_order() const { return Channels::kPlaced; }

  Shape infer(std::span<const Shape> inputs) const {
    Shape out = inputs[0];
    for (const Shape& shape : inputs.subspan(1)) {
      if (shape.h != out.h || shape.w != out.w || shape.form != out.form) [[unlikely]]
        misfit(*this, inputs, "heights, widths or forms differ");
      out.c += shape.c;
    }
    return out;
  }
};

}  // namespace nas
