#pragma once
// Files that no ending of this process may leave behind.
#include <string>

namespace nas {

/// A file that lives at most as long as this object: removed by its destructor, and by
/// `remove_scratch_files` where a signal ends the process. SIGKILL alone leaves it.
class ScratchFile {
 public:
  explicit ScratchFile(std::string path);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }
  /// It becomes a file that stays, under the name `path` (rename: whole or not at all). DataError
  /// when that cannot be.
  void keep_as(const std::string& path);

 private:
  std::string path_;
  int slot_;  ///< -1: kept, or none was free (then the destructor alone removes it).
};

/// A new folder for temporary files (TMPDIR), removed with what is in it by the destructor.
/// DataError when it cannot be made.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& name);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Removes the files of all that live. Safe in a signal handler; the process must end after it.
void remove_scratch_files() noexcept;

}  // namespace nas
