#pragma once
// Accuracies of many networks in one supernet, for rankings.
#include <string>
#include <vector>

#include "cli/runs/trained/supernet_run.hpp"

namespace nas::cli {

/// In the order of `architectures`; stored values of the same fidelity are used again, new ones are
/// stored. `split`: where another than the run's `evaluate.split` is wanted. Interrupted when the
/// user asked to stop (what is done is stored), DataError for a network whose logits are not
/// finite. NaN for a network whose weights are lost (SupernetRun::lost).
std::vector<double> judge_supernet(Store& store,
                                   SupernetRun& run,
                                   const std::vector<Architecture>& architectures,
                                   const std::string& split,
                                   const Common& common);

}  // namespace nas::cli
