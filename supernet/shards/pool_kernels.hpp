#pragma once
// Means over windows of images, on plain arrays.
#include <cstdint>
#include <vector>

#include "supernet/shards/lanes.hpp"

namespace nas {

/// Windows along one axis: `in` values, `out` windows of `kernel`, `stride` apart, the first
/// `padding` before the first value. Of places outside nothing is counted.
struct Windows {
  int64_t in = 0, out = 0, kernel = 1, stride = 1, padding = 0;
};

/// How images lie: `planes` of rows times columns times `step` values. [N, C, H, W]: N*C planes,
/// step 1; channels last: N planes, step C.
struct PoolLayout {
  int64_t planes = 0, step = 1;
  Windows rows, columns;
};

// S: float, double or Bf16, how values are kept.

/// y: means of the windows of x.
template <typename S>
void average_windows(const S* x, const PoolLayout& layout, S* y);
/// dx: of each value, the sum of dy / (values of the window) over the windows it lies in.
template <typename S>
void average_windows_gradient(const S* dy, const PoolLayout& layout, S* dx);

}  // namespace nas
