#pragma once
// A training run opened: supernet, strategy and trainer, made from a configuration.
#include <memory>
#include <string>
#include <vector>

#include "cli/runs/trained/supernet_run.hpp"
#include "supernet/train/trainer.hpp"

namespace nas::cli {

/// Ready to go.
struct Session {
  std::unique_ptr<RunParts> parts;
  Weights weights;
  std::unique_ptr<Strategy> strategy;
  std::unique_ptr<Trainer> trainer;

  int64_t epochs() const;
  int64_t steps_per_epoch() const;
};

/// The configuration with every default, as runs store it.
std::string resolved_yaml(TrainConfig& config);
/// `initialise`: with the weights of train.init, where it names some. Warns of settings that do not
/// suit one another, but with `advice` false.
Session make_session(TrainConfig config,
                     const std::string& folder,
                     const std::string& config_hash,
                     TrainHooks hooks,
                     bool initialise = true,
                     bool advice = true);
/// Sentences for the end of a run.
std::vector<std::string> health_of(const Session& session);

}  // namespace nas::cli
