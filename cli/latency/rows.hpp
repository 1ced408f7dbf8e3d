#pragma once
// Files of networks that were measured elsewhere: `nas latency calibrate --rows`.
#include "cli/latency/networks.hpp"

namespace nas::cli {

/// Reads CSV or JSON with a column of architectures and one of times, in the order of its rows.
/// Conditions stand above the header (`# device: phone`) or in columns batch, dtype, device and
/// threads, where all rows say the same. DataError (file:line:column) for a row that is none of the
/// space or has no time above 0, one that repeats a network with another time, and conditions that
/// contradict one another; ConfigError where it is not said which column holds the times or in
/// which unit, for another batch or dtype than the table's, another device or other threads than
/// the options say, and for times that can hardly be in their unit: by what devices can do, or as
/// they are more than 50 times what `table` adds up for the same networks, or less than a 50th.
MeasuredRows read_measured_rows(const NetworkOptions& options,
                                const Space& space,
                                const LatencyTable& table);

/// Whether both conditions name one device: `cuda` is one of cuda:0, cuda:1 ...
bool same_device(const std::string& a, const std::string& b);

}  // namespace nas::cli
