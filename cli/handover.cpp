// `nas` (light): commands that need LibTorch replace this process by nas-torch.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "cli/handover.hpp"
#include "cli/signals.hpp"
#include "cli/torch_table.hpp"
#include "spaces/base/build_paths.hpp"
#include "spaces/base/stop.hpp"

namespace nas::cli {
namespace {

/// For nas-torch.
std::vector<std::string>& arguments() {
  static std::vector<std::string> words;
  return words;
}

/// OpenMP threads spin for milliseconds at every barrier by default. On a machine that is shared
/// (CI, two trainings at once) the one that is waited for then cannot run: measured 8 to 10 times
/// slower at two threads. A short spin keeps the speed of a quiet machine. The runtime reads this
/// once, when it is loaded, so it is set before nas-torch starts; what the user set stays.
void be_patient_with_threads() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "2000", /*replace=*/0);
}

namespace fs = std::filesystem;

constexpr const char* kLibrary = "libtorch_cpu.so";

bool can_read(const fs::path& path) {
  return access(path.c_str(), R_OK) == 0;
}

std::vector<std::string> library_path() {
  std::vector<std::string> places;
  const char* variable = std::getenv("LD_LIBRARY_PATH");
  std::istringstream parts(variable != nullptr ? variable : "");
  for (std::string part; std::getline(parts, part, ':');)
    if (!part.empty()) places.push_back(part);
  return places;
}

/// The loader would only say "error while loading shared libraries". Where LibTorch is not where
/// nas-torch looks for it (it lies in the home of whoever built it, say), NAS_LIBTORCH helps.
void find_libtorch(const std::string& binary) {
  const std::string built = build_path("libtorch");
  const std::string usual =
      built.empty() ? (fs::path(binary).parent_path() / "../../lib/nas").lexically_normal().string()
                    : built + "/lib";
  std::vector<std::string> places = {usual};
  for (std::string& place : library_path()) places.push_back(std::move(place));
  for (const char* system : {"/usr/lib", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu"})
    places.emplace_back(system);
  for (const std::string& place : places)
    if (can_read(fs::path(place) / kLibrary)) return;
  const char* named = std::getenv("NAS_LIBTORCH");
  const fs::path folder = named != nullptr ? fs::path(named) / "lib" : fs::path();
  if (named == nullptr || !can_read(folder / kLibrary))
    throw DeviceError(
        "this command needs LibTorch, whose " + std::string(kLibrary) + " cannot be read in " +
        usual + (named != nullptr ? " nor in " + folder.string() : "") +
        "\n  Set NAS_LIBTORCH to the folder of a LibTorch (with lib/) of the version that nas was "
        "built with,\n  or install nas (cmake --install), which copies it.");
  const char* before = std::getenv("LD_LIBRARY_PATH");
  const std::string all =
      folder.string() + (before != nullptr && *before != '\0' ? ":" + std::string(before) : "");
  setenv("LD_LIBRARY_PATH", all.c_str(), 1);
}

void hand_over() {
  const std::string binary = torch_binary();
  if (binary.empty())
    throw DeviceError(
        "this command needs LibTorch, and nas-torch is not installed\n"
        "  Build with -DNAS_TORCH=ON (the default); nas doctor tells where it is looked for.");
  std::vector<char*> argv;
  for (std::string& word : arguments()) argv.push_back(word.data());
  argv.push_back(nullptr);
  be_patient_with_threads();
  find_libtorch(binary);
  throw_if_stopped();
  hold_signals(true);
  execv(binary.c_str(), argv.data());
  const int error = errno;
  hold_signals(false);
  throw DeviceError("cannot start " + binary + ": " + std::strerror(error));
}

std::vector<Command> commands() {
  std::vector<Command> all;
  const auto run = [](const std::vector<std::string>&) -> int {
    hand_over();
    return kExitFailed;  // Not reached.
  };
  for (const TorchCommand& command : kTorchCommands)
    all.push_back({command.name, command.summary, run, true, command.group});
  return all;
}

}  // namespace

const TorchServices& handover_services(int argc, char** argv) {
  arguments().assign(argv, argv + argc);
  static const TorchServices services{
      .commands = commands(),
      .need = hand_over,
      .facts = []() -> std::optional<std::vector<std::pair<std::string, std::string>>> {
        return std::nullopt;
      },
      .supernet_evaluator = [](Store&,
                               const std::string&,
                               const std::optional<EvaluateOptions>&,
                               const Common&) -> std::unique_ptr<Evaluator> {
        hand_over();
        return nullptr;  // Not reached.
      },
      .time_networks = [](std::span<const Plan>, const MeasureOptions&, const std::string&, int)
          -> TimedNetworks {
        hand_over();
        return {};  // Not reached.
      },
      .config_kinds =
          [] {
            ConfigKind train{"train", "nas train --config", "train"};
            train.torch = true;
            return std::vector<ConfigKind>{train};
          },
      .names = [](const std::string&) { return Names{}; }};
  return services;
}

}  // namespace nas::cli
