#pragma once
// Runs of strategy `fixed`, told from their rows alone: what they trained, without opening them.
#include <string>

#include "search/store/store.hpp"

namespace nas::cli {

/// Whether a run trained one architecture alone, so that there is nothing to search or to sample.
bool is_stand_alone(const RunRow& run);
/// Its architecture, as the space writes it.
std::string own_architecture(const Store& store, const RunRow& run);

}  // namespace nas::cli
