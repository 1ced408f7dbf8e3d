#include "hardware/measure/gpu_module.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr const char* kFile = "nas-gpu.so";

std::string path_of_module() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "";
  const auto path = self.parent_path() / kFile;
  return std::filesystem::is_regular_file(path, error) ? path.string() : "";
}

template <typename F>
F symbol(void* library, const char* name) {
  const auto found = reinterpret_cast<F>(dlsym(library, name));
  if (found == nullptr)
    throw DeviceError(std::string(kFile) + " is of another version: it has no " + name);
  return found;
}

GpuModule open_module() {
  const std::string path = path_of_module();
  if (path.empty())
    throw DeviceError(std::string(kFile) +
                      " is not here: it is built where nvcc is (CUDA toolkit 12 or newer; name it "
                      "with -DNAS_NVCC=PATH), and --flush-l2 needs it");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw DeviceError(path + " does not open: " + dlerror());
  GpuModule module{};
  module.cache_bytes = symbol<decltype(module.cache_bytes)>(library, "nas_gpu_cache_bytes");
  module.overwrite = symbol<decltype(module.overwrite)>(library, "nas_gpu_overwrite");
  module.error_text = symbol<decltype(module.error_text)>(library, "nas_gpu_error_text");
  return module;
}

}  // namespace

bool has_gpu_module() {
  return !path_of_module().empty();
}

const GpuModule& gpu_module() {
  static const GpuModule module = open_module();
  return module;
}

}  // namespace nas
