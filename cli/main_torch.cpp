// Main of nas-torch.
#include <cstdio>
#include <cstdlib>

#include "cli/commands_torch.hpp"

// LibTorch takes its thousands of operators apart, one by one, when a program returns from main: a
// quarter of the time of a short command, for memory that the system takes back at once. What a
// command wrote is closed by then; only stdio may hold something yet. The leak checker of the
// sanitizers wants the long way.
int main(int argc, char** argv) {
  const int code = nas::cli::run_program(argc, argv, nas::cli::libtorch_services());
#ifndef __SANITIZE_ADDRESS__
  std::fflush(nullptr);
  std::_Exit(code);
#endif
  return code;
}
