#pragma once
// The preset of a `strategy:` section, and what a stored configuration means without one.
#include <optional>
#include <string>

#include "supernet/train/train_options.hpp"

namespace nas {

/// `preset` of the strategy, where one is named.
std::optional<std::string> strategy_preset(const TrainConfig& config);
/// Writes the preset of strategy `panda` down where none is named, so that the configuration means
/// the same to every version of this program.
void name_preset(TrainConfig& config, const std::string& preset);

}  // namespace nas
