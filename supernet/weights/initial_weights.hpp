#pragma once
// Filling a supernet from a file: a checkpoint of nas, or a published once-for-all checkpoint.
#include <string>

#include "supernet/weights/weight_store.hpp"

namespace nas {

/// The published (once-for-all) name of one of our tensors, e.g. `stage1.block1.depth.conv.weight`
/// -> `blocks.1.conv.depth_conv.conv.weight`; `slots` are blocks per stage. "" when the family has
/// no published form.
std::string ofa_name(const std::string& name, const std::vector<int>& slots, bool mixes);

/// The same for the ResNet50 form, e.g. `stage1.block2.conv1.bn.weight` ->
/// `blocks.1.conv1.bn.weight`.
std::string ofa_resnet_name(const std::string& name, const std::vector<int>& slots);

/// `path`: a checkpoint (.safetensors) of the same space, or a .pth file with published
/// once-for-all names. Every tensor of the store must be there in its shape, and nothing else.
/// DataError says which tensor does not fit. Returns what kind of file it was.
std::string load_initial_weights(const Space& space, WeightSet& weights, const std::string& path);

}  // namespace nas
