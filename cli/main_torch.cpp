// Main of nas-torch.
#include "cli/commands_torch.hpp"

int main(int argc, char** argv) {
  return nas::cli::run_program(argc, argv, nas::cli::libtorch_services());
}
