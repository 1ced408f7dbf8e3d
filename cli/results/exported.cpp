#include "cli/results/exported.hpp"

#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string proof_text(const std::string& file, const ExportProof& proof) {
  return file + " checked in a fresh process, " + std::to_string(proof.images) + " images: " +
         (proof.logits_equal ? "logits equal to the last bit"
                             : "largest difference " + format_number(proof.max_difference, 3));
}

}  // namespace

Json proof_json(const ExportProof& proof) {
  Json json{{"images", proof.images},
            {"fresh_process", true},
            {"logits_equal", proof.logits_equal},
            {"max_difference", proof.max_difference},
            {"tensors_equal", proof.tensors_equal},
            {"passed", proof.passed}};
  if (proof.opset > 0) json["opset"] = proof.opset;
  return json;
}

Json export_json(const ExportResult& result) {
  Json files = Json::object();
  for (const ExportedFile& file : result.files)
    files[file.format] = {{"path", file.path}, {"sha256", file.sha256}, {"bytes", file.bytes}};
  Json json{{"schema", "nas-export-report/1"},
            {"run", result.run},
            {"architecture", result.architecture},
            {"macs", result.macs},
            {"params", result.params},
            {"params_in_file", result.params_in_file},
            {"batch_norm", result.batch_norm},
            {"batch_norms_folded", result.folded},
            {"files", std::move(files)},
            {"check", result.torchscript ? proof_json(*result.torchscript) : Json(nullptr)}};
  if (result.onnx) json["onnx_check"] = proof_json(*result.onnx);
  if (!result.weights.empty()) json["weights"] = result.weights;
  if (result.latency) json["latency"] = verified_json(*result.latency);
  return json;
}

std::string batch_norm_text(const ExportResult& result) {
  std::string text;
  const auto add = [&](size_t n, const std::string& what) {
    if (n > 0) text += (text.empty() ? "" : "; ") + std::to_string(n) + " " + what;
  };
  add(result.measured,
      "measured on " + std::to_string(result.calibration_images) + " training images");
  add(result.running, "with the supernet's running statistics");
  add(result.batch, "with the statistics of each batch");
  return text.empty() ? "none" : text;
}

void print_export(const ExportResult& result) {
  print_prose("exported " + result.architecture + " of run " + result.run +
              (result.weights.empty() ? "" : ", weights of " + result.weights) + ": " +
              format_count(static_cast<double>(result.macs)) + " MACs, " +
              format_count(static_cast<double>(result.params)) + " parameters");
  Table table({"format", "file", "bytes"});
  for (const ExportedFile& file : result.files)
    table.row({file.format, file.path, std::to_string(file.bytes)});
  print(table.text());
  print_prose(
      "parameters in the file: " + std::to_string(result.params_in_file) +
      " (counted: " + std::to_string(result.params) + ")" +
      (result.folded > 0 ? ", " + std::to_string(result.folded) + " batch norms folded" : ""));
  print_prose("batch norms: " + batch_norm_text(result));
  if (result.latency) print_prose(verified_text(*result.latency));
  if (result.torchscript) print_prose(proof_text("model.ts", *result.torchscript));
  if (result.onnx) print_prose(proof_text("model.onnx", *result.onnx));
}

}  // namespace nas::cli
