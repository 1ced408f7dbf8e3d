#pragma once
// From a plan and its tensors to an ONNX model. No torch here.
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spaces/plan.hpp"
#include "supernet/export/onnx/model.hpp"

namespace nas::onnx {

/// Row-major floats that outlive the model.
struct Floats {
  std::vector<int64_t> sizes;
  std::span<const float> values;
};
/// The tensor of that name (Plan::tensor_name).
using TensorsByName = std::function<Floats(const std::string& name)>;

/// For a plan that resizes its input: images come in this size, and are resized by two matrices,
/// since an antialiased Resize came with opset 18 only.
struct Resizing {
  Shape image;
  std::vector<float> rows;     ///< [input().h, image.h].
  std::vector<float> columns;  ///< [image.w, input().w].
};

struct Description {
  int opset = kNewestOpset;
  std::string producer_version, doc, graph_name;
  std::vector<std::pair<std::string, std::string>> metadata;
  const Resizing* resizing = nullptr;  ///< Null: images come in the size of the plan's input.
};

/// Input `image` (input1 ... of those beside it), output `logits`; the first axis is the batch,
/// free. Nodes and values have the plan's names, tensors those of Plan::tensor_name; constants that
/// the plan does not have begin with kConstant. Batch norms without running statistics take those
/// of each batch. ConfigError when the file would be too large, std::logic_error for a relaxed
/// plan.
Model model_of(const Plan& plan, const TensorsByName& tensors, const Description& description);

/// Beginning of the names of constants; no tensor of a plan begins so.
inline constexpr const char* kConstant = "constant/";

/// Bytes of a plan's tensors.
int64_t bytes_of(const Plan& plan);

}  // namespace nas::onnx
