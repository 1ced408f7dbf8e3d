#pragma once
#include "spaces/ops/op.hpp"

namespace nas {

/// Weight [out, in], optional bias [out]; input is flat. `full_*` as of Conv2d.
struct Linear {
  int32_t in = 0, out = 0;
  bool bias = true;
  Init init = Init::kFrameworkDefault;
  int32_t full_in = 0, full_out = 0;

  static constexpr bool kMacs = true, kTensors = true, kNormalises = false;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "linear"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(in, "in_features");
    f(out, "out_features");
    f(bias, "bias", "bias");
    f(init);
    f(full_in);
    f(full_out);
  }
  constexpr Channels channel_order() const { return Channels::kOwn; }

  Shape infer(const Shape& x) const {
    if (x.image() || x.c != in || out < 1) [[unlikely]]
      misfit(*this, {&x, 1}, "wants a vector of its size, or a sequence of such");
    return {out, x.h, 1, x.form};
  }

  constexpr int64_t macs(const Shape& y, Counting counting) const {
    const bool counts_bias = counting == Counting::kConvLinearBias && bias;
    return (int64_t{in} * out + (counts_bias ? out : 0)) * y.h;
  }
  constexpr int64_t params() const { return int64_t{in} * out + (bias ? out : 0); }
  int tensors(TensorSpec to[kMostTensors]) const {
    const int32_t whole_in = full_or(full_in, in), whole_out = full_or(full_out, out);
    to[0] = {Role::kWeight, {{out, in, 0, 0}, 2}, {{whole_out, whole_in, 0, 0}, 2}};
    if (!bias) return 1;
    to[1] = {Role::kBias, vector_of(out), vector_of(whole_out)};
    return 2;
  }
  Start start(const TensorSpec& spec) const {
    return start_of(init, spec.role, full_or(full_in, in), full_or(full_out, out));
  }
  void forget_full() { full_in = full_out = 0; }
};

}  // namespace nas
