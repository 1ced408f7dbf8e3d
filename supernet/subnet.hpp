#pragma once
// One subnet cut out of a supernet: a Plan with exactly its own tensors.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "supernet/executor.hpp"

namespace nas {

struct Subnet {
  Plan plan;
  /// By `Plan::tensor_name`, in the subnet's shapes, contiguous, on the CPU. Batch norms with fixed
  /// statistics have `.running_mean` and `.running_var`; others use those of the batch.
  std::map<std::string, at::Tensor> tensors;
};

/// The set's running statistics of every batch norm of `plan` that keeps some, as a table.
BnTable running_statistics(const Plan& plan, TensorSource& tensors);

/// Copies the tensors of a plan. Batch norms in `table` get its statistics, also those whose space
/// keeps none (they are then `running` in the plan); others with `running` get the set's.
Subnet cut_out(const Plan& plan, TensorSource& tensors, const BnTable& table);

/// Merges every batch norm with fixed statistics into the convolution before it, where that has no
/// other reader: w' = w g / sqrt(var + eps), b' = beta + (b - mean) g / sqrt(var + eps), computed
/// in double. The batch norm becomes an Identity. Returns how many were merged.
int fold_batch_norms(Subnet& subnet);

/// Elements of weights and biases; statistics are not parameters.
int64_t parameter_count(const Subnet& subnet);

/// Runs a subnet on its own tensors in evaluation mode.
at::Tensor forward(const Subnet& subnet, const at::Tensor& x);

}  // namespace nas
