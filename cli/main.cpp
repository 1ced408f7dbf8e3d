// Main of both binaries; which one it is, the linked tables decide.
#include "cli/command.hpp"
#include "cli/report/failure.hpp"

int main(int argc, char** argv) {
  nas::cli::remember_arguments(argc, argv);
  nas::cli::install_last_words();
  nas::cli::install_signal_handlers();
  return nas::cli::run_command_line({argv + (argc > 0 ? 1 : 0), argv + argc});
}
