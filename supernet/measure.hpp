#pragma once
// Timing single ops and whole networks as they run at inference.
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hardware/latency_table.hpp"
#include "spaces/space.hpp"

namespace nas {

struct MeasureOptions {
  int64_t batch = 1;
  int warmup = 5;
  int repeats = 30;
};

/// One op with the shapes it works on.
struct OpCase {
  Op op;
  std::vector<Shape> inputs;
};
/// Every distinct op of the space by signature: all architectures where there are at most `most`,
/// else random ones until `most` / 10 in a row show nothing new (`complete` is then false).
std::map<std::string, OpCase> distinct_ops(const Space& space,
                                           bool& complete,
                                           int64_t most = 20000);

/// Median and quartiles of one op on random data, evaluation mode.
LatencyEntry time_op(const OpCase& op, const MeasureOptions& options, c10::Device device);

/// The same for a whole architecture with random weights, in one call of the executor.
LatencyEntry time_network(const Space& space,
                          const Architecture& a,
                          const MeasureOptions& options,
                          c10::Device device);

}  // namespace nas
