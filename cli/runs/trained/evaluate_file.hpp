#pragma once
// nas evaluate FILE: an exported network on the data that it was made for.
#include <string>

#include "cli/command.hpp"
#include "cli/results/evaluation.hpp"

namespace nas::cli {

/// `file`: model.ts or model.onnx of `nas export`, or their folder. `split`: validation, test,
/// train;
/// "": as its run is judged. Of `common`: sets of where its data lie and how it is judged
/// (evaluate.images, evaluate.batch). ConfigError or DataError where it cannot be judged.
EvaluationResult evaluate_file(const std::string& file,
                               const std::string& split,
                               const Common& common);

}  // namespace nas::cli
