#include "supernet/device_name.hpp"

#include <charconv>
#include <optional>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr unsigned kMostDevices = 128;  ///< c10::DeviceIndex is a signed byte.

std::optional<DeviceName> read(const std::string& name) {
  if (name == "auto") return DeviceName{DeviceName::kAuto, 0};
  if (name == "cpu") return DeviceName{DeviceName::kCpu, 0};
  if (name == "cuda") return DeviceName{DeviceName::kCuda, 0};
  if (!name.starts_with("cuda:")) return std::nullopt;
  unsigned index = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + 5, end, index);
  if (error != std::errc() || stop != end || index >= kMostDevices) return std::nullopt;
  return DeviceName{DeviceName::kCuda, static_cast<int>(index)};
}

}  // namespace

std::string device_name_problem(const std::string& name) {
  if (read(name)) return "";
  return "'" + printable(name) + "' is not one of auto, cpu, cuda, cuda:N (N from 0 to " +
         std::to_string(kMostDevices - 1) + ")";
}

DeviceName parse_device_name(const std::string& name) {
  if (const auto found = read(name)) return *found;
  throw ConfigError("device " + device_name_problem(name),
                    "a GPU is `cuda`, the first one `cuda:0`");
}

}  // namespace nas
