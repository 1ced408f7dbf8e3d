#pragma once
// How long stages that are not done will take.
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/sweep/sweep_runner.hpp"

namespace nas::cli {

/// Seconds of each stage of the plan, NaN where nobody knows: as long as the same stage took with
/// other seeds; else, of trainings, as `nas train --dry-run` measures (a child for each distinct
/// configuration); else the mean of the stages of its kind that are done.
std::vector<double> estimated_seconds(const SweepPlan& plan,
                                      const std::vector<StageState>& states,
                                      const SweepPlace& place,
                                      const Common& common);

}  // namespace nas::cli
