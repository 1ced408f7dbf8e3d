#pragma once
// Tensors of a file that torch.save wrote (the zip form and the older one), read without executing
// anything in it.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace nas {

/// The state dictionary of a `.pth` file: the file's own dictionary of tensors, or the one below
/// its key `state_dict` (or `model`). Tensors are on the CPU and only to be read: as in the file,
/// they may be views, not contiguous, of storages that several share, so that all together take no
/// more memory than the file has bytes. DataError naming `path` and cause on anything else:
/// truncated, corrupt, other Python objects (named), tensors outside their storage.
std::map<std::string, at::Tensor> read_torch_file(const std::string& path);

}  // namespace nas
