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
};

/// Returns the SHA-256 of the file.
std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Throws DataError naming path and cause: missing, truncated, corrupt, or not a checkpoint.
Checkpoint read_checkpoint(const std::string& path);

/// Checkpoint files of a run's folder, newest first: `checkpoint-<step>.safetensors`.
std::vector<std::string> checkpoints_in(const std::string& folder);
std::string checkpoint_path(const std::string& folder, int64_t step);

}  // namespace nas
