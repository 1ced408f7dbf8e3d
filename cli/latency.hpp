#pragma once
// Finding a latency table: in the store or in a file.
#include <string>

#include "hardware/latency_table.hpp"
#include "search/store.hpp"

namespace nas::cli {

/// `name`: id of a stored table, `last`, or a JSON file. ConfigError when there is none.
LatencyTable open_latency_table(const Store& store, const std::string& name);

}  // namespace nas::cli
