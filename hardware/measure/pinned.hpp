#pragma once
// Threads kept on processors of their own while something is timed.
#include <sched.h>

#include <string>
#include <utility>
#include <vector>

namespace nas {

/// While it lives, the threads of this process stand on the highest-numbered processors that it may
/// use (interrupts go to the lowest as a rule): the calling thread on one, each other compute
/// thread on one more. Where the system forbids it nothing happens, and text() says why.
class PinnedThreads {
 public:
  explicit PinnedThreads(int threads);
  ~PinnedThreads();
  PinnedThreads(const PinnedThreads&) = delete;
  PinnedThreads& operator=(const PinnedThreads&) = delete;
  /// Threads that have begun since: LibTorch starts its own at the first parallel op.
  void again();
  bool pinned() const { return !processors_.empty(); }
  /// `yes, processor 3`, or `no: ...`.
  std::string text() const;

 private:
  std::vector<int> processors_;
  std::vector<std::pair<int, cpu_set_t>> before_;  ///< Thread id, where it might run.
  std::string why_;
};

/// What sets the clock of a processor: `performance`, `schedutil`, ...; "unknown" where the system
/// does not say.
std::string clock_governor(int processor = 0,
                           const std::string& folder = "/sys/devices/system/cpu");

}  // namespace nas
