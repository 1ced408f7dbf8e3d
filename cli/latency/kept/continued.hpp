#pragma once
// A table that goes on with another one: whether the machine is still in the state of its times.
#include <map>
#include <string>
#include <vector>

#include "hardware/latency_table.hpp"
#include "hardware/measure/measure.hpp"
#include "hardware/op_cases.hpp"

namespace nas::cli {

/// Keys of the ops of `from` that are to be timed again beside new ones: its sentinel, or where it
/// has none, up to three of those with the longest times. Only of `ops`.
std::vector<std::string> timed_again(const LatencyTable& from,
                                     const std::map<std::string, OpCase>& ops);

/// Compares the times of the ops `again` in `from` with those of `now`, and says so in
/// `conditions`: `sentinel_then_now`, and `unstable` where the machine is in another state.
/// `conditions` are those of the new measuring, with its drift and noise. Returns what to warn of,
/// or "".
std::string compare_states(const LatencyTable& from,
                           const std::vector<std::string>& again,
                           const std::map<std::string, Timing>& now,
                           std::map<std::string, std::string>& conditions);

}  // namespace nas::cli
