#pragma once
// How good an exported network is, on the data it was made for. No torch header here.
#include <string>

#include "supernet/data/run_data.hpp"
#include "supernet/task.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

/// Judged on the CPU, on the images and in the batches that a SubnetScorer with these options
/// takes. DataError when the file cannot be read or run, when it answers other than one row of
/// outputs for each image, or no numbers; ConfigError when the split is empty.
Score evaluate_exported(const std::string& path,
                        const Task& task,
                        const RunData& data,
                        const EvaluateOptions& options);

}  // namespace nas
