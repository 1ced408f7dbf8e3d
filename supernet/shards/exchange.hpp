#pragma once
// Threads that each hold some parts of a batch and go through the same network together: where an
// op needs all parts, they wait for one another and see them in the order of the batch.
#include <atomic>
#include <stdexcept>
#include <variant>
#include <vector>

#include "supernet/shards/norm_kernels.hpp"

namespace nas {

/// Another thread of the group failed; its error is the one to tell.
struct GroupAborted : std::runtime_error {
  GroupAborted() : std::runtime_error("another part of the batch failed") {}
};

/// Of `shards` parts, held by `workers` threads that all make the same exchanges in the same order.
class Exchange {
 public:
  Exchange(int shards, int workers);
  int shards() const { return static_cast<int>(slots_[0].moments.size()); }

  /// For a thread that fails: all that wait, now or later, get GroupAborted.
  void abort() noexcept;

 private:
  friend class Lane;
  /// Returns when all threads have come.
  void meet();

  struct Slots {
    std::vector<Moments> moments;
    std::vector<GradientSums> sums;
  };
  /// Used in turn: who writes for the exchange after the next has met all others in the next, which
  /// they entered after they had read.
  Slots slots_[2];
  const int workers_;
  std::atomic<int> arrived_{0};
  std::atomic<unsigned> round_{0};
  std::atomic<bool> aborted_{false};
};

/// One thread's place in an exchange: parts `first` to `first + count - 1`.
class Lane {
 public:
  Lane(Exchange& exchange, int first, int count)
      : exchange_(exchange), first_(first), count_(count) {}
  int first() const { return first_; }
  int count() const { return count_; }

  /// Puts the own parts down and returns those of all. Valid until the next call but one.
  const std::vector<Moments>& exchange(std::vector<Moments> own);
  const std::vector<GradientSums>& exchange(std::vector<GradientSums> own);

 private:
  Exchange& exchange_;
  int first_, count_;
  unsigned turn_ = 0;
};

}  // namespace nas
