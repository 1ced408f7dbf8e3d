#pragma once
// What another program needs to build the networks of a space and to know that it built them right.
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas::bench {

/// The networks that a benchmark trains: `fixed` (empty: the largest), then drawn ones.
std::vector<Architecture> architectures(const Space& space, const std::string& fixed);

/// FOLDER/SPACE.json (schema nas-bench/1): `space`, `classes`, `input`, `tensors` of the supernet
/// (`name`, `shape`, `buffer`, `learned_crop`), `plans` of architectures() as `nas space show`
/// writes them. FOLDER/SPACE.safetensors: every parameter and buffer at its start, `images`,
/// `labels`, and for the first plans `loss/K` and `gradient/K/NAME` of one pass on the CPU with
/// dropout off.
void write_bundle(const std::string& folder, const std::string& space, const std::string& fixed);

}  // namespace nas::bench
