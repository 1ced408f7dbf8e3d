#pragma once
// What needs CUDA's own symbols lies in nas-gpu.so, built where nvcc is and opened when asked for.
#include <cstddef>

namespace nas {

/// Functions of nas-gpu.so (cuda/nas_gpu.cu); each answers 0, or an error of CUDA.
struct GpuModule {
  int (*cache_bytes)(int device, size_t* bytes);
  int (*overwrite)(int device, void* stream, void* data, size_t bytes);
  const char* (*error_text)(int error);
};
/// DeviceError where it was not built or does not open.
const GpuModule& gpu_module();
/// Whether it lies beside this program.
bool has_gpu_module();

}  // namespace nas
