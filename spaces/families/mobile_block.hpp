#pragma once
// The inverted residual block (1x1 expand, depthwise, optional squeeze-excitation, 1x1 project)
// that the MobileNet-like families share.
#include <cstdint>
#include <string>

#include "spaces/plan_builder.hpp"

namespace nas {

/// The nearest multiple of 8 to `v` (at least 8), one more where rounding lost over 10 %.
int divisible_by_8(double v);

/// Interned names of the nodes with parameters: `<prefix>.expand.conv` and so on.
struct MobileBlockNames {
  uint32_t expand_conv = 0, expand_bn = 0;
  uint32_t depth_conv = 0, depth_bn = 0;
  uint32_t se_reduce = 0, se_expand = 0;
  uint32_t point_conv = 0, point_bn = 0;
  static MobileBlockNames intern(SymbolTable& symbols, const std::string& prefix);
};

/// Sizes in this subnet and (`full_*`) of the shared tensors; 0 and 1 mean "the same".
struct MobileBlock {
  int in = 0, mid = 0, out = 0;
  int kernel = 3, stride = 1;
  int se_mid = 0;      ///< Channels between the two squeeze-excitation layers; 0: none.
  bool expand = true;  ///< Whether the 1x1 expanding convolution is there (mid == in without).
  bool residual = false;
  int full_in = 0, full_mid = 0, full_out = 0, full_kernel = 1, full_se = 0;
  bool kernel_transform = false;
  Act act = Act::kRelu;
  Init init = Init::kFrameworkDefault;
  BatchNorm bn;  ///< affine, running, eps and momentum of every batch norm of the block.
  double drop_path = 0.0;
  bool zero_init = false;  ///< The last batch norm of a residual branch starts at 0 (BigNAS).
};

/// Which choices put the parts there, beside those that the block is built under.
struct MobileBlockOrigin {
  Provenance kernel, expand, depth;  ///< choice -1: none.
};

/// Channels of `x` times a gate from their means: `reduce`, ReLU, `expand` (both get biases), hard
/// sigmoid. Returns the id of the product.
int32_t add_squeeze_excitation(
    PlanBuilder& b, Conv2d reduce, Conv2d expand, std::pair<uint32_t, uint32_t> names, int32_t x);

/// Appends the block (and leaves the provenance of its last part); returns the id of its output.
int32_t add_mobile_block(PlanBuilder& b,
                         const MobileBlock& block,
                         const MobileBlockNames& names,
                         const MobileBlockOrigin& origin,
                         int32_t x);

}  // namespace nas
