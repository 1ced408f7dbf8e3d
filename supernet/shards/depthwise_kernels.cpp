// Sixteen channels at a time: the image and the gradient of its outputs are packed as pixels of
// sixteen values, the image with its padding, so that the loop over windows knows no borders; a row
// of the kernel is a handful of sums in registers, to which each pixel of dy adds its products with
// as many neighbours. Sums of one image are kept in the type that one computes with, those over
// images in doubles. Products are added in one step where the machine can, so the last bits depend
// on its instruction set (like those of the convolutions around it), and on nothing else.
#include "supernet/shards/depthwise_kernels.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "spaces/base/wide.hpp"

namespace nas {
namespace {

using lanes::kLanes;
using lanes::Number;
using lanes::Some;
using lanes::Vector;
using lanes::Whole;

constexpr int64_t kMostKernel = 7;

/// Channels `first` to `first + lanes - 1` of one image, as pixels of kLanes values; `step`: from
/// pixel to pixel. Rows go to every `row_step`-th value of `to`.
template <typename W, typename S>
NAS_INLINE void pack(const S* from,
                     int64_t step,
                     int lanes,
                     int64_t rows,
                     int64_t columns,
                     int64_t row_step,
                     Number<S>* to) {
  Vector<Number<S>> v;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      W::get(from + (r * columns + c) * step, lanes, v);
      lanes::store(v, to + r * row_step + c * kLanes);
    }
}

/// Adds what one packed image gives to `sums`, [kernel, kernel, kLanes].
template <int kKernel, typename T>
NAS_INLINE void add_image(
    const T* dy, const T* x, const DepthwiseLayout& l, int64_t row_step, double* sums) {
  using V = Vector<T>;
  for (int64_t kr = 0; kr < kKernel; ++kr) {
    V sum[kKernel] = {};
    for (int64_t r = 0; r < l.rows_out; ++r) {
      const T* from = x + (r * l.stride + kr * l.dilation) * row_step;
      const T* by = dy + r * l.columns_out * kLanes;
      for (int64_t c = 0; c < l.columns_out; ++c) {
        V d, v;
        lanes::load(by + c * kLanes, d);
        for (int k = 0; k < kKernel; ++k) {
          lanes::load(from + (c * l.stride + k * l.dilation) * kLanes, v);
          sum[k] += d * v;
        }
      }
    }
    for (int k = 0; k < kKernel; ++k) {
      Vector<double> all;
      double* to = sums + (kr * kKernel + k) * kLanes;
      lanes::load(to, all);
      all += __builtin_convertvector(sum[k], Vector<double>);
      lanes::store(all, to);
    }
  }
}

/// `packed_x` is 0 in its padding; `packed_dy` has a pixel for each window.
template <typename S>
NAS_INLINE void gradient_of_lanes(const S* dy,
                                  const S* x,
                                  const DepthwiseLayout& l,
                                  int lanes,
                                  Number<S>* packed_dy,
                                  Number<S>* packed_x,
                                  double* sums) {
  const int64_t row_step = (l.columns + 2 * l.padding) * kLanes;
  Number<S>* const inside = packed_x + l.padding * (row_step + kLanes);
  for (int64_t n = 0; n < l.images; ++n) {
    const S* xs = x + n * l.rows * l.columns * l.channels;
    const S* dys = dy + n * l.rows_out * l.columns_out * l.channels;
    const int64_t row_out = l.columns_out * kLanes;
    if (lanes == kLanes) {
      pack<Whole>(xs, l.channels, lanes, l.rows, l.columns, row_step, inside);
      pack<Whole>(dys, l.channels, lanes, l.rows_out, l.columns_out, row_out, packed_dy);
    } else {
      pack<Some>(xs, l.channels, lanes, l.rows, l.columns, row_step, inside);
      pack<Some>(dys, l.channels, lanes, l.rows_out, l.columns_out, row_out, packed_dy);
    }
    if (l.kernel == 3)
      add_image<3>(packed_dy, packed_x, l, row_step, sums);
    else if (l.kernel == 5)
      add_image<5>(packed_dy, packed_x, l, row_step, sums);
    else
      add_image<7>(packed_dy, packed_x, l, row_step, sums);
  }
}

// Clones for instruction sets are made of plain functions, not of templates.
#define NAS_GRADIENT_OF_LANES(S)                                   \
  NAS_WIDE void wide_gradient(const S* dy,                         \
                              const S* x,                          \
                              const DepthwiseLayout& l,            \
                              int lanes,                           \
                              Number<S>* packed_dy,                \
                              Number<S>* packed_x,                 \
                              double* sums) {                      \
    gradient_of_lanes(dy, x, l, lanes, packed_dy, packed_x, sums); \
  }
NAS_GRADIENT_OF_LANES(float)
NAS_GRADIENT_OF_LANES(double)
NAS_GRADIENT_OF_LANES(Bf16)
#undef NAS_GRADIENT_OF_LANES

template <typename S>
void keep(const double* sums, int64_t values, int lanes, S* dw) {
  for (int j = 0; j < lanes; ++j)
    for (int64_t k = 0; k < values; ++k) {
      const double sum = sums[k * kLanes + j];
      S& to = dw[j * values + k];
      if constexpr (std::is_same_v<S, Bf16>) {
        const float some[kLanes] = {static_cast<float>(sum)};
        Vector<float> v;
        lanes::load(some, v);
        lanes::store_some(v, 1, &to);
      } else {
        to = static_cast<S>(sum);
      }
    }
}

}  // namespace

bool has_depthwise_loops(int64_t kernel) {
  return kernel == 3 || kernel == 5 || kernel == kMostKernel;
}

template <typename S>
void depthwise_weight_gradient(const S* dy, const S* x, const DepthwiseLayout& l, S* dw) {
  if (!has_depthwise_loops(l.kernel)) throw std::logic_error("no loops for this kernel");
  const auto sized = [](int64_t pixels) {
    return std::vector<Number<S>>(static_cast<size_t>(pixels * kLanes));
  };
  auto packed_dy = sized(l.rows_out * l.columns_out);
  auto packed_x = sized((l.rows + 2 * l.padding) * (l.columns + 2 * l.padding));
  const int64_t values = l.kernel * l.kernel;
  double sums[kMostKernel * kMostKernel * kLanes];
  for (int64_t first = 0; first < l.channels; first += kLanes) {
    const auto lanes = static_cast<int>(std::min<int64_t>(kLanes, l.channels - first));
    std::fill(sums, sums + values * kLanes, 0.0);
    wide_gradient(dy + first, x + first, l, lanes, packed_dy.data(), packed_x.data(), sums);
    keep(sums, values, lanes, dw + first * values);
  }
}

template void depthwise_weight_gradient(const float*, const float*, const DepthwiseLayout&, float*);
template void depthwise_weight_gradient(const double*,
                                        const double*,
                                        const DepthwiseLayout&,
                                        double*);
template void depthwise_weight_gradient(const Bf16*, const Bf16*, const DepthwiseLayout&, Bf16*);

}  // namespace nas
