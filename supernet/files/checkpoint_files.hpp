#pragma once
// The checkpoint files of a run's folder, without what is in them. No torch header here.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nas {

/// Tensors and text: checkpoint.hpp.
struct Checkpoint;

/// Hash of a resolved configuration, as checkpoints record it.
std::string config_hash_of(const std::string& yaml);

/// A checkpoint that could be read, and why newer ones could not.
struct ReadCheckpoint {
  std::string path;
  std::string sha256;
  std::shared_ptr<const Checkpoint> checkpoint;  ///< Null where there is no file at all.
  struct Damaged {
    std::string path, why;
  };
  std::vector<Damaged> damaged;  ///< Newest first.
  /// Sets whose files cannot be read, and why: of read_checkpoint_to_judge() alone.
  std::map<int, std::string> lost;
};
/// The newest checkpoint of the folder that is whole, the files of its sets included. `recorded`:
/// hash of each file name where it is known; a file of another hash counts as damaged. DataError
/// naming every file and its fault when none can be read; an empty `path` when there is no file at
/// all.
ReadCheckpoint read_newest_checkpoint(const std::string& folder,
                                      const std::map<std::string, std::string>& recorded);
/// For judging, where one set is of use without the others: the newest checkpoint that can be read
/// and has a set whose file is whole. Its other sets are `lost`; weights of an older checkpoint
/// never stand in for them. DataError as read_newest_checkpoint().
ReadCheckpoint read_checkpoint_to_judge(const std::string& folder,
                                        const std::map<std::string, std::string>& recorded);
/// One file. DataError naming path and cause: missing, truncated, corrupt, or not a checkpoint.
std::shared_ptr<const Checkpoint> open_checkpoint(const std::string& path);

/// Checkpoint files of a run's folder, newest first: `checkpoint-<step>.safetensors`.
std::vector<std::string> checkpoints_in(const std::string& folder);
std::string checkpoint_path(const std::string& folder, int64_t step);
/// Removes all but the newest `keep`; what cannot be removed stays without a word.
void keep_newest_checkpoints(const std::string& folder, int64_t keep);

}  // namespace nas
