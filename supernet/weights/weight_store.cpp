// Sets that nobody holds are kept in the order of their last use; one that somebody still holds is
// the same set even after it was let go here, so that two copies never train apart.
#include "supernet/weights/weight_store.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

#include "spaces/error.hpp"
#include "supernet/files/checkpoint.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

int WeightStore::draw(const Architecture& a, Rng&) const {
  return owner(a);
}

std::vector<int> WeightStore::live_sets() const {
  std::vector<int> all(static_cast<size_t>(sets()));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::shared_ptr<WeightSet> WeightStore::open(int set) {
  if (const auto lost = lost_.find(set); lost != lost_.end()) throw LostWeightsError(lost->second);
  // A set that somebody still holds is the same set, even if it was trimmed here.
  std::shared_ptr<WeightSet> found = known_[set].lock();
  if (!found) {
    found = make(set);
    if (const auto it = files_.find(set); it != files_.end())
      load_model(*found, read_checkpoint(it->second), it->second);
    known_[set] = found;
  }
  open_[set] = found;
  order_.erase(std::remove(order_.begin(), order_.end(), set), order_.end());
  order_.push_back(set);
  trim();
  return found;
}

StoreState WeightStore::save() const {
  return {};
}

void WeightStore::attach(int set, std::string path) {
  files_[set] = std::move(path);
}

void WeightStore::lose(int set, std::string why) {
  lost_[set] = std::move(why);
}

void WeightStore::keep(int most) {
  most_ = most;
  trim();
}

void WeightStore::trim() {
  while (most_ >= 0 && static_cast<int>(order_.size()) > std::max(most_, 1)) {
    open_.erase(order_.front());
    order_.erase(order_.begin());
  }
}

void load_model(WeightSet& weights, const Checkpoint& checkpoint, const std::string& path) {
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
  copy(weights.parameters());
  copy(weights.buffers());
  const auto stored =
      std::count_if(checkpoint.tensors.begin(), checkpoint.tensors.end(), [](const auto& entry) {
        return entry.first.starts_with("model/");
      });
  if (static_cast<size_t>(stored) != used)
    throw DataError(path + ": has tensors that this space does not know");
}

namespace {

class SingleStore final : public WeightStore {
 public:
  SingleStore(std::shared_ptr<const SupernetLayout> layout, uint64_t seed, const Placement& place)
      : WeightStore(nas::keeps_statistics(*layout), place.dtype),
        layout_(std::move(layout)),
        seed_(seed),
        place_(place) {}
  int sets() const override { return 1; }
  int owner(const Architecture&) const override { return 0; }

 private:
  std::unique_ptr<WeightSet> make(int set) override {
    return make_shared_set(layout_, seed_, place_, set);
  }
  std::shared_ptr<const SupernetLayout> layout_;
  uint64_t seed_;
  Placement place_;
};

}  // namespace

std::unique_ptr<WeightStore> make_single_store(const Space& space,
                                               uint64_t seed,
                                               const Placement& placement) {
  return std::make_unique<SingleStore>(make_layout(space), seed, placement);
}

}  // namespace nas
