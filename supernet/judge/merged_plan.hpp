#pragma once
// Several plans as one that computes what they have in common once. No torch header here.
#include <cstdint>
#include <span>
#include <vector>

#include "spaces/plan.hpp"

namespace nas {

struct MergedPlan {
  Plan plan;
  std::vector<int32_t> outputs;  ///< The node of `plan` that gives the outputs of each, in order.
};

/// `plans` (without those that training alone runs: auxiliary heads, relaxed choices) read the same
/// inputs and belong to one space. Nodes of equal op, tensors and inputs become one; each plan's
/// nodes follow in its own order behind what the ones before it have made. std::logic_error where
/// the plans' inputs differ.
MergedPlan merge(std::span<const Plan> plans);

/// Most bytes of activations alive at once for one sample when `merged` is executed and outputs are
/// handed on as soon as they are there (4 bytes an element).
int64_t peak_bytes(const MergedPlan& merged);

}  // namespace nas
