#pragma once
// A program run by this one, which ends with it.
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

/// A child process in its own process group. It ends with this process whatever ends that one, a
/// SIGKILL included, and so do the processes of its group. Construct and use from one thread that
/// lives as long as the child.
class Subprocess {
 public:
  /// Streams that become pipes; the others are this process's own.
  struct Piped {
    bool in = false, out = false, err = false;
  };
  /// How it ended: an exit code, or the signal that ended it. 127: there is no such program; 126:
  /// it cannot be executed.
  struct Ending {
    int code = -1;
    int signal = 0;
    bool good() const { return code == 0; }
    std::string text() const;  ///< `ended with exit code 3`, `was ended by signal 9 (Killed)`
  };

  /// argv[0] is looked for in PATH. DataError when no process or pipe can be made.
  Subprocess(const std::vector<std::string>& argv, Piped piped);
  /// Ends at once what still runs.
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  /// Queued for its standard input and written by `turn`.
  void send(std::string_view text) { unsent_ += text; }
  /// Once all that was sent is written.
  void close_input();
  /// Waits at most so long for something to happen; writes and reads what can be. Returns early on
  /// a signal.
  void turn(int milliseconds);

  /// What it wrote to its standard output; whoever reads takes it out.
  std::string& output() { return output_; }
  bool output_ended() const { return out_ < 0; }
  /// The end (at most 400 bytes) of what it wrote to its standard error.
  const std::string& errors() const { return errors_; }
  /// Empty while it runs.
  const std::optional<Ending>& ending();

  /// Closes its input and waits for its end: at most `patience_s` seconds, less once `stop` is
  /// true, then as `end` does. Output is kept. Second: it had to be ended.
  std::pair<Ending, bool> finish(double patience_s, const std::function<bool()>& stop = {});
  /// SIGTERM to its group, without waiting: for several that are to end together.
  void ask_to_end();
  /// SIGTERM to its group, after `grace_s` seconds SIGKILL; waits for the end.
  Ending end(double grace_s = 0.7);

 private:
  using Clock = std::chrono::steady_clock;
  bool wait_until(Clock::time_point deadline, const std::function<bool()>& stop);
  void write_some();
  void read_output();
  void read_errors();

  pid_t pid_ = -1;  ///< Of the guard.
  int in_ = -1, out_ = -1, err_ = -1;
  bool close_wanted_ = false;
  std::string unsent_, output_, errors_;
  std::optional<Ending> ending_;
};

}  // namespace nas
