#pragma once
// What `nas export` wrote and proved, and how it is told.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/results/verified_latency.hpp"

namespace nas::cli {

/// What a fresh process found of a file (supernet/export/subnet_export.hpp: FileCheck).
struct ExportProof {
  int64_t images = 0;
  bool logits_equal = false;  ///< To the last bit.
  double max_difference = 0;  ///< Of logits.
  bool tensors_equal = false;
  bool passed = false;
  int opset = 0;  ///< Of ONNX; 0: another format.
};

struct ExportedFile {
  std::string format, path, sha256;
  uint64_t bytes = 0;
};

struct ExportResult {
  std::string run, architecture;
  std::string weights;  ///< Which of several sets; "" where there is one.
  int64_t macs = 0, params = 0, params_in_file = 0;
  int folded = 0;  ///< Batch norms merged.
  size_t measured = 0, running = 0,
         batch = 0;  ///< Batch norms, by where their statistics come from.
  int64_t calibration_images = 0;
  nlohmann::ordered_json batch_norm;  ///< As the files say it.
  std::vector<ExportedFile> files;    ///< In the order in which they were written.
  std::optional<ExportProof> torchscript, onnx;
  std::optional<VerifiedLatency> latency;  ///< None: not asked.
};

/// As the store keeps it with the file, too.
nlohmann::ordered_json proof_json(const ExportProof& proof);
/// Schema nas-export-report/1.
nlohmann::ordered_json export_json(const ExportResult& result);
/// Where the statistics of its batch norms come from: `8 measured on 500 training images`.
std::string batch_norm_text(const ExportResult& result);
/// For people: what was exported, a table of files, what was proven.
void print_export(const ExportResult& result);

}  // namespace nas::cli
