#include "hardware/measure/pinned.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace nas {
namespace {

std::vector<int> threads_of_process() {
  std::vector<int> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error))
    ids.push_back(std::atoi(entry.path().filename().c_str()));
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

PinnedThreads::PinnedThreads(int threads) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    why_ = std::strerror(errno);
    return;
  }
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && static_cast<int>(processors_.size()) < threads; --cpu)
    if (CPU_ISSET(cpu, &allowed)) processors_.push_back(cpu);
  if (static_cast<int>(processors_.size()) < threads) {
    why_ = "more threads than processors";
    processors_.clear();
    return;
  }
  again();
}

void PinnedThreads::again() {
  if (processors_.empty()) return;
  const auto self = static_cast<int>(syscall(SYS_gettid));
  size_t next = 1;
  for (const int id : threads_of_process()) {
    const bool known = std::any_of(
        before_.begin(), before_.end(), [id](const auto& each) { return each.first == id; });
    cpu_set_t old;
    if (!known && sched_getaffinity(id, sizeof old, &old) != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processors_[id == self ? 0 : next % processors_.size()], &one);
    if (id != self) ++next;
    if (sched_setaffinity(id, sizeof one, &one) != 0) {
      if (errno == ESRCH) continue;  // It has ended.
      why_ = std::strerror(errno);
      processors_.clear();
      return;
    }
    if (!known) before_.emplace_back(id, old);
  }
}

PinnedThreads::~PinnedThreads() {
  for (const auto& [id, old] : before_) sched_setaffinity(id, sizeof old, &old);
}

std::string PinnedThreads::text() const {
  if (processors_.empty()) return "no: " + why_;
  std::string text = processors_.size() == 1 ? "yes, processor" : "yes, processors";
  for (const int cpu : processors_) text += " " + std::to_string(cpu);
  return text;
}

std::string clock_governor(int processor, const std::string& folder) {
  std::ifstream file(folder + "/cpu" + std::to_string(processor) + "/cpufreq/scaling_governor");
  std::string name;
  return file >> name ? name : "unknown";
}

}  // namespace nas
