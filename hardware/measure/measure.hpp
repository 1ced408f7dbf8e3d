#pragma once
// Timing single ops and whole networks as they run at inference. No torch header here.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hardware/latency_table.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/space.hpp"
#include "supernet/device.hpp"

namespace nas {

struct MeasureOptions {
  int64_t batch = 1;
  int warmup = 5;
  int repeats = 30;
  std::function<bool()> stop = {};  ///< Asked between calls; true ends in Interrupted.
};

/// Median and quartiles of one op on random data, evaluation mode: wall-clock time on a CPU, the
/// time between two events on a GPU (without copies to the host).
LatencyEntry time_op(const OpCase& op, const MeasureOptions& options, const Device& device);

/// The same for a whole architecture with random weights, in one call of the executor.
LatencyEntry time_network(const Space& space,
                          const Architecture& a,
                          const MeasureOptions& options,
                          const Device& device);

}  // namespace nas
