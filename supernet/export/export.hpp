#pragma once
// A subnet as files that other programs read, and reading them again to prove them right.
#include <string>

#include "supernet/subnet.hpp"

namespace nas {

/// Source text of the TorchScript `forward(self, x)` of a plan; tensors are attributes of nested
/// modules that follow the dots of their names.
std::string torchscript_source(const Plan& plan);

/// TorchScript module in evaluation mode, batch size free; `description` (JSON) goes into the
/// archive as the extra file `nas.json`. Returns the SHA-256 of the file. DataError when it cannot
/// be written.
std::string write_torchscript(const std::string& path,
                              const Subnet& subnet,
                              const std::string& description);

/// What a fresh process finds in exported files.
struct ExportCheck {
  at::Tensor logits;           ///< Of the TorchScript file on the given images.
  std::string tensors_sha256;  ///< Over names, shapes and bytes of its parameters and buffers.
};
/// Loads a TorchScript file and runs it on x [N, C, H, W]. DataError naming path and cause.
ExportCheck run_torchscript(const std::string& path, const at::Tensor& x);

}  // namespace nas
