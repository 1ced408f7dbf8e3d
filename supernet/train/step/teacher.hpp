#pragma once
// A frozen copy of one network that teaches the subnets of a supernet (knowledge distillation).
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "supernet/weights/weight_set.hpp"

namespace nas {

class Teacher {
 public:
  /// Copies the parameters of a plan as they are now.
  Teacher(const Plan& plan, TensorSource& tensors);
  /// From the tensors of an earlier teacher.
  explicit Teacher(std::map<std::string, at::Tensor> tensors);

  /// Logits in training mode (search.md 2.7): batch norm with the statistics of the batch, dropout
  /// drawn from `generator`. `plan` may be of another resolution than the plan copied from. No
  /// gradient. DataError when the teacher lacks a tensor of the plan.
  at::Tensor logits(const Plan& plan, const at::Tensor& x, at::Generator generator);
  /// By `Plan::tensor_name`, for checkpoints.
  const std::map<std::string, at::Tensor>& tensors() const { return tensors_; }

 private:
  void place(const at::Tensor& like);
  std::map<std::string, at::Tensor> tensors_;
  bool placed_ = false;
};

}  // namespace nas
