#pragma once
// How the tensors of a weight set lie in memory. No torch header here.
#include <memory>

#include "supernet/device.hpp"

namespace nas {

class Space;

enum class FloatType { kFloat32, kFloat64 };

struct Placement {
  FloatType dtype = FloatType::kFloat32;
  Device device = {};
  bool channels_last = false;  ///< Convolution weights for images of that format.
};

/// What all sets of one space have in common: the tensors of the supernet and where their nodes
/// find them. Made once, shared by many sets.
class SupernetLayout;
std::shared_ptr<const SupernetLayout> make_layout(const Space& space);
/// Whether any layer of the space keeps running statistics.
bool keeps_statistics(const SupernetLayout& layout);

}  // namespace nas
