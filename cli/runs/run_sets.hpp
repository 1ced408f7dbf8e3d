#pragma once
// `--set` where a run is opened again to be judged, searched, ranked or exported.
#include <string>
#include <vector>

namespace nas::cli {

/// KEY of KEY=VALUE.
std::string key_of(const std::string& set);
/// Whether `set` (KEY=VALUE) changes what may differ from the training: how architectures are
/// judged (evaluate.*), where the data lies and how it is read, the device, the threads. The
/// fidelity that is stored with every value holds what it was judged with.
bool is_run_set(const std::string& set);
/// All of them, or ConfigError naming the first that is none and what there is.
const std::vector<std::string>& run_sets(const std::vector<std::string>& sets);

}  // namespace nas::cli
