#pragma once
// What a user should know of how data was read.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "supernet/data/dataset.hpp"

namespace nas::cli {

/// The data's remarks, and one sentence for each kind of thing that is not used. Printable.
std::vector<std::string> data_notes(const Dataset& data);

/// The same for a training run, with the classes that have no training images after the splits.
std::vector<std::string> training_notes(const Dataset& data, const Splits& splits);

/// What happens to a decoded image before mean and deviation, in evaluation: a JSON list of steps
/// in their order, each with an `op`.
nlohmann::ordered_json preparation_json(const Dataset& data);
/// The same in words.
std::string preparation_text(const Dataset& data, const InputShape& shape);

}  // namespace nas::cli
