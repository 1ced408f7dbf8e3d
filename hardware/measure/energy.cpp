#include "hardware/measure/energy.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

namespace nas {
namespace {

namespace fs = std::filesystem;

std::optional<double> read_number(const fs::path& file) {
  std::ifstream stream(file);
  double value = 0;
  if (!(stream >> value)) return std::nullopt;
  return value;
}

/// Counters of packages (intel-rapl:N, not their parts), in microjoules, which begin again at 0
/// after `range`.
class Rapl final : public EnergyCounter {
 public:
  struct Package {
    fs::path file;
    std::string name;
    double range = 0, last = 0;
  };
  explicit Rapl(std::vector<Package> packages) : packages_(std::move(packages)) {}

  double joules() override {
    for (Package& package : packages_) {
      const double now = read_number(package.file).value_or(package.last);
      sum_ += now >= package.last ? now - package.last : now + package.range - package.last;
      package.last = now;
    }
    return 1e-6 * sum_;
  }
  std::string source() const override {
    std::string text = "rapl:";
    for (const Package& package : packages_) text += " " + package.name;
    return text;
  }

 private:
  std::vector<Package> packages_;
  double sum_ = 0;
};

/// The part of NVML that is asked here; signatures as in nvml.h.
class Nvml final : public EnergyCounter {
 public:
  Nvml(void* library, int (*energy)(void*, unsigned long long*), void* device)
      : library_(library), energy_(energy), device_(device) {}
  ~Nvml() override {
    if (library_ != nullptr) dlclose(library_);
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;
  double joules() override {
    unsigned long long mj = 0;
    if (energy_(device_, &mj) == 0) last_ = 1e-3 * static_cast<double>(mj);
    return last_;
  }
  std::string source() const override { return "nvml"; }

 private:
  void* library_;
  int (*energy_)(void*, unsigned long long*);
  void* device_;
  double last_ = 0;
};

template <typename F>
F symbol(void* library, const char* name) {
  return reinterpret_cast<F>(dlsym(library, name));
}

}  // namespace

std::unique_ptr<EnergyCounter> open_rapl(std::string& why, const std::string& folder) {
  std::vector<Rapl::Package> packages;
  bool unreadable = false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("intel-rapl:") || std::count(name.begin(), name.end(), ':') != 1)
      continue;
    const auto now = read_number(entry.path() / "energy_uj");
    const auto range = read_number(entry.path() / "max_energy_range_uj");
    std::string called = name;
    if (std::ifstream file(entry.path() / "name"); !(file >> called)) called = name;
    if (now)
      packages.push_back({entry.path() / "energy_uj", called, range.value_or(0), *now});
    else
      unreadable = true;
  }
  if (packages.empty()) {
    why = unreadable ? "the counters in " + folder + " may be read by root alone"
                     : "this machine shows no RAPL counters in " + folder;
    return nullptr;
  }
  std::sort(packages.begin(), packages.end(), [](const auto& a, const auto& b) {
    return a.file < b.file;
  });
  return std::make_unique<Rapl>(std::move(packages));
}

std::unique_ptr<EnergyCounter> open_nvml(int index, std::string& why) {
  void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    why = "there is no libnvidia-ml.so.1 (the NVIDIA driver)";
    return nullptr;
  }
  const auto init = symbol<int (*)()>(library, "nvmlInit_v2");
  const auto handle = symbol<int (*)(unsigned, void**)>(library, "nvmlDeviceGetHandleByIndex_v2");
  const auto energy =
      symbol<int (*)(void*, unsigned long long*)>(library, "nvmlDeviceGetTotalEnergyConsumption");
  void* device = nullptr;
  unsigned long long mj = 0;
  if (init != nullptr && handle != nullptr && energy != nullptr && init() == 0 &&
      handle(static_cast<unsigned>(index), &device) == 0 && energy(device, &mj) == 0)
    return std::make_unique<Nvml>(library, energy, device);
  dlclose(library);
  why = "NVML counts no energy of GPU " + std::to_string(index);
  return nullptr;
}

}  // namespace nas
