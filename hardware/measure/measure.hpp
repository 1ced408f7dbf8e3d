#pragma once
// Timing single ops and whole networks as they run at inference: through the executor, so that what
// is timed is what runs. No torch header here.
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "hardware/measure/protocol.hpp"
#include "hardware/op_cases.hpp"
#include "supernet/device.hpp"

namespace nas {

struct MeasureOptions {
  int64_t batch = 1;
  int warmup = 5;    ///< Calls before the clock runs, in each visit (protocol.hpp).
  int repeats = 30;  ///< Timed calls of each.
  uint64_t seed = 0;
  /// On a GPU: its cache is overwritten before each timed call, as other work would do.
  /// DeviceError where the module for it was not built.
  bool flush_l2 = false;
  bool pin = true;                  ///< Keep threads on processors of their own.
  std::function<bool()> stop = {};  ///< Asked between calls.
  /// Done and all visits, and the key of the last (networks: its number).
  std::function<void(int64_t done, int64_t all, const std::string& key)> progress = {};
};

struct Measured {
  Drift drift;
  std::string sentinel;  ///< Key of the op (number of the network) that was timed in between.
  bool stopped = false;  ///< `stop` said so; what was timed by then is here.
  /// How it was measured: pinned, governor, energy (its source, or why there is none), clock ...
  std::map<std::string, std::string> conditions;
};
struct MeasuredOps : Measured {
  std::map<std::string, Timing> times;
  std::vector<std::string> missing;  ///< Keys without a time.
};
struct MeasuredNetworks : Measured {
  std::vector<std::optional<Timing>> times;  ///< By plan.
};

/// Times of ops on random data, evaluation mode: wall-clock time on a CPU, the time between two
/// events on a GPU (without copies to the host).
MeasuredOps measure_ops(const std::map<std::string, OpCase>& ops,
                        const MeasureOptions& options,
                        const Device& device);

/// The same of whole networks with random weights, each in one call of the executor. `network(i)`
/// is built anew at each visit, so that many need no memory.
MeasuredNetworks measure_networks(size_t networks,
                                  const std::function<Plan(size_t)>& network,
                                  const MeasureOptions& options,
                                  const Device& device);
MeasuredNetworks measure_networks(std::span<const Plan> plans,
                                  const MeasureOptions& options,
                                  const Device& device);

}  // namespace nas
