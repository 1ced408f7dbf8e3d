#pragma once
// The kinds of blocks that a layer of a custom space can be, with elastic sizes.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "spaces/plan_builder.hpp"

namespace nas::custom {

enum class Kind : uint8_t {
  kConv,        ///< k x k convolution, BN, activation.
  kSep,         ///< Depthwise k x k, then 1x1; each with BN and activation.
  kMbConv,      ///< Inverted residual: 1x1 expand, depthwise k x k, optional SE, 1x1 project.
  kBottleneck,  ///< 1x1 reduce, k x k, 1x1 restore, with shortcut.
  kBasic,       ///< Two k x k convolutions with shortcut.
  kMaxPool,
  kAvgPool,
  kSkip,  ///< Identity; a 1x1 convolution where channels or resolution change.
  kNone,  ///< Nothing beside the shortcut of the layer.
};
/// Names of the kinds in YAML.
const std::vector<std::pair<std::string, Kind>>& kinds();
bool has_kernel(Kind kind);
bool has_expansion(Kind kind);
bool has_weights(Kind kind);
std::vector<double> default_expansions(Kind kind);

/// Channels now, and of the shared tensor they are the first of.
struct Width {
  int now = 0, full = 0;
};

/// Interned names of the parts with parameters.
struct BlockNames {
  uint32_t conv[3] = {}, bn[3] = {};
  uint32_t se_reduce = 0, se_expand = 0;
  uint32_t shortcut_conv = 0, shortcut_bn = 0;
  static BlockNames intern(SymbolTable& symbols, const std::string& prefix);
};

struct Block {
  Kind kind = Kind::kConv;
  int kernel = 3, full_kernel = 3;
  double expansion = 1, full_expansion = 1;
  bool expands = false;  ///< mbconv: has its first 1x1 convolution, in all its subnets alike.
  double se = 0;         ///< Channels of squeeze-excitation over middle channels; 0: none.
  Act act = Act::kRelu;
  int stride = 1;
  Width in, out;
  /// In and out always have the same channels: the shortcut is the identity where stride is 1.
  bool same_width = false;
  bool own_shortcut = true;  ///< False where the layer adds the shortcut itself.
};

/// k x k convolution with "same" padding and BN.
int32_t add_conv_bn(PlanBuilder& b,
                    int32_t x,
                    std::pair<uint32_t, uint32_t> names,
                    Width in,
                    Width out,
                    int kernel,
                    int stride);
/// x itself (as an identity node), or a strided 1x1 convolution with BN to the block's output.
int32_t add_shortcut(PlanBuilder& b, const Block& block, const BlockNames& names, int32_t x);
/// Appends the block; returns the id of its output. Not for kNone.
int32_t add_block(PlanBuilder& b, const Block& block, const BlockNames& names, int32_t x);

}  // namespace nas::custom
