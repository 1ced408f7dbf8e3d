#pragma once
// Energy counters of the machine: RAPL of processors, NVML of NVIDIA GPUs, opened when asked for.
#include <functional>
#include <memory>
#include <string>

namespace nas {

class EnergyCounter {
 public:
  virtual ~EnergyCounter() = default;
  /// Joules since some moment; grows only.
  virtual double joules() = 0;
  /// What is counted, for the conditions of a table: `rapl: package-0`.
  virtual std::string source() const = 0;
};

/// The packages under `folder`; null where there are none or they may not be read, and `why` says
/// so.
std::unique_ptr<EnergyCounter> open_rapl(std::string& why,
                                         const std::string& folder = "/sys/class/powercap");
/// GPU `index` in the driver's order; null, and `why`, without a driver or where the GPU does not
/// count.
std::unique_ptr<EnergyCounter> open_nvml(int index, std::string& why);

}  // namespace nas
