// Weights between a checkpoint and a store.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "spaces/error.hpp"
#include "supernet/train/trainer.hpp"

namespace nas {

void load_model(WeightStore& store, const Checkpoint& checkpoint, const std::string& path) {
  const c10::NoGradGuard no_grad;
  size_t used = 0;
  const auto copy = [&](const std::vector<NamedTensor>& into) {
    for (const NamedTensor& target : into) {
      const auto it = checkpoint.tensors.find("model/" + target.name);
      if (it == checkpoint.tensors.end())
        throw DataError(path + ": has no tensor '" + target.name + "' of this space");
      if (it->second.sizes() != target.tensor.sizes())
        throw DataError(path + ": tensor '" + target.name +
                        "' has another shape than this space's");
      target.tensor.detach().copy_(it->second);
      ++used;
    }
  };
  copy(store.parameters());
  copy(store.buffers());
  const auto stored =
      std::count_if(checkpoint.tensors.begin(), checkpoint.tensors.end(), [](const auto& entry) {
        return entry.first.starts_with("model/");
      });
  if (static_cast<size_t>(stored) != used)
    throw DataError(path + ": has tensors that this space does not know");
}

std::string not_finite(const std::map<std::string, at::Tensor>& tensors) {
  const c10::NoGradGuard no_grad;
  // One answer for all: on a GPU every look at a number waits for the whole queue.
  at::Tensor all;
  for (const auto& [name, t] : tensors) {
    if (!t.is_floating_point() || t.numel() == 0) continue;
    const at::Tensor finite = at::isfinite(t.detach()).all();
    all = all.defined() ? at::logical_and(all, finite.to(all.device())) : finite;
  }
  if (!all.defined() || all.item<bool>()) return "";
  for (const auto& [name, t] : tensors)
    if (t.is_floating_point() && !at::isfinite(t.detach()).all().item<bool>()) return name;
  return "";
}

}  // namespace nas
