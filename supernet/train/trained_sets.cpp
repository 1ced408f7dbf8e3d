// With several sets a checkpoint names one file for each. A set that did not change keeps its file,
// so that saving costs what was trained since, not what the tree has grown to.
#include "supernet/train/trained_sets.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "spaces/error.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/stored_sets.hpp"

namespace nas {
namespace {

std::string set_file(int set, int64_t step) {
  char name[64];
  std::snprintf(name, sizeof name, "set%d-%012lld.safetensors", set, static_cast<long long>(step));
  return name;
}

}  // namespace

TrainedSet::TrainedSet(std::shared_ptr<WeightSet> set, const OptimizerOptions& options)
    : weights(std::move(set)),
      optimizer(weights->parameters(), options),
      reptile(weights->parameters()),
      used(weights->parameters().size(), false) {}

TrainedSets::TrainedSets(WeightStore& store, const OptimizerOptions& options, std::string folder)
    : store_(store), options_(options), folder_(std::move(folder)) {}

TrainedSet& TrainedSets::at(int set) {
  const auto it = ready_.find(set);
  if (it != ready_.end()) return it->second;
  TrainedSet& made = ready_.try_emplace(set, store_.open(set), options_).first->second;
  if (const auto file = files_.find(set); file != files_.end()) {
    read_state(made,
               read_checkpoint((std::filesystem::path(folder_) / file->second.name).string()));
    made.changed = false;
  }
  return made;
}

void TrainedSets::forget() {
  for (auto& [number, set] : ready_) set.optimizer.forget();
}

void TrainedSets::inherit(int child, int parent) {
  const c10::NoGradGuard no_grad;
  TrainedSet& from = at(parent);
  TrainedSet& to = at(child);
  const auto copy = [](const std::vector<NamedTensor>& into, const std::vector<NamedTensor>& of) {
    for (size_t i = 0; i < into.size(); ++i) into[i].tensor.detach().copy_(of[i].tensor);
  };
  copy(to.weights->parameters(), from.weights->parameters());
  copy(to.weights->buffers(), from.weights->buffers());
  std::map<std::string, at::Tensor> moments = from.optimizer.save();
  for (auto& [name, t] : moments) t = t.clone();
  to.optimizer.load(moments);
  to.reptile.load(from.reptile.save());
  to.changed = true;
}

void TrainedSets::adopt(int set, const Checkpoint& of_one_set, const std::string& path) {
  TrainedSet& to = at(set);
  load_model(*to.weights, of_one_set, path);
  read_state(to, of_one_set);
  to.changed = true;
}

void TrainedSets::drop(int set) {
  ready_.erase(set);
  files_.erase(set);
}

bool TrainedSets::unsaved_besides(const std::vector<int>& sets) const {
  if (store_.sets() == 1) return false;
  return std::any_of(ready_.begin(), ready_.end(), [&](const auto& entry) {
    return entry.second.changed && std::find(sets.begin(), sets.end(), entry.first) == sets.end();
  });
}

void TrainedSets::release_besides(const std::vector<int>& sets) {
  if (store_.sets() == 1) return;
  std::erase_if(ready_, [&](const auto& entry) {
    return std::find(sets.begin(), sets.end(), entry.first) == sets.end();
  });
}

void TrainedSets::write_into(Checkpoint& c, const TrainedSet& set) const {
  for (const NamedTensor& p : set.weights->parameters()) c.tensors["model/" + p.name] = p.tensor;
  for (const NamedTensor& b : set.weights->buffers()) c.tensors["model/" + b.name] = b.tensor;
  for (const auto& [name, t] : set.optimizer.save()) c.tensors["optimizer/" + name] = t;
  for (const auto& [name, t] : set.reptile.save()) c.tensors["reptile/" + name] = t;
}

void TrainedSets::read_state(TrainedSet& set, const Checkpoint& c) const {
  set.optimizer.load(c.with_prefix("optimizer/"));
  set.reptile.load(c.with_prefix("reptile/"));
}

void TrainedSets::save(Checkpoint& c,
                       int64_t step,
                       const std::function<void(const Checkpoint&)>& check) {
  const StoreState state = store_.save();
  for (const auto& [name, t] : state.tensors) c.tensors["store/" + name] = t;
  for (const auto& [name, text] : state.text) c.text["store/" + name] = text;
  if (store_.sets() == 1) {
    write_into(c, at(0));
    check(c);
    return;
  }
  for (auto& [number, set] : ready_) {
    if (!set.changed) continue;
    Checkpoint own;
    own.text["set"] = std::to_string(number);
    write_into(own, set);
    check(own);
    const std::string name = set_file(number, step);
    const std::string path = (std::filesystem::path(folder_) / name).string();
    files_[number] = {name, write_checkpoint(path, own)};
    store_.attach(number, path);
    set.changed = false;
  }
  put_set_files(c, files_);
}

void TrainedSets::load(const Checkpoint& c, const std::string& path) {
  load_store_state(store_, c);
  ready_.clear();
  files_.clear();
  if (store_.sets() == 1) {
    TrainedSet& only = at(0);
    load_model(*only.weights, c, path);
    read_state(only, c);
    return;
  }
  files_ = named_set_files(c, path, store_.sets());
  for (const auto& [number, file] : files_)
    store_.attach(number, (std::filesystem::path(folder_) / file.name).string());
}

void TrainedSets::remove_unused(const std::vector<std::string>& checkpoints) const {
  if (store_.sets() == 1) return;
  std::set<std::string> named;
  try {
    for (const std::string& path : checkpoints)
      for (const auto& [number, file] : named_set_files(read_checkpoint(path), path, store_.sets()))
        named.insert(file.name);
  } catch (const DataError&) {
    return;  // Nobody knows what a damaged one names, and the new one is safe.
  }
  std::error_code ignored;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    int set = 0;
    long long step = 0;
    if (std::sscanf(name.c_str(), "set%d-%lld.safetensors", &set, &step) == 2 &&
        !named.contains(name))
      stale.push_back(entry.path());
  }
  for (const auto& path : stale) std::filesystem::remove(path, ignored);
}

}  // namespace nas
