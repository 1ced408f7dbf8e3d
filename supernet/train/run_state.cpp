// A checkpoint holds all that decides how a training goes on, so that a run which was stopped
// anywhere ends with the same bits as one that was not. It is one file, written whole or not at all
// (files/tensor_file.cpp), and never a broken network: keeping two files is of no use once both
// hold weights that are not finite.
#include "supernet/train/run_state.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "spaces/error.hpp"
#include "supernet/files/checkpoint.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/strategy_state.hpp"
#include "supernet/train/train_position.hpp"

namespace nas {
namespace {

void put(Checkpoint& c, const std::string& prefix, const StrategyState& state) {
  for (const auto& [name, t] : state.tensors) c.tensors[prefix + name] = t;
  for (const auto& [name, text] : state.text) c.text[prefix + name] = text;
}

StrategyState take(const Checkpoint& c, const std::string& prefix) {
  StrategyState state;
  state.tensors = c.with_prefix(prefix);
  for (const auto& [key, value] : c.text)
    if (key.starts_with(prefix)) state.text[key.substr(prefix.size())] = value;
  return state;
}

}  // namespace

RunState::RunState(const TrainSetup& s, Curriculum& curriculum)
    : sets(s.store, s.options.optimizer, s.folder),
      runner(s.space, s.store, sets, s.data, s.options, torch_device(s.device), s.seed),
      setup_(s),
      curriculum_(curriculum) {}

Strategy& RunState::strategy_of(const Stage& stage) {
  if (stage.scope.empty()) return setup_.strategy;
  std::unique_ptr<Strategy>& found = scoped_[stage.scope];
  if (!found) found = setup_.make_strategy(stage);
  return *found;
}

void RunState::diverged(const std::string& what) const {
  const std::vector<std::string> kept = checkpoints_in(setup_.folder);
  throw Error(
      what + " no longer finite (epoch " + std::to_string(epoch + 1) + ", step " +
      std::to_string(step) + ", " + std::to_string(global_step) +
      " since the start); lower train.optimizer.lr or set train.optimizer.clip_norm" +
      (kept.empty() ? "" : ". The checkpoints from before are kept, the newest: " + kept[0]));
}

double RunState::finite_loss() const {
  const double loss = runner.mean_loss();
  if (!std::isfinite(loss)) diverged("the training loss is");
  return loss;
}

void RunState::require_finite(const std::map<std::string, at::Tensor>& tensors) const {
  const std::string name = not_finite(tensors);
  if (!name.empty()) diverged("the values of '" + name + "' are");
}

void RunState::require_finite_weights() const {
  std::map<std::string, at::Tensor> all;
  for (const auto& [number, set] : sets.ready()) {
    const std::string prefix =
        (setup_.store.sets() > 1 ? "set" + std::to_string(number) + "/" : std::string()) + "model/";
    for (const NamedTensor& p : set.weights->parameters()) all[prefix + p.name] = p.tensor;
    for (const NamedTensor& b : set.weights->buffers()) all[prefix + b.name] = b.tensor;
  }
  require_finite(all);
}

std::string RunState::save(std::string& sha256) {
  finite_loss();
  Checkpoint c;
  sets.save(c, global_step, [this](const Checkpoint& file) { require_finite(file.tensors); });
  runner.save(c);
  put(c, "strategy/", setup_.strategy.save());
  for (const auto& [scope, other] : scoped_) put(c, "scope/" + scope, other->save());
  StrategyState state;
  curriculum_.save(state);
  put(c, "curriculum/", state);
  if (!order.empty()) c.tensors["trainer/order"] = at::tensor(order, at::kLong);
  c.text["position"] = to_text({epoch,
                                step,
                                global_step,
                                runner.clipped,
                                runner.updates,
                                macs_before,
                                runner.totals.paths,
                                runner.totals.path_images,
                                runner.totals.macs});
  c.text["strategy"] = setup_.strategy.name();
  c.text["fingerprint"] = setup_.identity.fingerprint;
  c.text["config_hash"] = setup_.identity.config_hash;
  c.text["split_hash"] = setup_.identity.split_hash;
  const std::string path = checkpoint_path(setup_.folder, global_step);
  sha256 = write_checkpoint(path, c);
  return path;
}

void RunState::remove_older() const {
  keep_newest_checkpoints(setup_.folder, setup_.options.checkpoint.keep);
  sets.remove_unused(checkpoints_in(setup_.folder));
}

void RunState::require_same_run(const Checkpoint& c, const std::string& path) const {
  const RunIdentity& mine = setup_.identity;
  const auto agree = [&](const char* key, const std::string& own, const char* what) {
    if (c.at(key) != own)
      throw DataError(path + ": belongs to another " + what + " and cannot be resumed here");
  };
  // Checkpoints of versions before 0.2 have the former fingerprint.
  const bool former = mine.fingerprint == setup_.space.fingerprint() &&
                      c.at("fingerprint") == setup_.space.legacy_fingerprint();
  if (!former) agree("fingerprint", mine.fingerprint, "search space");
  agree("config_hash", mine.config_hash, "configuration");
  agree("split_hash", mine.split_hash, "division of the data");
  agree("strategy", setup_.strategy.name(), "training strategy");
}

void RunState::load(const Checkpoint& c, const std::string& path) {
  require_same_run(c, path);
  curriculum_.load(take(c, "curriculum/"));
  sets.load(c, path);
  const TrainPosition p = position_of(c.at("position"));
  epoch = p.epoch;
  step = p.step;
  global_step = p.global_step;
  macs_before = p.macs_before;
  runner.clipped = p.clipped;
  runner.updates = p.updates;
  runner.totals = {};
  runner.totals.paths = p.paths;
  runner.totals.path_images = p.path_images;
  runner.totals.macs = p.macs;
  runner.load(c);
  setup_.strategy.load(take(c, "strategy/"));
  load_scopes(c);
  order.clear();
  if (const auto it = c.tensors.find("trainer/order"); it != c.tensors.end()) {
    const at::Tensor positions = it->second.to(at::kLong).contiguous();
    const auto* first = positions.data_ptr<int64_t>();
    order.assign(first, first + positions.numel());
  }
}

void RunState::load_scopes(const Checkpoint& c) {
  scoped_.clear();
  // Scopes are those of the stages so far.
  for (int64_t e = 0; e < std::min(epoch + 1, curriculum_.epochs()); ++e) {
    const Stage of = curriculum_.stage(e);
    const std::string prefix = "scope/" + of.scope;
    const bool saved = std::any_of(c.text.begin(), c.text.end(), [&](const auto& entry) {
      return entry.first.starts_with(prefix);
    });
    if (of.scope.empty() || scoped_.contains(of.scope) || !saved) continue;
    strategy_of(of).load(take(c, prefix));
  }
}

void RunState::adopt(const Checkpoint& c, const std::string& path) {
  sets.adopt(0, c, path);
  runner.load_draws(c);
  if (const auto found = c.text.find("position"); found != c.text.end()) {
    const TrainPosition p = position_of(found->second);
    epoch = p.epoch;
    global_step = p.global_step;
    macs_before = p.macs_before + p.macs;
  }
}

}  // namespace nas
