#pragma once
// The costly truth of a search: accuracy inside a trained supernet.
#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "search/store/store.hpp"
#include "spaces/evaluator.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

/// Metrics accuracy, accuracy_top5 (shares, 0..1) and loss. Without `options`, those of the run's
/// own `evaluate:` section.
std::unique_ptr<Evaluator> make_supernet_evaluator(Store& store,
                                                   const std::string& run,
                                                   const std::optional<EvaluateOptions>& options,
                                                   const Common& common);

}  // namespace nas::cli
