// flock(2), not a file with a process number: the kernel frees it whatever ends the owner, and two
// shards on one machine, or on a file system that shares locks, never run one stage twice.
#include "cli/sweep/stage_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "spaces/error.hpp"

namespace nas::cli {

StageLock::StageLock(const std::string& file) {
  fd_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) throw DataError(file + ": cannot be made: " + std::strerror(errno));
  held_ = flock(fd_, LOCK_EX | LOCK_NB) == 0;
  if (held_ || errno == EWOULDBLOCK) return;
  const int error = errno;
  close(fd_);
  throw DataError(file + ": cannot be locked: " + std::strerror(error));
}

StageLock::~StageLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace nas::cli
