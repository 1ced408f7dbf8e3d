#pragma once
// What only training does: no work when timed or exported.
#include "spaces/ops/op.hpp"

namespace nas {

struct Dropout {
  float p = 0.0f;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = true, kRandom = true;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "dropout"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(p, "p");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }
  Shape infer(const Shape& x) const { return x; }
};

/// Drops the whole residual branch of a sample (stochastic depth).
struct DropPath {
  float p = 0.0f;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = true, kRandom = true;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "drop_path"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(p, "p");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }
  Shape infer(const Shape& x) const { return x; }
};

}  // namespace nas
