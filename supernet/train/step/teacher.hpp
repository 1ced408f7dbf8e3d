#pragma once
// A frozen copy of one network that teaches the subnets of a supernet (knowledge distillation).
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>

#include "supernet/weights/weight_set.hpp"

namespace nas {

class Teacher {
 public:
  /// Copies the parameters of a plan as they are now.
  Teacher(const Plan& plan, TensorSource& tensors);
  /// From the tensors of an earlier teacher.
  explicit Teacher(std::map<std::string, at::Tensor> tensors);

  /// Its tensors, laid out for a batch like this one. They are asked for by the plans of an
  /// architecture, also of another resolution than the one copied from; DataError when the teacher
  /// lacks one. Must not outlive the teacher.
  std::unique_ptr<TensorSource> bind(const at::Tensor& like);
  /// By `Plan::tensor_name`, for checkpoints.
  const std::map<std::string, at::Tensor>& tensors() const { return tensors_; }

 private:
  void place(const at::Tensor& like);
  std::map<std::string, at::Tensor> tensors_;
  bool placed_ = false;
};

}  // namespace nas
