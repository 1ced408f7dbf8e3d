#pragma once
// Threads that work on a list of independent items, each with one thread inside LibTorch's ops.
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nas {

/// Ops called while it lives run on the thread that calls them: sums are cut the same way whatever
/// the number of cores, and threads that work side by side do not take each other's.
class OneThreadPerOp {
 public:
  OneThreadPerOp();
  ~OneThreadPerOp();
  /// Threads that ops had before the first that lives; 0 where none lives.
  static int before() noexcept;
  OneThreadPerOp(const OneThreadPerOp&) = delete;
  OneThreadPerOp& operator=(const OneThreadPerOp&) = delete;

 private:
  int before_;
  bool first_;
};

class WorkerPool {
 public:
  explicit WorkerPool(int workers);
  /// Items that were not begun are left out.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Begins f(0) ... f(n - 1), in this order; f must not throw. The last list must be done.
  void start(size_t n, std::function<void(size_t)> f);
  /// Returns when item `i` of the list is done.
  void wait(size_t i);
  /// start() and wait() for all.
  void each(size_t n, const std::function<void(size_t)>& f);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable begun_, done_;
  std::function<void(size_t)> f_;
  size_t next_ = 0, size_ = 0;
  std::vector<char> finished_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nas
