// Between this process and the program stands a guard, a fork of this process that only waits. A
// death signal (PR_SET_PDEATHSIG) reaches one process, not a group, and a shell command is often
// several (`a | b`); the guard gets that signal and ends the whole group: SIGTERM, then SIGKILL.
// It ends as the program does, so that waiting for it tells all. Between fork and exec only
// functions that are safe after a fork of a program with threads are called.
#include "spaces/base/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr size_t kErrorTail = 400;
constexpr int kOwnerDied = SIGUSR2, kKillNow = SIGUSR1;  // To the guard, beside SIGTERM.
constexpr int kSlice = 50;  // Milliseconds between two looks at a flag.

/// Both ends above the standard streams: dup2 onto itself would keep O_CLOEXEC where this process
/// was started with a closed stream.
class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail();
    read_end = ends[0];
    write_end = ends[1];
    for (int* end : {&read_end, &write_end}) {
      if (*end > 2) continue;
      const int high = fcntl(*end, F_DUPFD_CLOEXEC, 3);
      if (high < 0) fail();
      close(*end);
      *end = high;
    }
  }
  ~Pipe() {
    for (const int end : {read_end, write_end})
      if (end >= 0) close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int take_read() { return std::exchange(read_end, -1); }
  int take_write() { return std::exchange(write_end, -1); }
  int read_end = -1, write_end = -1;

 private:
  void fail() {
    const int error = errno;
    for (const int end : {read_end, write_end})
      if (end >= 0) close(end);
    throw DataError(std::string("cannot make a pipe: ") + std::strerror(error));
  }
};

/// What the forked processes need; made before the fork.
struct Start {
  std::vector<char*> argv;
  int in = -1, out = -1, err = -1;
  pid_t owner = 0;
  sigset_t all, before;
};

[[noreturn]] void become_program(const Start& s) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_DFL);
  if (s.in >= 0) dup2(s.in, 0);
  if (s.out >= 0) dup2(s.out, 1);
  if (s.err >= 0) dup2(s.err, 2);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvp(s.argv[0], s.argv.data());
  _exit(errno == ENOENT ? 127 : 126);
}

void close_all_files() {
  if (syscall(SYS_close_range, 0U, ~0U, 0U) == 0) return;
  for (int fd = 0; fd < 1024; ++fd) close(fd);
}

/// Ends as `status` says, without a core file of its own.
[[noreturn]] void end_like(int status) {
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const int number = WTERMSIG(status);
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  sigprocmask(SIG_UNBLOCK, &one, nullptr);
  kill(getpid(), number);
  _exit(128 + number);
}

/// SIGKILL to the children of this process: once the program is gone these are what it started and
/// what left its group (setsid), since orphans come to the subreaper. False where there is none, or
/// the kernel does not list them. Only what is safe after a fork is called.
bool kill_children() {
  const int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[4096];
  const ssize_t size = read(file, text, sizeof text);
  close(file);
  bool any = false;
  pid_t child = 0;
  for (ssize_t i = 0; i < size; ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      child = 10 * child + (text[i] - '0');
      continue;
    }
    // A number that the end of the list cut is left to the next round.
    if (child > 0) any = kill(child, SIGKILL) == 0 || any;
    child = 0;
  }
  return any;
}

/// Until none is left, but no longer than a second: each that ends may leave others.
void end_strays() {
  const timespec pause{0, 10'000'000};
  for (int round = 0; round < 100 && kill_children(); ++round) {
    nanosleep(&pause, nullptr);
    while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
}

/// All signals are blocked from before the fork on.
[[noreturn]] void guard(const Start& s) {
  setpgid(0, 0);
  prctl(PR_SET_NAME, "nas-guard");
  prctl(PR_SET_PDEATHSIG, kOwnerDied);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // Waits for what the program leaves behind, too.
  if (getppid() != s.owner) _exit(126);
  const pid_t program = fork();
  if (program < 0) _exit(126);
  if (program == 0) become_program(s);
  setpgid(program, program);
  close_all_files();
  sigset_t heard;
  sigemptyset(&heard);
  for (const int number : {SIGCHLD, SIGTERM, kKillNow, kOwnerDied}) sigaddset(&heard, number);
  // The shell may end at a signal before what it started does; that gets its grace as well.
  bool owner_died = false, stopping = false, killed = false;
  std::optional<int> status;
  for (;;) {
    const timespec second{1, 0};
    const int number = owner_died || killed ? sigtimedwait(&heard, nullptr, &second)
                                            : sigwaitinfo(&heard, nullptr);
    const bool late = number < 0 && errno == EAGAIN;
    if (number == SIGTERM || number == kOwnerDied) {
      kill(-program, SIGTERM);
      stopping = true;
    }
    const bool given_up = late && killed;  // What cannot be killed is not waited for.
    if (number == kKillNow || late) {
      kill(-program, SIGKILL);
      killed = true;
    }
    owner_died = owner_died || number == kOwnerDied;
    int one = 0;
    for (pid_t ended; (ended = waitpid(-1, &one, WNOHANG)) > 0;) {
      if (ended != program) continue;
      status = one;
      if (!stopping) kill(-program, SIGKILL);  // What it started and left behind.
    }
    if (status && (given_up || kill(-program, 0) != 0)) {
      end_strays();
      end_like(*status);
    }
  }
}

}  // namespace

std::string Subprocess::Ending::text() const {
  if (signal == 0) return "ended with exit code " + std::to_string(code);
  return "was ended by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

Subprocess::Subprocess(const std::vector<std::string>& argv, Piped piped) {
  Start start;
  for (const std::string& word : argv) start.argv.push_back(const_cast<char*>(word.c_str()));
  start.argv.push_back(nullptr);
  std::optional<Pipe> in, out, err;
  if (piped.in) start.in = in.emplace().read_end;
  if (piped.out) start.out = out.emplace().write_end;
  if (piped.err) start.err = err.emplace().write_end;
  start.owner = getpid();
  sigfillset(&start.all);
  pthread_sigmask(SIG_SETMASK, &start.all, &start.before);
  pid_ = fork();
  if (pid_ == 0) guard(start);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &start.before, nullptr);
  if (pid_ < 0) throw DataError(std::string("cannot start a process: ") + std::strerror(error));
  if (in) in_ = in->take_write();
  if (out) out_ = out->take_read();
  if (err) err_ = err->take_read();
  for (const int fd : {in_, out_, err_})
    if (fd >= 0) fcntl(fd, F_SETFL, O_NONBLOCK);
}

Subprocess::~Subprocess() {
  if (!ending()) {
    kill(pid_, kKillNow);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }
  for (const int fd : {in_, out_, err_})
    if (fd >= 0) close(fd);
}

void Subprocess::close_input() {
  close_wanted_ = true;
  if (unsent_.empty() && in_ >= 0) {
    close(in_);
    in_ = -1;
  }
}

void Subprocess::turn(int milliseconds) {
  pollfd fds[3] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}, {unsent_.empty() ? -1 : in_, POLLOUT, 0}};
  const int ready = poll(fds, 3, milliseconds);
  if (ready < 0 && errno != EINTR)
    throw DataError(std::string("cannot wait for a process: ") + std::strerror(errno));
  if (ready <= 0) return;
  if (fds[2].revents != 0) write_some();
  if (fds[1].revents != 0) read_errors();
  if (fds[0].revents != 0) read_output();
}

void Subprocess::write_some() {
  // A program that stops reading must not end us: its answers tell what it did.
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  const ssize_t n = write(in_, unsent_.data(), unsent_.size());
  const int error = errno;
  sigaction(SIGPIPE, &before, nullptr);
  if (n > 0) unsent_.erase(0, static_cast<size_t>(n));
  if (n < 0 && error != EAGAIN && error != EINTR) {
    unsent_.clear();
    close_wanted_ = true;
  }
  if (unsent_.empty() && close_wanted_) close_input();
}

void Subprocess::read_output() {
  char bytes[65536];
  const ssize_t n = read(out_, bytes, sizeof bytes);
  if (n > 0) output_.append(bytes, static_cast<size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
    close(out_);
    out_ = -1;
  }
}

void Subprocess::read_errors() {
  char bytes[4096];
  const ssize_t n = read(err_, bytes, sizeof bytes);
  if (n > 0) {
    errors_.append(bytes, static_cast<size_t>(n));
    if (errors_.size() > kErrorTail) errors_.erase(0, errors_.size() - kErrorTail);
  }
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
    close(err_);
    err_ = -1;
  }
}

const std::optional<Subprocess::Ending>& Subprocess::ending() {
  int status = 0;
  if (!ending_ && waitpid(pid_, &status, WNOHANG) == pid_)
    ending_ = WIFEXITED(status) ? Ending{WEXITSTATUS(status), 0} : Ending{-1, WTERMSIG(status)};
  return ending_;
}

bool Subprocess::wait_until(Clock::time_point deadline, const std::function<bool()>& stop) {
  constexpr int kBrief = 5;
  for (;;) {
    if (ending()) {
      // What it said before it ended is still in the pipes.
      for (int i = 0; i < 64 && (out_ >= 0 || err_ >= 0); ++i) turn(0);
      return true;
    }
    if (Clock::now() > deadline || (stop && stop())) return false;
    turn(out_ < 0 && err_ < 0 && unsent_.empty() ? kBrief : kSlice / 5);
  }
}

std::pair<Subprocess::Ending, bool> Subprocess::finish(double patience_s,
                                                       const std::function<bool()>& stop) {
  close_input();
  const auto patience =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(patience_s));
  if (wait_until(Clock::now() + patience, stop)) return {*ending_, false};
  return {end(), true};
}

void Subprocess::ask_to_end() {
  unsent_.clear();
  close_input();
  if (!ending()) kill(pid_, SIGTERM);
}

Subprocess::Ending Subprocess::end(double grace_s) {
  ask_to_end();
  const auto grace =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(grace_s));
  if (wait_until(Clock::now() + grace, {})) return *ending_;
  kill(pid_, kKillNow);
  wait_until(Clock::now() + std::chrono::seconds(5), {});
  return ending_.value_or(Ending{-1, SIGKILL});
}

}  // namespace nas
