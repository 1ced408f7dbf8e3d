// Main of `nas`, which starts without LibTorch.
#include "cli/handover.hpp"

int main(int argc, char** argv) {
  return nas::cli::run_program(argc, argv, nas::cli::handover_services(argc, argv));
}
