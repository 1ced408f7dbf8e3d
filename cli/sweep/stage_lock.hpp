#pragma once
// Two sweeps in one folder share the work instead of doing it twice.
#include <string>

namespace nas::cli {

/// A stage of one store is this process's while the lock lives; it ends with the process.
class StageLock {
 public:
  /// Tries; `file` is made where it is missing. DataError when it cannot be.
  explicit StageLock(const std::string& file);
  ~StageLock();
  StageLock(const StageLock&) = delete;
  StageLock& operator=(const StageLock&) = delete;
  bool held() const { return held_; }

 private:
  int fd_ = -1;
  bool held_ = false;
};

}  // namespace nas::cli
