#pragma once
// Facts about this machine, read from the system without LibTorch.
#include <string>
#include <vector>

namespace nas::cli {

struct CpuFacts {
  std::string model;
  int logical = 0;  ///< Processors of the machine.
  int usable = 0;   ///< Of those, what affinity and control groups leave to this process.
  bool avx2 = false, avx512 = false, avx512_bf16 = false, amx_bf16 = false;
};
CpuFacts cpu_facts();

struct MemoryFacts {
  double total_bytes = 0;      ///< Of the machine.
  double available_bytes = 0;  ///< Free or reclaimable now.
  double limit_bytes = 0;      ///< Control group limit; 0: none.
};
MemoryFacts memory_facts();

struct Gpu {
  std::string name;
  double bytes = 0;
};
struct CudaFacts {
  std::string driver;   ///< CUDA version of the driver, e.g. `13.0`; empty without a driver.
  std::string problem;  ///< Why there is none or it does not answer.
  std::vector<Gpu> devices;
};
/// Asks libcuda.so.1 itself, opened only for this.
CudaFacts cuda_facts();

std::string operating_system();

}  // namespace nas::cli
