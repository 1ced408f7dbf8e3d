#pragma once
// Reading a training configuration whole: the file, the space it names and its strategy's options.
#include "supernet/train_options.hpp"

namespace nas::cli {

/// ConfigError with the mistakes of all three at once.
TrainConfig read_train_config(const YamlSource& source);

}  // namespace nas::cli
