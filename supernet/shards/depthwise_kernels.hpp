#pragma once
// The gradient of the weights of a depthwise convolution, on plain arrays.
#include <cstdint>

#include "supernet/shards/lanes.hpp"

namespace nas {

/// Images [N, rows, columns, C] (channels last) and square windows of kernel * kernel values,
/// `dilation` apart, windows `stride` apart, the first `padding` before the image, in both
/// directions.
struct DepthwiseLayout {
  int64_t images = 0, channels = 0;
  int64_t rows = 0, columns = 0, rows_out = 0, columns_out = 0;
  int64_t kernel = 1, stride = 1, padding = 0, dilation = 1;
};

/// Kernel sizes that there are loops for: 3, 5 and 7.
bool has_depthwise_loops(int64_t kernel);

/// dw [C, kernel, kernel]: sums over images and windows of dy times the x of the window, which is 0
/// outside. S: float, double or Bf16, how values are kept. std::logic_error for another kernel.
template <typename S>
void depthwise_weight_gradient(const S* dy, const S* x, const DepthwiseLayout& layout, S* dw);

}  // namespace nas
