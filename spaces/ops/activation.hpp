#pragma once
#include "spaces/ops/op.hpp"

namespace nas {

enum class Act : uint8_t { kRelu, kRelu6, kHSwish, kHSigmoid, kSwish, kSigmoid };

struct Activation {
  Act act = Act::kRelu;

  static constexpr bool kMacs = false, kTensors = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const {
    switch (act) {
      case Act::kRelu:
        return "relu";
      case Act::kRelu6:
        return "relu6";
      case Act::kHSwish:
        return "h_swish";
      case Act::kHSigmoid:
        return "h_sigmoid";
      case Act::kSwish:
        return "swish";
      case Act::kSigmoid:
        return "sigmoid";
    }
    return "";
  }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(act);
  }
  constexpr Channels channel_order() const { return Channels::kKept; }
  Shape infer(const Shape& x) const { return x; }
};

}  // namespace nas
