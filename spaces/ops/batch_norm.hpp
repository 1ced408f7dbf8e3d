#pragma once
#include "spaces/ops/op.hpp"

namespace nas {

/// `affine`: weight and bias [channels]. `running`: keeps running statistics (mean, var) as
/// buffers; without, batch statistics are used in training and evaluation.
struct BatchNorm {
  int32_t channels = 0, full = 0;
  bool affine = true, running = true;
  bool zero_gamma = false;  ///< weight starts at 0 instead of 1.
  double eps = 1e-5, momentum = 0.1;

  static constexpr bool kMacs = false, kTensors = true, kNormalises = true;
  static constexpr bool kFree = false, kRandom = false;
  static constexpr Flow kFlow = Flow::kAny;

  constexpr std::string_view name() const { return "batch_norm"; }
  template <typename F>
  constexpr void fields(F&& f) const {
    f(channels, "channels");
    f(full);
    f(affine, "affine", "affine");
    f(running, "running", "running");
    f(zero_gamma);
    f(eps, "eps");
    f(momentum, "momentum");
  }
  constexpr Channels channel_order() const { return Channels::kKept; }

  Shape infer(const Shape& x) const {
    if (x.c != channels || x.form == Form::kSequence) [[unlikely]]
      misfit(*this, {&x, 1}, "wants an image or a vector of its channels");
    return x;
  }

  constexpr int64_t params() const { return affine ? 2 * int64_t{channels} : 0; }
  int tensors(TensorSpec to[kMostTensors]) const {
    int n = 0;
    const Dims own = vector_of(channels), whole = vector_of(full_or(full, channels));
    if (affine) {
      to[n++] = {Role::kWeight, own, whole};
      to[n++] = {Role::kBias, own, whole};
    }
    if (running) {
      to[n++] = {Role::kRunningMean, own, whole};
      to[n++] = {Role::kRunningVar, own, whole};
    }
    return n;
  }
  Start start(const TensorSpec& spec) const {
    const bool ones = spec.role == Role::kRunningVar || (spec.role == Role::kWeight && !zero_gamma);
    return {ones ? Start::Fill::kOnes : Start::Fill::kZeros};
  }
  void forget_full() { full = 0; }
};

}  // namespace nas
