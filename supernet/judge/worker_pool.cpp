// Threads inside an op of a small network have little to share and wait for each other at its end;
// networks of their own share nothing. Threads stay for the whole list, because LibTorch keeps
// prepared convolutions for each thread.
#include "supernet/judge/worker_pool.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

namespace nas {

namespace {
std::atomic<int> threads_before{0};
}

OneThreadPerOp::OneThreadPerOp() : before_(at::get_num_threads()), first_(threads_before == 0) {
  if (first_) threads_before = before_;
  if (before_ != 1) at::set_num_threads(1);
}
OneThreadPerOp::~OneThreadPerOp() {
  if (first_) threads_before = 0;
  if (before_ != 1) at::set_num_threads(before_);
}
int OneThreadPerOp::before() noexcept {
  return threads_before;
}

WorkerPool::WorkerPool(int workers) {
  for (int i = 0; i < std::max(1, workers); ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  begun_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::start(size_t n, std::function<void(size_t)> f) {
  {
    const std::lock_guard lock(mutex_);
    f_ = std::move(f);
    next_ = 0;
    size_ = n;
    finished_.assign(n, 0);
  }
  begun_.notify_all();
}

void WorkerPool::wait(size_t i) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return finished_[i] != 0; });
}

void WorkerPool::each(size_t n, const std::function<void(size_t)>& f) {
  start(n, f);
  for (size_t i = 0; i < n; ++i) wait(i);
}

void WorkerPool::work() {
  at::init_num_threads();  // What OneThreadPerOp set holds for this thread, too.
  std::unique_lock lock(mutex_);
  while (true) {
    begun_.wait(lock, [this] { return ending_ || next_ < size_; });
    if (ending_) return;
    const size_t i = next_++;
    lock.unlock();
    f_(i);
    lock.lock();
    finished_[i] = 1;
    done_.notify_all();
  }
}

}  // namespace nas
