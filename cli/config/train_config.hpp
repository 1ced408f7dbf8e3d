#pragma once
// Reading a training configuration whole: the file, the space it names and its strategy's options.
#include "search/store/store.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

/// ConfigError with the mistakes of all three at once.
TrainConfig read_train_config(const YamlSource& source);
/// What training would warn of, as far as it can be told without it: nothing where the data cannot
/// be opened.
std::vector<std::string> train_config_warnings(const YamlSource& source);
/// The configuration that a run was stored with, as the version that stored it meant it. `sets`:
/// changes for this time.
TrainConfig stored_train_config(const RunRow& run, const std::vector<std::string>& sets = {});

}  // namespace nas::cli
