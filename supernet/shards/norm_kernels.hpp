#pragma once
// The arithmetic of batch normalisation on plain arrays: moments of a part of a batch, their
// combination, and what is done with them. Sums are cut in the same way on every instruction set.
#include <cstdint>
#include <vector>

#include "supernet/shards/lanes.hpp"

namespace nas {

/// How the values lie: `outer` times `channels` runs of `inner` values. [N, C, H, W]: outer N,
/// inner H*W; channels last and [N, C]: outer N*H*W (or N), inner 1.
struct NormLayout {
  int64_t outer = 0, channels = 0, inner = 1;
  int64_t count() const { return outer * inner; }  ///< Values of one channel.
};

/// Per channel: how many values, their mean, and the sum of squared distances to it.
struct Moments {
  double count = 0;
  std::vector<double> mean, m2;
};

/// Sums of one part that a gradient needs from all: of dy, and of dy times the normalised x.
struct GradientSums {
  std::vector<double> dy, dy_xhat;
};

/// What normalises: y = (x - mean) * inverse * weight + bias; `weight` and `bias` may be null (1
/// and 0). `relu`: negative y become 0. T: what one computes with, float or double.
template <typename T>
struct Normaliser {
  const T* mean = nullptr;
  const T* inverse = nullptr;  ///< 1 / sqrt(variance + eps)
  const T* weight = nullptr;
  const T* bias = nullptr;
  bool relu = false;
};

// S: float, double or Bf16, how values are kept.

template <typename S>
Moments moments_of(const S* x, const NormLayout& layout);
/// Of the union, by Chan, Golub, LeVeque (1979), in the order given.
Moments combined(const std::vector<Moments>& parts);

/// y, to which `plus` is added before the ReLU where it is not null.
template <typename S>
void normalise(const S* x,
               const NormLayout& layout,
               const Normaliser<lanes::Number<S>>& by,
               const S* plus,
               S* y);

/// Where `by.relu`, dy counts only where y > 0: y is computed again from x, or read where it is
/// given (it must be, where something was added to it). `counted`, where not null, gets the dy that
/// count and 0 elsewhere.
template <typename S>
GradientSums gradient_sums(const S* dy,
                           const S* x,
                           const S* y,
                           const NormLayout& layout,
                           const Normaliser<lanes::Number<S>>& by,
                           S* counted);
/// dx = weight * inverse * (dy - mean_dy - xhat * mean_dy_xhat), means over the whole batch. Where
/// `by.relu`, dy counts only where y > 0, computed again from x.
template <typename S>
void input_gradient(const S* dy,
                    const S* x,
                    const NormLayout& layout,
                    const Normaliser<lanes::Number<S>>& by,
                    const std::vector<double>& mean_dy,
                    const std::vector<double>& mean_dy_xhat,
                    S* dx);

}  // namespace nas
