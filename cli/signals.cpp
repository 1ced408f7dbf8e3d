#include <csignal>
#include <cstring>

#include <unistd.h>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

volatile std::sig_atomic_t stop = 0;

void on_stop(int) {
  // Only what is safe in a handler.
  if (stop) _exit(kExitInterrupted);
  stop = 1;
  static const char text[] = "\nstopping after this step; once more to quit at once\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) {
    // A job started with nohup-like settings keeps ignoring what its parent ignored.
    struct sigaction before;
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  // Writing to a closed pipe is told by errno: stdout ends the program, stderr does not.
  std::signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() {
  return stop != 0;
}

}  // namespace nas::cli
