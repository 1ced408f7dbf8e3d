// What this build and machine can do, each line with what follows from it.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/machine.hpp"
#include "cli/report/document.hpp"
#include "cli/torch_services.hpp"
#include "cli/version.hpp"
#include "search/store/store.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Line {
  std::string part, name;
  Json value;
  std::string verdict;  ///< ok | note | bad
  std::string advice = {};
};

std::string gib(double bytes) {
  return format_number(bytes / (1 << 30), 3) + " GiB";
}

void add_build(std::vector<Line>& lines) {
  for (const auto& [name, value] : build_facts()) lines.push_back({"build", name, value, "ok"});
  const std::string torch = torch_binary();
  if (const auto facts = torch_services().facts()) {
    for (const auto& [name, value] : *facts) lines.push_back({"libtorch", name, value, "ok"});
  } else if (torch.empty()) {
    lines.push_back({"libtorch",
                     "nas-torch",
                     nullptr,
                     "bad",
                     "train, evaluate, export, measure and rank are not available: build with "
                     "-DNAS_TORCH=ON"});
  } else {
    lines.push_back({"libtorch", "nas-torch", torch, "ok"});
    lines.push_back(
        {"libtorch", "details", nullptr, "note", "nas doctor --torch loads it and tells more"});
  }
}

void add_cpu(std::vector<Line>& lines) {
  const CpuFacts cpu = cpu_facts();
  lines.push_back({"machine", "system", operating_system(), "ok"});
  lines.push_back({"machine", "cpu", cpu.model, "ok"});
  Line usable{"machine", "processors", cpu.usable, "ok"};
  if (cpu.usable < cpu.logical) {
    usable.verdict = "note";
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
                   cpu.avx2 ? "ok" : "note",
                   cpu.avx2 ? "" : "training will be slow without AVX2"});
  const bool bf16 = cpu.avx512_bf16 || cpu.amx_bf16;
  lines.push_back({"machine",
                   "bf16",
                   bf16,
                   bf16 ? "ok" : "note",
                   bf16 ? "" : "precision: bf16 works but is emulated here, slower than fp32"});
}

void add_memory_and_gpu(std::vector<Line>& lines) {
  const MemoryFacts memory = memory_facts();
  lines.push_back({"machine", "memory", gib(memory.total_bytes), "ok"});
  if (memory.limit_bytes > 0)
    lines.push_back({"machine",
                     "memory limit",
                     gib(memory.limit_bytes),
                     "note",
                     "the control group allows no more"});
  Line available{"machine", "memory free", gib(memory.available_bytes), "ok"};
  if (memory.available_bytes < 1.5e9) {
    available.verdict = "note";
    available.advice = "training wants about 1.5 GiB";
  }
  lines.push_back(available);
  const CudaFacts cuda = cuda_facts();
  lines.push_back({"gpu",
                   "driver",
                   cuda.driver.empty() ? Json(nullptr) : Json("CUDA " + cuda.driver),
                   cuda.problem.empty() ? "ok" : "note",
                   cuda.problem});
  for (const Gpu& gpu : cuda.devices)
    lines.push_back({"gpu", "device", gpu.name + ", " + gib(gpu.bytes), "ok"});
}

void add_files(std::vector<Line>& lines, const Common& common) {
  std::error_code error;
  const std::string configs = config_dir();
  const bool found = !configs.empty() && std::filesystem::is_directory(configs, error);
  lines.push_back({"files",
                   "configs",
                   configs,
                   found ? "ok" : "bad",
                   found ? "" : "names such as `space: digits` cannot be found; set NAS_CONFIGS"});
  Line store{"files", "results store", common.db, "ok"};
  if (!std::filesystem::exists(common.db, error)) {
    store.verdict = "note";
    store.advice = "not there yet; the first run makes it";
  } else {
    try {
      const Store opened(common.db, Store::Mode::kRead);
      if (opened.read_only()) {
        store.verdict = "note";
        store.advice = "can be read, but not written";
      }
    } catch (const Error& e) {
      store.verdict = "bad";
      store.advice = e.what();
    }
  }
  lines.push_back(store);
}

std::string text_of(const std::vector<Line>& lines) {
  std::string text, part;
  for (const Line& line : lines) {
    if (line.part != part) {
      text += (text.empty() ? "" : "\n") + line.part + "\n";
      part = line.part;
    }
    const std::string value = line.value.is_null()      ? "-"
                              : line.value.is_string()  ? line.value.get<std::string>()
                              : line.value.is_boolean() ? (line.value.get<bool>() ? "yes" : "no")
                                                        : line.value.dump();
    text += line.verdict == "bad" ? "! " : "  ";
    text += line.name + std::string(line.name.size() < 16 ? 16 - line.name.size() : 1, ' ') + value;
    if (!line.advice.empty()) text += "  (" + line.advice + ")";
    text += "\n";
  }
  text.pop_back();
  return text;
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
  std::vector<Line> lines;
  add_build(lines);
  add_cpu(lines);
  add_memory_and_gpu(lines);
  add_files(lines, common);
  bool bad = false;
  for (const Line& line : lines) bad = bad || line.verdict == "bad";
  if (!common.json) return print_prose(text_of(lines)), bad ? kExitFailed : kExitOk;
  Json json{{"schema", "nas-doctor/1"}, {"ok", !bad}};
  for (const Line& line : lines) {
    Json entry{{"name", line.name}, {"value", line.value}, {"verdict", line.verdict}};
    if (!line.advice.empty()) entry["advice"] = line.advice;
    json[line.part].push_back(entry);
  }
  print(json.dump(2, ' ', false, Json::error_handler_t::replace));
  return bad ? kExitFailed : kExitOk;
}

}  // namespace nas::cli
