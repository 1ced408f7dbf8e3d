#include "cli/runs/trained/train_session.hpp"

#include "cli/config/train_config.hpp"

namespace nas::cli {
namespace {

/// The strategy of a stage: the whole run, or a node of a tree, with streams of its own.
std::unique_ptr<Strategy> strategy_for(const RunParts& p, const Stage& stage) {
  const TrainConfig& c = p.config;
  const StrategyContext context{*p.space,
                                c.seed,
                                stage.epochs,
                                static_cast<int64_t>(p.splits.train.size()),
                                c.train.batch,
                                c.train,
                                stage.scope,
                                stage.within.intersection(trained_part(*p.space, c.train))};
  return make_strategy(strategy_name(c), context, strategy_source(c));
}

}  // namespace

int64_t Session::epochs() const {
  return weights.curriculum ? weights.curriculum->epochs() : parts->config.train.epochs;
}

int64_t Session::steps_per_epoch() const {
  return nas::steps_per_epoch(static_cast<int64_t>(parts->splits.train.size()),
                              parts->config.train);
}

std::string resolved_yaml(TrainConfig& config) {
  return write_yaml([&](Binder& b) { describe(b, config); });
}

Session make_session(TrainConfig config,
                     const std::string& folder,
                     const std::string& config_hash,
                     TrainHooks hooks,
                     bool initialise,
                     bool advice) {
  Session s;
  s.parts = open_parts(std::move(config));
  const RunParts& p = *s.parts;
  const TrainConfig& c = p.config;
  s.weights = make_weights(p);
  if (initialise && !c.train.init.empty()) initialise_weights(p, *s.weights.store, c.train.init);
  const Stage first =
      s.weights.curriculum ? s.weights.curriculum->stage(0) : Stage{.epochs = c.train.epochs};
  s.strategy = strategy_for(p, first);
  if (advice) {
    if (const std::string text = norm_advice(c.train, p.device.is_cpu()); !text.empty())
      warning(text);
    for (const std::string& line : s.strategy->advice()) warning(line);
    for (const std::string& line : s.weights.store->advice(s.steps_per_epoch() * s.epochs()))
      warning(line);
  }
  s.trainer = std::make_unique<Trainer>(
      TrainSetup{.space = *p.space,
                 .store = *s.weights.store,
                 .strategy = *s.strategy,
                 .data = p.data(),
                 .options = c.train,
                 .evaluate = c.evaluate,
                 .seed = c.seed,
                 .device = p.device,
                 .folder = folder,
                 .identity = {p.space->fingerprint(), config_hash, p.splits.hash},
                 .hooks = std::move(hooks),
                 .curriculum = s.weights.curriculum.get(),
                 .make_strategy = [parts = s.parts.get()](const Stage& stage) {
                   return strategy_for(*parts, stage);
                 }});
  return s;
}

std::vector<std::string> health_of(const Session& s) {
  std::vector<std::string> all = s.strategy->health();
  for (const std::string& line : s.weights.store->health()) all.push_back(line);
  if (s.weights.curriculum)
    for (const std::string& line : s.weights.curriculum->health()) all.push_back(line);
  return all;
}

}  // namespace nas::cli
