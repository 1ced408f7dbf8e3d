#pragma once
// A subnet as files that other programs read, and reading them again to prove them right.
#include <map>
#include <memory>
#include <string>

#include "supernet/export/subnet_export.hpp"
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

/// The same network as an ONNX file (supernet/export/onnx/). Returns the SHA-256 of the file.
/// DataError when it cannot be written, ConfigError when the network is too large for such a file.
std::string write_onnx(const std::string& path, const Subnet& subnet, const OnnxText& text);

/// A network read from a file that this program exported.
class ExportedNetwork {
 public:
  virtual ~ExportedNetwork() = default;
  virtual const char* format() const = 0;              ///< As nas export --format has it.
  virtual const std::string& description() const = 0;  ///< The JSON it was written with.
  /// Parameters and statistics, by the plan's names.
  virtual std::map<std::string, at::Tensor> tensors() const = 0;
  /// Logits for x [N, C, H, W] on the CPU. DataError naming path and cause.
  virtual at::Tensor run(const at::Tensor& x) = 0;
};
std::unique_ptr<ExportedNetwork> open_torchscript(const std::string& path);
/// TorchScript or ONNX, by what is in the file. DataError naming path and cause.
std::unique_ptr<ExportedNetwork> open_exported(const std::string& path);

}  // namespace nas
