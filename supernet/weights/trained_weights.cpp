#include "supernet/weights/trained_weights.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>
#include <stdexcept>

#include "spaces/error.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/stored_sets.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

/// File of each set, by the checkpoint's word.
std::map<int, SetFile> named_set_files(const Checkpoint& c, const std::string& path, int sets) {
  std::map<int, SetFile> files = set_files_of(c, path);
  for (const auto& [set, file] : files)
    if (set >= sets)
      throw DataError(path + ": names set " + std::to_string(set) + ", but the store has " +
                      std::to_string(sets));
  return files;
}

void load_store_state(WeightStore& store, const Checkpoint& c) {
  StoreState state;
  state.tensors = c.with_prefix("store/");
  for (const auto& [key, value] : c.text)
    if (key.starts_with("store/")) state.text[key.substr(6)] = value;
  store.load(state);
}

void open_weights_of(WeightStore& store,
                     const Checkpoint& c,
                     const std::string& path,
                     const std::map<int, std::string>& lost) {
  load_store_state(store, c);
  if (store.sets() == 1) {
    load_model(*store.open(0), c, path);
    return;
  }
  const auto folder = std::filesystem::path(path).parent_path();
  for (const auto& [number, file] : named_set_files(c, path, store.sets()))
    store.attach(number, (folder / file.name).string());
  for (const auto& [number, why] : lost)
    store.lose(number, "the weights of " + store.set_name(number) + " cannot be read: " + why);
}

std::string weights_sha256(WeightStore& store) {
  std::map<std::string, at::Tensor> all;
  for (const int k : store.live_sets()) {
    const std::string prefix = store.sets() == 1 ? "" : "set" + std::to_string(k) + "/";
    const std::shared_ptr<WeightSet> set = store.open(k);
    for (const NamedTensor& t : set->parameters()) all[prefix + t.name] = t.tensor;
    for (const NamedTensor& t : set->buffers()) all[prefix + t.name] = t.tensor;
  }
  return hash_tensors(all);
}

WeightCount count_weights(const WeightSet& set) {
  WeightCount count;
  for (const NamedTensor& t : set.parameters()) count.parameters += t.tensor.numel();
  for (const NamedTensor& t : set.buffers()) count.statistics += t.tensor.numel();
  return count;
}

void copy_weights(const WeightSet& from, WeightSet& to) {
  const c10::NoGradGuard no_grad;
  const auto copy = [](const std::vector<NamedTensor>& values,
                       const std::vector<NamedTensor>& into) {
    if (values.size() != into.size()) throw std::logic_error("sets of different spaces");
    for (size_t k = 0; k < into.size(); ++k) {
      if (values[k].name != into[k].name || values[k].tensor.sizes() != into[k].tensor.sizes())
        throw std::logic_error("sets of different spaces: " + into[k].name);
      into[k].tensor.detach().copy_(values[k].tensor);
    }
  };
  copy(from.parameters(), to.parameters());
  copy(from.buffers(), to.buffers());
}

std::string write_weights(const std::string& path,
                          WeightStore& store,
                          const std::map<std::string, std::string>& text) {
  Checkpoint c;
  const std::shared_ptr<WeightSet> set = store.open(0);
  for (const NamedTensor& p : set->parameters()) c.tensors["model/" + p.name] = p.tensor;
  for (const NamedTensor& b : set->buffers()) c.tensors["model/" + b.name] = b.tensor;
  c.text = text;
  return write_checkpoint(path, c);
}

}  // namespace nas
