#pragma once
// What exported files say of themselves: `model.json`, and the same inside model.ts and model.onnx.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/runs/trained/supernet_run.hpp"
#include "supernet/export/subnet_export.hpp"

namespace nas::cli {

/// Borrows all of them.
struct ExportedSubnet {
  const SupernetRun& run;
  const SubnetExport& subnet;
  const Architecture& architecture;
  const std::string& weights;  ///< Which of several sets they come from; "" where there is one.
  const nlohmann::ordered_json& lineage;  ///< How it came about (runs/results/lineage.hpp).
};

/// Where the statistics of its batch norms come from.
nlohmann::ordered_json batch_norm_json(const ExportedSubnet& exported);
/// Schema `nas-export/1`: the architecture, its plan, what it is given and answers, its batch
/// norms.
nlohmann::ordered_json export_description(const ExportedSubnet& exported);
/// `about`: the description.
OnnxText onnx_text(const ExportedSubnet& exported, const nlohmann::ordered_json& about, int opset);

}  // namespace nas::cli
