#pragma once
// Where and how tensors are computed: device, threads, allocator. No torch header here.
#include <string>
#include <utility>
#include <vector>

namespace nas {

/// The CPU, or one GPU.
struct Device {
  bool cuda = false;
  int index = 0;  ///< Of the GPU.
  bool is_cpu() const { return !cuda; }
  /// `cpu` or `cuda:N`.
  std::string str() const { return cuda ? "cuda:" + std::to_string(index) : "cpu"; }
  bool operator==(const Device&) const = default;
};

/// `auto` (a GPU where one works, else the CPU), `cpu`, `cuda` or `cuda:N`; ConfigError for any
/// other name. Opens the CUDA part of LibTorch before the first question about it. DeviceError says
/// what is missing.
Device open_device(const std::string& name);

/// Sets LibTorch's threads (0: OMP_NUM_THREADS, else all cores); returns how many are used.
/// ConfigError for many more than the machine has cores.
int set_compute_threads(int threads);
/// How many LibTorch uses now.
int compute_threads();

/// Lets glibc keep freed tensors instead of giving them back to the kernel at every step.
void tune_allocator();

/// What this LibTorch is and can do: (name, value).
std::vector<std::pair<std::string, std::string>> libtorch_facts();

}  // namespace nas
