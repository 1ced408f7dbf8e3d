// What this build and machine can do, each line with what follows from it.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/machine.hpp"
#include "cli/report/document.hpp"
#include "cli/results/doctor.hpp"
#include "cli/torch_services.hpp"
#include "cli/version.hpp"
#include "search/store/store.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string gib(double bytes) {
  return format_number(bytes / (1 << 30), 3) + " GiB";
}

void add_build(std::vector<DoctorLine>& lines) {
  for (const auto& [name, value] : build_facts())
    lines.push_back({"build", name, value, Health::kOk});
  const std::string torch = torch_binary();
  if (const auto facts = torch_services().facts()) {
    for (const auto& [name, value] : *facts)
      lines.push_back({"libtorch", name, value, Health::kOk});
  } else if (torch.empty()) {
    lines.push_back({"libtorch",
                     "nas-torch",
                     nullptr,
                     Health::kBad,
                     "train, evaluate, export, measure and rank are not available: build with "
                     "-DNAS_TORCH=ON"});
  } else {
    lines.push_back({"libtorch", "nas-torch", torch, Health::kOk});
    lines.push_back({"libtorch",
                     "details",
                     nullptr,
                     Health::kNote,
                     "nas doctor --torch loads it and tells more"});
  }
}

void add_cpu(std::vector<DoctorLine>& lines) {
  const CpuFacts cpu = cpu_facts();
  lines.push_back({"machine", "system", operating_system(), Health::kOk});
  lines.push_back({"machine", "cpu", cpu.model, Health::kOk});
  DoctorLine usable{"machine", "processors", cpu.usable, Health::kOk};
  if (cpu.usable < cpu.logical) {
    usable.health = Health::kNote;
    usable.advice = "the machine has " + std::to_string(cpu.logical) + ", this process may use " +
                    std::to_string(cpu.usable);
  }
  lines.push_back(usable);
  std::string units = cpu.avx2 ? "AVX2" : "";
  if (cpu.avx512) units += " AVX-512";
  if (cpu.avx512_bf16) units += " AVX-512-BF16";
  if (cpu.amx_bf16) units += " AMX-BF16";
  lines.push_back({"machine",
                   "vector units",
                   units.empty() ? "none" : units,
                   cpu.avx2 ? Health::kOk : Health::kNote,
                   cpu.avx2 ? "" : "training will be slow without AVX2"});
  const bool bf16 = cpu.avx512_bf16 || cpu.amx_bf16;
  lines.push_back({"machine",
                   "bf16",
                   bf16,
                   bf16 ? Health::kOk : Health::kNote,
                   bf16 ? "" : "precision: bf16 works but is emulated here, slower than fp32"});
}

void add_memory_and_gpu(std::vector<DoctorLine>& lines) {
  const MemoryFacts memory = memory_facts();
  lines.push_back({"machine", "memory", gib(memory.total_bytes), Health::kOk});
  if (memory.limit_bytes > 0)
    lines.push_back({"machine",
                     "memory limit",
                     gib(memory.limit_bytes),
                     Health::kNote,
                     "the control group allows no more"});
  DoctorLine available{"machine", "memory free", gib(memory.available_bytes), Health::kOk};
  if (memory.available_bytes < 1.5e9) {
    available.health = Health::kNote;
    available.advice = "training wants about 1.5 GiB";
  }
  lines.push_back(available);
  const CudaFacts cuda = cuda_facts();
  lines.push_back({"gpu",
                   "driver",
                   cuda.driver.empty() ? Json(nullptr) : Json("CUDA " + cuda.driver),
                   cuda.problem.empty() ? Health::kOk : Health::kNote,
                   cuda.problem});
  for (const Gpu& gpu : cuda.devices)
    lines.push_back({"gpu", "device", gpu.name + ", " + gib(gpu.bytes), Health::kOk});
}

void add_files(std::vector<DoctorLine>& lines, const Common& common) {
  std::error_code error;
  const std::string configs = config_dir();
  const bool found = !configs.empty() && std::filesystem::is_directory(configs, error);
  lines.push_back({"files",
                   "configs",
                   configs,
                   found ? Health::kOk : Health::kBad,
                   found ? "" : "names such as `space: digits` cannot be found; set NAS_CONFIGS"});
  DoctorLine store{"files", "results store", common.db, Health::kOk};
  if (!std::filesystem::exists(common.db, error)) {
    store.health = Health::kNote;
    store.advice = "not there yet; the first run makes it";
  } else {
    try {
      const Store opened(common.db, Store::Mode::kRead);
      if (opened.read_only()) {
        store.health = Health::kNote;
        store.advice = "can be read, but not written";
      }
    } catch (const Error& e) {
      store.health = Health::kBad;
      store.advice = e.what();
    }
  }
  lines.push_back(store);
}

}  // namespace

int run_doctor(const std::vector<std::string>& args) {
  Common common;
  bool torch = false;
  CLI::App app("What this build and machine can do", "nas doctor");
  app.footer("nas doctor\nnas doctor --torch\nnas doctor --json");
  app.add_flag("--torch", torch, "Load LibTorch too and tell what it finds (takes longer)");
  add_common(app, common);
  if (!parse(app, args)) return kExitOk;
  if (torch) need_torch();
  DoctorResult result;
  add_build(result.lines);
  add_cpu(result.lines);
  add_memory_and_gpu(result.lines);
  add_files(result.lines, common);
  if (common.json)
    print(json_text(doctor_json(result)));
  else
    print_prose(doctor_text(result));
  return result.ok() ? kExitOk : kExitFailed;
}

}  // namespace nas::cli
