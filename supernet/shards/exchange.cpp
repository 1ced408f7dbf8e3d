// A barrier with the data beside it. Waiting threads spin for a moment first: with a core for each,
// the others are a few microseconds away, and sleeping costs more than that.
#include "supernet/shards/exchange.hpp"

#include <algorithm>
#include <thread>

namespace nas {
namespace {

constexpr int kSpins = 4000;

}  // namespace

Exchange::Exchange(int shards, int workers) : workers_(workers) {
  for (Slots& s : slots_) {
    s.moments.resize(static_cast<size_t>(shards));
    s.sums.resize(static_cast<size_t>(shards));
  }
}

void Exchange::abort() noexcept {
  aborted_ = true;
  round_.fetch_add(1);
  round_.notify_all();
}

void Exchange::meet() {
  if (aborted_) throw GroupAborted();
  if (workers_ == 1) return;
  const unsigned round = round_.load();
  if (arrived_.fetch_add(1) + 1 == workers_) {
    arrived_ = 0;
    round_.fetch_add(1);
    round_.notify_all();
  } else {
    for (int i = 0; i < kSpins && round_.load(std::memory_order_acquire) == round; ++i) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    round_.wait(round);
  }
  if (aborted_) throw GroupAborted();
}

const std::vector<Moments>& Lane::exchange(std::vector<Moments> own) {
  std::vector<Moments>& all = exchange_.slots_[turn_++ % 2].moments;
  std::move(own.begin(), own.end(), all.begin() + first_);
  exchange_.meet();
  return all;
}

const std::vector<GradientSums>& Lane::exchange(std::vector<GradientSums> own) {
  std::vector<GradientSums>& all = exchange_.slots_[turn_++ % 2].sums;
  std::move(own.begin(), own.end(), all.begin() + first_);
  exchange_.meet();
  return all;
}

}  // namespace nas
