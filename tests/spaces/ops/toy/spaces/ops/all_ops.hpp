#pragma once
// Stands before the real list in the toy's test: a few ops and one more row.
#include <variant>

#include "spaces/ops/conv2d.hpp"
#include "spaces/ops/linear.hpp"
#include "spaces/ops/merge.hpp"
#include "spaces/ops/pool.hpp"
#include "spaces/ops/weighted_sum.hpp"
#include "tests/spaces/ops/toy/scale.hpp"

namespace nas {

using Op = std::variant<Conv2d, GlobalAvgPool, Linear, Add, Mul, WeightedSum, Scale>;

}  // namespace nas
