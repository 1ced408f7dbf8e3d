#pragma once
// Files that are whole or absent under their name, whatever kills the program or fills the disk.
#include <cstddef>
#include <string>
#include <string_view>

namespace nas {

/// Written beside its place under a temporary name that carries host and process, synced and then
/// renamed. What is no regular file (a pipe, /dev/stdout) is written to as it is. A symbolic link
/// stays one, and what it leads to is replaced. All members throw DataError naming file and reason.
class WholeFile {
 public:
  explicit WholeFile(const std::string& path);
  /// Without `commit` nothing is left behind and an older file of that name stays as it was.
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  void discard() noexcept;
  std::string path_;       ///< As it was asked for, for messages.
  std::string target_;     ///< Where it goes.
  std::string temporary_;  ///< Empty: written to `target_` directly.
  int fd_ = -1;
};

void write_whole_file(const std::string& path, std::string_view text);

/// Folder and its parents. DataError naming it and the reason.
void make_folders(const std::string& folder);

/// Removes what WholeFile left in the folder in processes of this machine that are no more; never
/// that of a living one or of another machine. Says how many.
int remove_stale_temporaries(const std::string& folder);

/// Reason of a failed write in words: the disk is full, a quota, a file-size limit, permissions.
std::string write_failure(int error_number);

}  // namespace nas
