#pragma once
#include "spaces/ops/op.hpp"

namespace nas {

/// The options of a choice side by side, each times its mixing weight, which is given when the plan
/// runs (ForwardOptions::mixing). Inputs are the outputs of the options, equal shapes.
struct WeightedSum {
  int16_t choice = -1;
  /// First index in Plan::option_pool: which option of the choice each input is.
  uint32_t options = 0;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "weighted_sum"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(choice, "choice");
    f(options);
  }
  constexpr Channels channel_order() const { return Channels::kSum; }

  Shape infer(std::span<const Shape> inputs) const {
    for (const Shape& shape : inputs)
      if (shape != inputs[0]) [[unlikely]]
        misfit(*this, inputs, "the options of a choice that is mixed make different shapes");
    return inputs[0];
  }
};

}  // namespace nas
