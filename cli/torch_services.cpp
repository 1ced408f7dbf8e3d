#include "cli/torch_services.hpp"

#include <stdexcept>

#include "cli/terminal/failure.hpp"

namespace nas::cli {
namespace {

const TorchServices*& used() {
  static const TorchServices* services = nullptr;
  return services;
}

}  // namespace

const TorchServices& torch_services() {
  if (used() == nullptr) throw std::logic_error("run_program() was not called");
  return *used();
}

void need_torch() {
  torch_services().need();
}

int run_program(int argc, char** argv, const TorchServices& services) {
  used() = &services;
  install_last_words();
  install_signal_handlers();
  return run_command_line({argv + (argc > 0 ? 1 : 0), argv + argc});
}

}  // namespace nas::cli
