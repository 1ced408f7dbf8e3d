#pragma once
// Runs whose weights fit one architecture only (strategy `fixed`): they are no supernets.
#include <optional>

#include "cli/runs/trained/supernet_run.hpp"

namespace nas::cli {

/// The architecture that a run with strategy `fixed` trained; empty for a supernet.
std::optional<Architecture> stand_alone(const RunParts& parts);
/// ConfigError when the run trained one architecture alone, and no other can be judged in it.
/// `doing`: what was asked for, such as "searched".
void require_supernet(const SupernetRun& run, const std::string& doing);
/// ConfigError when `a` has no trained weights in this run.
void require_trained(const SupernetRun& run, const Architecture& a);

}  // namespace nas::cli
