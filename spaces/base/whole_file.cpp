// Temporary, fsync, rename, fsync of the folder: the order in which POSIX promises that either the
// old or the new content is found after a crash. The writer holds a lock on its temporary file: a
// process number may be in use again (or belong to another container), a lock never outlives its
// owner.
#include "spaces/base/whole_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <vector>

#include "spaces/error.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = ".tmp";

std::string this_host() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  // The name becomes part of a file name.
  for (char& c : name)
    if (c == '/') c = '_';
  return std::string(name).substr(0, 64);
}

[[noreturn]] void fail(const std::string& path, const std::string& what, int error) {
  throw DataError(path + ": " + what + ": " + write_failure(error));
}

/// Where the file goes: behind symbolic links, so that they stay.
std::string behind_links(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path real = fs::weakly_canonical(path, error);
  return error ? path : real.string();
}

struct Temporary {
  std::string base;  ///< Name of the file that it was to become.
  std::string host;  ///< Empty: not told.
  pid_t pid = 0;
};

/// `NAME.tmp<pid>-<host>`, or `NAME.tmp<pid>`; pid 0 when the name is no such.
Temporary parse_temporary(const std::string& name) {
  Temporary t;
  const size_t mark = name.rfind(kMark);
  if (mark == std::string::npos || mark == 0) return t;
  size_t at = mark + std::strlen(kMark);
  long pid = 0;
  const size_t digits = at;
  while (at < name.size() && std::isdigit(static_cast<unsigned char>(name[at])) && pid < 1 << 28)
    pid = pid * 10 + (name[at++] - '0');
  if (at == digits || (at < name.size() && name[at] != '-')) return t;
  t.base = name.substr(0, mark);
  if (at < name.size()) t.host = name.substr(at + 1);
  t.pid = static_cast<pid_t>(pid);
  return t;
}

bool is_locked(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return true;
  const bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
  close(fd);
  return locked;
}

bool is_stale(const std::string& path, const Temporary& t) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (!t.host.empty() && t.host != this_host()) return false;
  if (kill(t.pid, 0) != 0 && errno == ESRCH) return !is_locked(path);
  // The number is in use, by the writer or by another program since. A writer takes its lock at
  // once, so a file of some age without a lock has none.
  constexpr time_t kSeconds = 60;
  return !t.host.empty() && std::time(nullptr) - info.st_mtime > kSeconds && !is_locked(path);
}

/// `--out nas.db` would cost all results.
bool is_database(const std::string& path) {
  constexpr std::string_view kMagic = "SQLite format 3";
  char start[kMagic.size()] = {};
  std::ifstream in(path, std::ios::binary);
  return in.read(start, sizeof start) && std::string_view(start, sizeof start) == kMagic;
}

void sync_folder(const std::string& file) {
  const std::string parent = fs::path(file).parent_path().string();
  const int fd = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // A folder that may be written but not read.
  fsync(fd);
  close(fd);
}

int remove_stale(const std::string& folder, const std::string& base) {
  int removed = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, error)) {
    const Temporary t = parse_temporary(entry.path().filename().string());
    if (t.pid <= 0 || (!base.empty() && t.base != base)) continue;
    if (is_stale(entry.path().string(), t) && unlink(entry.path().c_str()) == 0) ++removed;
  }
  return removed;
}

}  // namespace

std::string write_failure(int error) {
  switch (error) {
    case ENOSPC:
      return "the disk is full (No space left on device)";
    case EDQUOT:
      return "your disk quota is used up";
    case EFBIG:
      return "larger than files may be here (File too large; see `ulimit -f`)";
    default:
      return std::strerror(error);
  }
}

WholeFile::WholeFile(const std::string& path) : path_(path), target_(behind_links(path)) {
  struct stat info {};
  const bool exists = stat(target_.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) throw DataError(path_ + ": is a folder, not a file");
  if (exists && !S_ISREG(info.st_mode)) {
    fd_ = open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail(path_, "cannot be written", errno);
    return;
  }
  if (exists && access(target_.c_str(), W_OK) != 0) fail(path_, "cannot be written", errno);
  if (exists && is_database(target_))
    throw DataError(path_ + ": is a results store (SQLite), and is never replaced by another file");
  const fs::path target(target_);
  remove_stale(target.parent_path().string(), target.filename().string());
  temporary_ = target_ + kMark + std::to_string(getpid()) + "-" + this_host();
  fd_ = open(temporary_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0) {
    temporary_.clear();
    fail(path_, "cannot be written", errno);
  }
  flock(fd_, LOCK_EX | LOCK_NB);
  if (exists) fchmod(fd_, info.st_mode & 07777);
}

WholeFile::~WholeFile() {
  discard();
}

void WholeFile::discard() noexcept {
  if (fd_ < 0) return;
  if (!temporary_.empty()) unlink(temporary_.c_str());
  close(fd_);
  fd_ = -1;
}

void WholeFile::write(const void* data, size_t size) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd_, p, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(path_, "cannot be written", n < 0 ? errno : ENOSPC);
    p += n;
    size -= static_cast<size_t>(n);
  }
}

void WholeFile::commit() {
  if (temporary_.empty()) {
    const int fd = fd_;
    fd_ = -1;
    if (close(fd) != 0) fail(path_, "cannot be written", errno);
    return;
  }
  // Some file systems cannot sync; they say EINVAL or ENOTSUP.
  if (fsync(fd_) != 0 && errno != EINVAL && errno != ENOTSUP)
    fail(path_, "cannot be written", errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0)
    fail(path_, "cannot be put in its place", errno);
  temporary_.clear();
  const int fd = fd_;
  fd_ = -1;
  if (close(fd) != 0) fail(path_, "cannot be written", errno);
  sync_folder(target_);
}

void write_whole_file(const std::string& path, std::string_view text) {
  WholeFile file(path);
  file.write(text);
  file.commit();
}

void make_folders(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error && !fs::is_directory(folder))
    throw DataError(folder + ": the folder cannot be made: " + write_failure(error.value()));
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw DataError(folder + ": the folder cannot be written to: " + write_failure(errno));
}

int remove_stale_temporaries(const std::string& folder) {
  return remove_stale(folder, "");
}

}  // namespace nas
