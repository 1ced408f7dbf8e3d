#pragma once
// What the choices of an elastic space change, read from the plans themselves, so that methods
// which shrink a network need no names: kernels, depths, middle channels, widths, the resolution.
#include <cstdint>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

enum class Elastic : uint8_t {
  kNothing,     ///< All options are the same network.
  kKernel,      ///< Sizes of kernels.
  kDepth,       ///< Which layers are there.
  kExpand,      ///< Channels inside a block, which no sum and no classifier sees.
  kWidth,       ///< Channels that sums or the classifier see.
  kResolution,  ///< Size of the image.
  kOther,       ///< Kinds of layers, or several of the above at once: nothing to shrink.
};
const char* to_string(Elastic kind);

struct ElasticChoice {
  Elastic kind = Elastic::kNothing;
  /// Options from the largest down, by the MACs of the largest network with this option.
  std::vector<int16_t> options;
};
/// One for each choice of the space.
std::vector<ElasticChoice> elastic_choices(const Space& space);

/// Channels of a network that must keep one common order: whatever permutes them alike in all these
/// nodes leaves the function unchanged.
struct ChannelGroup {
  int32_t size = 0;
  std::vector<size_t> carried;  ///< Nodes with the channels first: convolutions, batch norms.
  std::vector<size_t> read;     ///< Convolutions and linear layers that sum over them.
  /// Those of `read` that carry the signal on, not only a gate computed from a global mean.
  std::vector<size_t> main;
  std::vector<size_t> made;  ///< Dense layers whose outputs they are.
};
/// The groups that may be permuted: not the image's, not the logits', none that a sum or a
/// concatenation sees.
std::vector<ChannelGroup> channel_groups(const Plan& plan);

}  // namespace nas
