#pragma once
// Where something is timed: a device by name, with what a table should say of it.
#include <map>
#include <string>

#include "cli/torch_services.hpp"

namespace nas::cli {

struct MeasuringPlace {
  Device device;
  /// device, cpu or gpu, threads, dtype, versions, system.
  std::map<std::string, std::string> conditions;
};
/// Opens the device (ConfigError, DeviceError) and sets the threads; networks then run in fp32 by
/// the fastest algorithms there are, those of inference.
MeasuringPlace open_measuring(const std::string& device, int threads);

/// `drift`, `noise`, and `unstable` (what to know) where the machine changed while it was measured.
void put_drift(const Measured& measured, std::map<std::string, std::string>& conditions);

TimedNetworks time_networks(std::span<const Plan> plans,
                            const MeasureOptions& options,
                            const std::string& device,
                            int threads);

}  // namespace nas::cli
