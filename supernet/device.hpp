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

/// How a GPU computes from now on; nothing on a CPU. `tf32`: products of training may be rounded to
/// TF32 (LibTorch's own default for convolutions, but not ours). `deterministic`: algorithms that
/// give other bits each time are left aside; where an op has no other, LibTorch warns.
void set_gpu_arithmetic(const Device& device, bool tf32, bool deterministic);

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
