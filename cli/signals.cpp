// Ctrl-C, SIGTERM and SIGHUP set one flag, which long work asks for. Where nothing is being saved
// the program ends within two seconds even if nobody asks: an alarm a second later ends it. A
// second signal, half a second later or more, ends it at once; children end with it
// (spaces/subprocess.hpp).
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "cli/command.hpp"
#include "cli/signals.hpp"
#include "spaces/base/scratch_file.hpp"
#include "spaces/base/stop.hpp"

namespace nas::cli {
namespace {

void say(const char* text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

[[noreturn]] void end_now() {
  remove_scratch_files();
  _exit(kExitInterrupted);
}

// When the first signal came.
volatile int64_t first_stop_ms = 0;

// Only what is safe in a handler.
void on_stop(int) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t ms = int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  if (nas::stop_requested()) {
    // Whoever ends a program and then its group (timeout, a shell that goes) means one stop.
    constexpr int64_t kOneStop = 500;
    if (ms - first_stop_ms > kOneStop) end_now();
    return;
  }
  first_stop_ms = ms;
  request_stop();
  if (saves_on_stop()) {
    say("\nstopping after this step; once more to quit at once\n");
    return;
  }
  say("\nstopping\n");
  alarm(1);
}

void on_alarm(int) {
  // What began to be saved meanwhile is saved.
  if (nas::stop_requested() && !saves_on_stop()) end_now();
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

void install_signal_handlers() {
  // A closed standard stream would become the store's or a checkpoint's descriptor.
  // Read only, so that output which cannot be written is still an error.
  for (int fd = 0; fd < 3; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) break;
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, nullptr);
  action.sa_handler = on_stop;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    // A job started with nohup-like settings keeps ignoring what its parent ignored.
    struct sigaction before;
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  // Writing to a closed pipe is told by errno: stdout ends the program, stderr does not.
  std::signal(SIGPIPE, SIG_IGN);
  // So does writing past a file-size limit (ulimit -f): an error with a sentence, not an end.
  std::signal(SIGXFSZ, SIG_IGN);
  // Blocked while one binary replaced the other.
  const sigset_t set = stop_signals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void hold_signals(bool hold) {
  const sigset_t set = stop_signals();
  sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

bool stop_requested() {
  return nas::stop_requested();
}

}  // namespace nas::cli
