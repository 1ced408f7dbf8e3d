#pragma once
// A subnet cut out of a trained supernet, written as files for other programs and proven right. No
// torch header here.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "spaces/space.hpp"
#include "supernet/data/run_data.hpp"
#include "supernet/device.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

struct ExportOptions {
  /// As the run's subnets are judged (evaluate.recalibrate), so that a file answers as was said.
  RecalibrateOptions judged;
  bool keep_running = false;  ///< The supernet's running statistics, whatever `judged` says.
  int64_t images = 0;         ///< Measure statistics on so many images; 0: as `judged` says.
  /// Batch norms without running statistics keep those of each batch. Otherwise they are measured:
  /// a network alone answers for single images.
  bool batch_statistics = false;
  bool fold = false;  ///< Merge batch norms into the convolutions before them.
  Device device = {};
  Layout layout = Layout::kContiguous;
};

/// Where the statistics of the batch norms come from.
struct BatchNormSources {
  size_t images = 0, running = 0, batch = 0;  ///< Batch norms, by source.
  int64_t calibration_images = 0, calibration_batch = 0;
};

/// Whether a file answers, in a fresh process, as the subnet inside the supernet does.
struct FileCheck {
  int64_t images = 0;
  double max_difference = 0;  ///< Of logits.
  bool logits_equal = false;  ///< To the last bit.
  bool tensors_equal = false;
  bool passed = false;  ///< Equal; folded ones, and ONNX: within 1e-4 of the largest logit.
};

/// What an ONNX file says of itself beside the network.
struct OnnxText {
  int opset = 17;
  std::string version;                          ///< Of this program.
  std::string doc;                              ///< A sentence for people.
  std::string description;                      ///< JSON, as metadata `nas.json`.
  std::map<std::string, std::string> metadata;  ///< Beside it.
  /// What the network is given; a plan that resizes its input does so from this size. c = 0: the
  /// plan's own input.
  Shape image;
};

class SubnetExport {
 public:
  /// `on_cpu`: the same weights on the CPU, where exported files run. DataError as for scoring.
  SubnetExport(const Space& space,
               const Architecture& a,
               WeightStore& weights,
               WeightStore& on_cpu,
               const RunData& data,
               const ExportOptions& options);
  ~SubnetExport();

  const Plan& plan() const;          ///< As the space builds it.
  const Plan& written_plan() const;  ///< With fixed statistics, folded.
  Cost cost() const;
  int folded() const;  ///< Batch norms merged.
  const BatchNormSources& batch_norms() const;
  int64_t parameters() const;  ///< In the files.

  /// Runs this program anew with these files: it must call check_exported_files() on them.
  using FreshProcess = std::function<void(const std::vector<std::string>& files)>;
  /// TorchScript with `description` (JSON) inside. A file that is not proven right is removed.
  FileCheck write_torchscript(const std::string& path,
                              const std::string& description,
                              const FreshProcess& check,
                              std::string& sha256) const;
  /// The same as ONNX. ConfigError when the network is too large for such a file.
  FileCheck write_onnx(const std::string& path,
                       const OnnxText& text,
                       const FreshProcess& check,
                       std::string& sha256) const;
  /// Over names, shapes and bytes of what is in the files: equal weights, equal text.
  std::string tensors_sha256() const;
  /// Tensors and `meta`. Returns whether the file reads back the same.
  bool write_tensors(const std::string& path,
                     const std::map<std::string, std::string>& meta,
                     std::string& sha256) const;

 private:
  struct State;
  std::unique_ptr<State> s_;
};

/// What the fresh process does with {model, images, result, threads}: loads, runs, writes down.
void check_exported_files(const std::vector<std::string>& files);

/// SHA-256 of a file's bytes. DataError when it cannot be read.
std::string file_sha256(const std::string& path);

}  // namespace nas
