#pragma once
// Checkpoints of training: a tensor file (whole or absent under its name, whatever kills the
// program) with everything that a bit-identical resume needs.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace nas {

struct Checkpoint {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> text;  ///< Everything else; covered by the file's hash too.
  /// Throws DataError naming the missing key.
  const std::string& at(const std::string& key) const;
  /// Tensors whose names begin so, without the beginning.
  std::map<std::string, at::Tensor> with_prefix(const std::string& prefix) const;
};

/// A file beside a checkpoint that holds one of several weight sets.
struct SetFile {
  std::string name;  ///< In the checkpoint's folder.
  std::string sha256;
};
void put_set_files(Checkpoint& checkpoint, const std::map<int, SetFile>& files);
/// None where the checkpoint holds its only set itself. DataError when the list is malformed.
std::map<int, SetFile> set_files_of(const Checkpoint& checkpoint, const std::string& path);

/// Hash of a resolved configuration, as checkpoints record it.
std::string config_hash_of(const std::string& yaml);

/// Returns the SHA-256 of the file.
std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Throws DataError naming path and cause: missing, truncated, corrupt, or not a checkpoint.
/// `sha256` receives the hash of the file.
Checkpoint read_checkpoint(const std::string& path, std::string* sha256 = nullptr);

/// A checkpoint that could be read, and why newer ones could not.
struct ReadCheckpoint {
  std::string path;
  std::string sha256;
  Checkpoint checkpoint;
  struct Damaged {
    std::string path, why;
  };
  std::vector<Damaged> damaged;  ///< Newest first.
};
/// The newest checkpoint of the folder that is whole, the files of its sets included. `recorded`:
/// hash of each file name where it is known; a file of another hash counts as damaged. DataError
/// naming every file and its fault when none can be read; an empty `path` when there is no file at
/// all.
ReadCheckpoint read_newest_checkpoint(const std::string& folder,
                                      const std::map<std::string, std::string>& recorded);

/// Checkpoint files of a run's folder, newest first: `checkpoint-<step>.safetensors`.
std::vector<std::string> checkpoints_in(const std::string& folder);
std::string checkpoint_path(const std::string& folder, int64_t step);
/// Removes all but the newest `keep`; what cannot be removed stays without a word.
void keep_newest_checkpoints(const std::string& folder, int64_t keep);

}  // namespace nas
