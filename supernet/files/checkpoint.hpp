#pragma once
// Checkpoints of training: a tensor file (whole or absent under its name, whatever kills the
// program) with everything that a bit-identical resume needs.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "supernet/files/checkpoint_files.hpp"

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

/// Returns the SHA-256 of the file.
std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// As open_checkpoint(). `sha256` receives the hash of the file.
Checkpoint read_checkpoint(const std::string& path, std::string* sha256 = nullptr);

/// Name of the first tensor that holds an infinity or NaN, "" when all values are finite.
std::string not_finite(const std::map<std::string, at::Tensor>& tensors);

}  // namespace nas
