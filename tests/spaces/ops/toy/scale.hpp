#pragma once
// An op of the tests alone: a factor for each channel. What a new op takes is this header, its row
// in all_ops.hpp (here a list of the tests', which stands before the real one), and one line each
// in the executor and the export, which the compiler asks for.
#include "spaces/ops/op.hpp"

namespace nas {

struct Scale {
  int32_t channels = 0, full = 0;

  static constexpr bool kMacs = true, kTensors = true, kNormalises = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "scale"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(channels, "channels", "c");
    f(full);
  }
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(const Shape& x) const {
    if (x.c != channels) [[unlikely]]
      misfit(*this, {&x, 1}, "channels differ from the input's");
    return x;
  }
  constexpr int64_t macs(const Shape& out, Counting) const { return out.elements(); }
  constexpr int64_t params() const { return channels; }
  int tensors(TensorSpec to[kMostTensors]) const {
    to[0] = {Role::kWeight, vector_of(channels), vector_of(full_or(full, channels))};
    return 1;
  }
  Start start(const TensorSpec&) const { return {Start::Fill::kOnes}; }
  void forget_full() { full = 0; }
};

}  // namespace nas
