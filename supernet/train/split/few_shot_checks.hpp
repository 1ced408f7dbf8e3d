#pragma once
// Whether the splits that a configuration asks for can be made, asked before anything is trained.
#include "supernet/train/split/few_shot.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

/// ConfigError naming the key of `source` that cannot be met in this space.
void check_few_shot(const Space& space,
                    const FewShotOptions& options,
                    const TrainOptions& train,
                    const YamlSource& source);

}  // namespace nas
