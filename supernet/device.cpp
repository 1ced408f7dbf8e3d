// The CUDA part of LibTorch is opened by hand before the first question about CUDA, because
// LibTorch remembers the answer: so one program serves machines with and without a GPU.
#include "supernet/device.hpp"

#include <ATen/Config.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "spaces/error.hpp"
#include "supernet/device_name.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/torch_device.hpp"

namespace nas {
namespace {

int gpu_count() {
  if (!at::globalContext().hasCUDA()) return 0;
  return c10::impl::getDeviceGuardImpl(c10::kCUDA)->deviceCount();
}

/// "" when a GPU can be used, else why not. The library must be there before LibTorch is asked
/// about CUDA for the first time, because the answer is remembered.
const std::string& cuda_problem() {
  static const std::string problem = [] {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      const char* why = dlerror();
      return std::string("the CUDA part of LibTorch cannot be opened: ") +
             (why != nullptr ? why : "unknown reason");
    }
    try {
      if (gpu_count() == 0) return std::string("no working CUDA GPU or driver was found");
    } catch (const std::exception& e) {
      return std::string("CUDA does not start: ") + e.what();
    }
    return std::string();
  }();
  return problem;
}

}  // namespace

Device open_device(const std::string& name) {
  const DeviceName wanted = parse_device_name(name);
  if (wanted.kind == DeviceName::kCpu) return {};
  if (wanted.kind == DeviceName::kAuto) return {cuda_problem().empty(), 0};
  const int index = wanted.index;
  if (!cuda_problem().empty())
    throw DeviceError("device '" + name + "' is not available: " + cuda_problem() +
                      ". Use `device: cpu`, or install the NVIDIA driver and the CUDA libraries "
                      "of LibTorch (see `nas doctor`).");
  const auto count = gpu_count();
  if (index >= count)
    throw DeviceError("device '" + name + "' is not available: this machine has " +
                      std::to_string(count) + " GPU(s)");
  return {true, index};
}

void set_gpu_arithmetic(const Device& device, bool tf32, bool deterministic) {
  if (device.is_cpu()) return;
  // cuBLAS reads this when it starts: without it sums may be cut by how busy the card is.
  if (deterministic) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*replace=*/0);
  at::Context& context = at::globalContext();
  context.setAllowTF32CuDNN(tf32);
  context.setAllowTF32CuBLAS(tf32);
  context.setBenchmarkCuDNN(!deterministic);
  context.setDeterministicCuDNN(deterministic);
  context.setDeterministicAlgorithms(deterministic, /*warn_only=*/true);
  // Or every new tensor is filled first, to show who reads what nobody wrote: a kernel for each.
  context.setDeterministicFillUninitializedMemory(false);
}

ExactProducts::ExactProducts(c10::Device device) : active_(!device.is_cpu()) {
  if (!active_) return;
  at::Context& context = at::globalContext();
  convolutions_ = context.allowTF32CuDNN();
  matrices_ = context.allowTF32CuBLAS();
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

ExactProducts::~ExactProducts() {
  if (!active_) return;
  at::globalContext().setAllowTF32CuDNN(convolutions_);
  at::globalContext().setAllowTF32CuBLAS(matrices_);
}

int set_compute_threads(int threads) {
  if (threads <= 0) {
    const char* wanted = std::getenv("OMP_NUM_THREADS");
    threads = wanted != nullptr ? std::atoi(wanted) : 0;
  }
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (threads <= 0) threads = cores;
  // More threads than cores still compute what they computed on a larger machine; far more only
  // wait for each other, and a signal is not answered for seconds.
  const int most = std::max(256, 4 * cores);
  if (threads > most)
    throw ConfigError("threads: " + std::to_string(threads) + " compute threads on a machine of " +
                          std::to_string(cores) + " cores; at most " + std::to_string(most) +
                          " are possible here",
                      "set threads (or OMP_NUM_THREADS) to the number of cores, or 0");
  at::set_num_threads(threads);
  return at::get_num_threads();
}

int compute_threads() {
  const int before = OneThreadPerOp::before();
  return before > 0 ? before : at::get_num_threads();
}

void tune_allocator() {
  // Large activations would be unmapped and faulted in again at every step (8 % of ResNet20's
  // time). The threshold is limited to half a heap in some glibc versions; take the most that is
  // accepted.
  if (mallopt(M_MMAP_THRESHOLD, 1 << 30) == 0) mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 2047 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
}

std::vector<std::pair<std::string, std::string>> libtorch_facts() {
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("libtorch", TORCH_VERSION);
  facts.emplace_back("cpu_capability", at::get_cpu_capability());
  facts.emplace_back("threads", std::to_string(at::get_num_threads()));
  facts.emplace_back("mkldnn", at::hasMKLDNN() ? "yes" : "no");
  facts.emplace_back("mkl", at::hasMKL() ? "yes" : "no");
  facts.emplace_back("openmp", at::hasOpenMP() ? "yes" : "no");
  return facts;
}

c10::Device torch_device(const Device& device) {
  if (device.is_cpu()) return c10::Device(c10::kCPU);
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(device.index)};
}

Device device_of(const c10::Device& device) {
  if (device.is_cpu()) return {};
  return {true, device.has_index() ? device.index() : 0};
}

c10::ScalarType torch_type(FloatType type) {
  return type == FloatType::kFloat64 ? at::kDouble : at::kFloat;
}

AutocastScope::AutocastScope(c10::Device device, Precision precision)
    : type_(device.type()), active_(precision == Precision::kBf16) {
  if (!active_) return;
  before_ = at::autocast::is_autocast_enabled(type_);
  dtype_before_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_dtype(type_, dtype_before_);
  at::autocast::set_autocast_enabled(type_, before_);
}

}  // namespace nas
