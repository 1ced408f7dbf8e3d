#pragma once
// nas train --from-scratch and --inherit: one network alone, such as the winner of a search, with
// the recipe of its supernet or another one.
#include <functional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/runs/results/recipe.hpp"
#include "spaces/space.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

struct RetrainOptions {
  std::string from_scratch;        ///< Architecture; best, knee or an index of the front of `run`.
  std::string run;                 ///< For it: a search, or a training with one.
  std::string inherit;             ///< Run whose weights it begins with ...
  std::string architecture, pick;  ///< ... and which network: named, or of its search (best).
  bool given() const { return !from_scratch.empty() || !inherit.empty(); }
};
/// ConfigError for options that do not go together, and for --set of what retraining decides.
void check_retrain(const RetrainOptions& o, const Common& common, const std::string& strategy);

struct Retraining {
  TrainConfig config;  ///< Strategy `fixed`, one set of weights; where data and space lie now.
  Recipe recipe;
};
/// The configuration is that of --config, else of the run named, with `common.sets`. `read` reads a
/// source as any training does. ConfigError when there is no such run or front, when the spaces
/// differ, when the architecture is none.
Retraining retraining_of(const RetrainOptions& o, const Common& common);

/// Writes the weights of a run, of the set that owns the recipe's architecture, as a file that
/// train.init takes; completes the recipe. DataError, ConfigError as for opening that run.
void write_inherited(const std::string& path, const Common& common, Recipe& recipe);

/// `recipe.yaml` for a run's folder: the configuration, and in words where it comes from.
std::string recipe_file(const Recipe& recipe, const std::string& config_yaml);

}  // namespace nas::cli
