#pragma once
// nas train --dry-run: what a training would need.
#include "cli/command.hpp"
#include "cli/report/training/dry_run.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

/// Opens data, weights and strategy, trains a few steps in a folder that is removed again, and
/// tells sizes, memory and time. Throws what training would throw before its first step.
DryRun try_out(TrainConfig config, const Common& common);

}  // namespace nas::cli
