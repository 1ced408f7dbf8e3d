#pragma once
// Where and how tensors are computed: device, threads, allocator, reduced precision.
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "supernet/train/train_options.hpp"

namespace nas {

/// `auto` (a GPU where one works, else the CPU), `cpu`, `cuda` or `cuda:N`; ConfigError for any
/// other name. Opens the CUDA part of LibTorch before the first question about it. DeviceError says
/// what is missing.
c10::Device open_device(const std::string& name);

/// Sets LibTorch's threads (0: OMP_NUM_THREADS, else all cores); returns how many are used.
/// ConfigError for many more than the machine has cores.
int set_compute_threads(int threads);

/// Lets glibc keep freed tensors instead of giving them back to the kernel at every step.
void tune_allocator();

/// Mixed precision on `device` while it lives; nothing for fp32.
class AutocastScope {
 public:
  AutocastScope(c10::Device device, Precision precision);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType type_;
  bool active_;
  bool before_ = false;
  c10::ScalarType dtype_before_ = c10::ScalarType::Undefined;
};

}  // namespace nas
