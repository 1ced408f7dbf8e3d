#pragma once
// Tensors and text in one file of the safetensors layout (8-byte header length, JSON header, raw
// little-endian data), so that other tools read it too. Written to a temporary name in the same
// folder, synced, renamed: the file under its name is always whole.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace nas {

struct TensorFile {
  std::map<std::string, std::string> meta;
  std::map<std::string, at::Tensor> tensors;  ///< CPU; float, double, half, bfloat16, int64, uint8.
};

/// Returns the SHA-256 of the file. Throws DataError naming path and cause.
std::string write_tensor_file(const std::string& path, const TensorFile& file);
/// Checks sizes and the data's own hash; throws DataError naming path and what is broken. `sha256`
/// receives the hash of the whole file.
TensorFile read_tensor_file(const std::string& path, std::string* sha256 = nullptr);

/// SHA-256 over names, shapes and bytes: equal weights, equal text.
std::string hash_tensors(const std::map<std::string, at::Tensor>& tensors);

}  // namespace nas
