#pragma once
// The weight sets that a run trains, each with an optimizer of its own, and their files in
// checkpoints.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supernet/files/checkpoint.hpp"
#include "supernet/train/step/optimizer.hpp"
#include "supernet/train/step/reptile.hpp"
#include "supernet/weights/trained_weights.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

struct TrainedSet {
  TrainedSet(std::shared_ptr<WeightSet> set, const OptimizerOptions& options);
  std::shared_ptr<WeightSet> weights;
  Optimizer optimizer;
  Reptile reptile;
  std::vector<bool> used;  ///< Parameters that got a gradient since the last update.
  bool touched = false;    ///< Any of `used`.
  bool changed = true;     ///< Since its file was written.
};

/// A store of one set keeps it in the checkpoint itself (`model/`, `optimizer/`, `reptile/`). With
/// several, each has a file `set<k>-<step>.safetensors` beside the checkpoint, which names them: a
/// set that did not change keeps its file.
class TrainedSets {
 public:
  TrainedSets(WeightStore& store, const OptimizerOptions& options, std::string folder);

  /// The set ready to train, read from its file where it was trained before.
  TrainedSet& at(int set);
  /// Sets that are ready, by number.
  std::map<int, TrainedSet>& ready() { return ready_; }
  const std::map<int, TrainedSet>& ready() const { return ready_; }
  /// Drops the moments of all sets.
  void forget();
  /// Gives `child` the weights, statistics and moments of `parent` as they are now.
  void inherit(int child, int parent);
  /// Gives a set the weights, statistics and moments of the only set of another run.
  void adopt(int set, const Checkpoint& of_one_set, const std::string& path);
  /// Forgets a set for good: what is in memory, and its file once no checkpoint names it.
  void drop(int set);
  /// Whether another set than `sets` has changed since its file was written.
  bool unsaved_besides(const std::vector<int>& sets) const;
  /// Lets go of all others, which are read from their files when they are asked for again.
  void release_besides(const std::vector<int>& sets);

  /// `check` sees everything before it is written, and may refuse it by an exception.
  void save(Checkpoint& checkpoint,
            int64_t step,
            const std::function<void(const Checkpoint&)>& check);
  /// DataError when the checkpoint is damaged or of another store.
  void load(const Checkpoint& checkpoint, const std::string& path);
  /// Removes files of sets that no checkpoint of the folder names any more.
  void remove_unused(const std::vector<std::string>& checkpoints) const;

 private:
  void write_into(Checkpoint& checkpoint, const TrainedSet& set) const;
  void read_state(TrainedSet& set, const Checkpoint& checkpoint) const;

  WeightStore& store_;
  OptimizerOptions options_;
  std::string folder_;
  std::map<int, TrainedSet> ready_;
  std::map<int, SetFile> files_;  ///< Each set's newest file, in the folder.
};

}  // namespace nas
