#pragma once
// The ops there are. A new one is its header, a row here, and what the compiler then asks for: a
// line in the executor (supernet/executor.cpp) and one in the export (supernet/export/export.cpp).
#include <variant>

#include "spaces/ops/activation.hpp"
#include "spaces/ops/batch_norm.hpp"
#include "spaces/ops/conv2d.hpp"
#include "spaces/ops/dropout.hpp"
#include "spaces/ops/linear.hpp"
#include "spaces/ops/merge.hpp"
#include "spaces/ops/pass.hpp"
#include "spaces/ops/pool.hpp"
#include "spaces/ops/weighted_sum.hpp"

namespace nas {

using Op = std::variant<Conv2d,
                        BatchNorm,
                        Activation,
                        Pool,
                        GlobalAvgPool,
                        Linear,
                        Add,
                        Mul,
                        Concat,
                        Zero,
                        Identity,
                        Subsample,
                        Dropout,
                        DropPath,
                        WeightedSum>;

}  // namespace nas
