#pragma once
// How long stages that are not done will take.
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/sweep/sweep_runner.hpp"

namespace nas::cli {

/// How many different trainings are timed at most: each costs the start of a process, the reading
/// of its data and some steps.
inline constexpr size_t kMostTimed = 20;

/// Fills threads_given, step and epochs of a training from its resolved configuration. Seeds,
/// epochs, learning rates and what happens between steps do not belong to `step`.
void describe_steps(Stage& stage, const std::string& resolved);

/// Seconds of each stage of the plan, NaN where nobody knows: as long as the same stage took with
/// other seeds; else, of trainings, as `nas train --dry-run` measures (a child for each different
/// step, kMostTimed of them, those first that most stages share); else, of others, the mean of the
/// stages of the kind that are done.
std::vector<double> estimated_seconds(const SweepPlan& plan,
                                      const std::vector<StageState>& states,
                                      const SweepPlace& place,
                                      const Common& common);

}  // namespace nas::cli
