#include "spaces/base/stop.hpp"

#include <atomic>
#include <string>

#include "spaces/error.hpp"

namespace nas {
namespace {

std::atomic<bool> stop{false};
std::atomic<int> saving{0}, deferring{0};
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers read these");

}  // namespace

void request_stop() noexcept {
  stop = true;
}
bool stop_requested() noexcept {
  return stop.load(std::memory_order_relaxed);
}
void throw_if_stopped(const char* doing) {
  if (!stop_requested() || deferring > 0) return;
  throw Interrupted(doing == nullptr ? "stopped" : std::string("stopped while ") + doing);
}

SavesOnStop::SavesOnStop() noexcept {
  ++saving;
}
SavesOnStop::~SavesOnStop() {
  --saving;
}
bool saves_on_stop() noexcept {
  return saving > 0;
}

DefersStop::DefersStop() noexcept {
  ++deferring;
}
DefersStop::~DefersStop() {
  --deferring;
}

}  // namespace nas
