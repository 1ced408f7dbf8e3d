#pragma once
// Names of devices, the same for every command and configuration; no torch here.
#include <string>

namespace nas {

struct DeviceName {
  enum Kind { kAuto, kCpu, kCuda };
  Kind kind = kAuto;
  int index = 0;  ///< Of the GPU.
};
/// "" for `auto`, `cpu`, `cuda` and `cuda:N` (N from 0 to 127), exactly as written here; else what
/// is expected.
std::string device_name_problem(const std::string& name);
/// ConfigError for what device_name_problem() refuses.
DeviceName parse_device_name(const std::string& name);

}  // namespace nas
