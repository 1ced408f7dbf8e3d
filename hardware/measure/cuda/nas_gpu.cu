// nas-gpu.so: what needs CUDA's own symbols. A plain C interface, so that nothing else of the
// program has to be compiled by nvcc (hardware/measure/gpu_module.hpp).
#include <cuda_runtime.h>

#include <cstddef>

namespace {

// Reads and writes, so that lines are taken into the cache and are dirty: what lay there before has
// to leave it, and a later read of it goes to memory.
__global__ void overwrite(unsigned* data, size_t words) {
  const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
  for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < words; i += step)
    data[i] = data[i] * 1664525u + 1013904223u;
}

}  // namespace

extern "C" {

int nas_gpu_cache_bytes(int device, size_t* bytes) {
  int size = 0;
  const cudaError_t error = cudaDeviceGetAttribute(&size, cudaDevAttrL2CacheSize, device);
  *bytes = static_cast<size_t>(size);
  return error;
}

/// Of memory on the device, in order with other work of the stream.
int nas_gpu_overwrite(int device, void* stream, void* data, size_t bytes) {
  int before = 0;
  cudaError_t error = cudaGetDevice(&before);
  if (error == cudaSuccess && before != device) error = cudaSetDevice(device);
  if (error != cudaSuccess) return error;
  constexpr int kBlocks = 1024, kThreads = 256;
  overwrite<<<kBlocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<unsigned*>(data), bytes / sizeof(unsigned));
  error = cudaGetLastError();
  if (before != device) cudaSetDevice(before);
  return error;
}

const char* nas_gpu_error_text(int error) {
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}

}  // extern "C"
