#pragma once
// What an ONNX file answers, by the definitions of its operators alone: it knows no plan.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "supernet/export/onnx/model.hpp"

namespace nas::onnx {

class Network {
 public:
  /// DataError naming the path where it cannot be read, or is no file that this program wrote.
  explicit Network(const std::string& path);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  const Model& model() const { return model_; }
  /// Of the network: without constants.
  std::map<std::string, at::Tensor> tensors() const;
  /// Logits for images [N, C, H, W] on the CPU. DataError (naming the path) for an operator that is
  /// not of this program's files, and where a value has not the sizes that the file says.
  at::Tensor run(const at::Tensor& images) const;

 private:
  at::Tensor pass(const at::Tensor& images) const;

  std::string path_;
  Model model_;  ///< Its tensors' bytes are in `tensors_` alone.
  std::map<std::string, at::Tensor> tensors_;
  std::map<std::string, const std::vector<int64_t>*> sizes_;  ///< Of values, by name.
};

}  // namespace nas::onnx
