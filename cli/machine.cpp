#include "cli/machine.hpp"

#include <dlfcn.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "hardware/usable_memory.hpp"

namespace nas::cli {
namespace {

// `cpu.max` of the control group: quota and period in microseconds.
double quota_processors() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::atof(quota.c_str()) / period;
}

bool has_word(const std::string& words, const std::string& word) {
  std::istringstream stream(words);
  for (std::string each; stream >> each;)
    if (each == word) return true;
  return false;
}

template <typename F>
F symbol(void* library, const char* name) {
  return reinterpret_cast<F>(dlsym(library, name));
}

// The part of the driver interface that is asked here; signatures as in cuda.h.
struct Driver {
  int (*init)(unsigned);
  int (*version)(int*);
  int (*count)(int*);
  int (*device)(int*, int);
  int (*name)(char*, int, int);
  int (*memory)(size_t*, int);
};

void ask_driver(const Driver& driver, CudaFacts& facts) {
  int version = 0;
  if (driver.version(&version) == 0 && version > 0)
    facts.driver = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  const int failed = driver.init(0);
  if (failed != 0) {
    facts.problem = "the driver does not answer (cuInit error " + std::to_string(failed) + ")";
    return;
  }
  int count = 0;
  if (driver.count(&count) != 0) return;
  for (int i = 0; i < count; ++i) {
    int device = 0;
    char name[256] = "";
    size_t bytes = 0;
    if (driver.device(&device, i) != 0 || driver.name(name, sizeof name, device) != 0) continue;
    driver.memory(&bytes, device);
    facts.devices.push_back({name, static_cast<double>(bytes)});
  }
}

}  // namespace

CpuFacts cpu_facts() {
  CpuFacts facts;
  std::ifstream file("/proc/cpuinfo");
  std::string flags;
  for (std::string line; std::getline(file, line) && (facts.model.empty() || flags.empty());) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.rfind("model name", 0) == 0) facts.model = line.substr(colon + 2);
    if (line.rfind("flags", 0) == 0) flags = line.substr(colon + 2);
  }
  facts.avx2 = has_word(flags, "avx2") && has_word(flags, "fma");
  facts.avx512 = has_word(flags, "avx512f") && has_word(flags, "avx512bw");
  facts.avx512_bf16 = has_word(flags, "avx512_bf16");
  facts.amx_bf16 = has_word(flags, "amx_bf16");
  facts.logical = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t set;
  facts.usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : facts.logical;
  const double quota = quota_processors();
  if (quota > 0) facts.usable = std::min(facts.usable, std::max(1, static_cast<int>(quota)));
  return facts;
}

MemoryFacts memory_facts() {
  MemoryFacts facts;
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (double kib = 0; file >> name >> kib; std::getline(file, unit)) {
    if (name == "MemTotal:") facts.total_bytes = kib * 1024;
    if (name == "MemAvailable:") facts.available_bytes = kib * 1024;
  }
  if (const auto limit = memory_limit_bytes(); limit && *limit < facts.total_bytes)
    facts.limit_bytes = *limit;
  return facts;
}

CudaFacts cuda_facts() {
  CudaFacts facts;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    facts.problem = "no NVIDIA driver (libcuda.so.1 not found)";
    return facts;
  }
  Driver driver{};
  driver.init = symbol<int (*)(unsigned)>(library, "cuInit");
  driver.version = symbol<int (*)(int*)>(library, "cuDriverGetVersion");
  driver.count = symbol<int (*)(int*)>(library, "cuDeviceGetCount");
  driver.device = symbol<int (*)(int*, int)>(library, "cuDeviceGet");
  driver.name = symbol<int (*)(char*, int, int)>(library, "cuDeviceGetName");
  driver.memory = symbol<int (*)(size_t*, int)>(library, "cuDeviceTotalMem_v2");
  if (driver.init && driver.version && driver.count && driver.device && driver.name &&
      driver.memory) {
    ask_driver(driver, facts);
  } else {
    facts.problem = "libcuda.so.1 lacks the driver interface";
  }
  // Left open: the driver keeps threads of its own.
  return facts;
}

std::string operating_system() {
  std::ifstream file("/etc/os-release");
  std::string name = "Linux";
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("PRETTY_NAME=", 0) != 0) continue;
    name = line.substr(12);
    name.erase(std::remove(name.begin(), name.end(), '"'), name.end());
  }
  utsname kernel{};
  if (uname(&kernel) == 0)
    name += ", kernel " + std::string(kernel.release) + ", " + kernel.machine;
  return name;
}

}  // namespace nas::cli
