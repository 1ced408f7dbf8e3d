#pragma once
// What a weight store keeps besides its sets (a tree, an association).
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace nas {

struct StoreState {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> text;  ///< Everything else.
};

}  // namespace nas
