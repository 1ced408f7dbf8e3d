#pragma once
// WeightStore: which weights an architecture trains with and is judged with. One shared set, the
// leaves of a split tree, the models of a mixture: each is a store of WeightSets. No torch header
// here.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "spaces/space.hpp"
#include "supernet/weights/placement.hpp"

namespace nas {

class WeightSet;
struct Checkpoint;
/// What a store keeps besides its sets (a tree, an association): store_state.hpp.
struct StoreState;

/// The weights of one of several sets cannot be read: a failure of the architectures that it judges
/// and of no other.
class LostWeightsError : public DataError {
 public:
  using DataError::DataError;
};

class WeightStore {
 public:
  virtual ~WeightStore() = default;
  /// Sets are numbered 0 .. sets() - 1.
  virtual int sets() const = 0;
  /// The set that `a` is judged with.
  virtual int owner(const Architecture& a) const = 0;
  /// The set that `a` trains with now; a mixture draws it.
  virtual int draw(const Architecture& a, Rng& rng) const;
  /// Sets that hold weights of the run, ascending; the rest of the numbers stands for none (inner
  /// nodes of a tree).
  virtual std::vector<int> live_sets() const;

  /// The set in memory, which stays there as long as the answer is held or `keep` says so. What is
  /// not in memory is read from its file, or initialised where it has none. DataError when the file
  /// is damaged or of another space.
  std::shared_ptr<WeightSet> open(int set);
  /// The file of a checkpoint that a set lies in when it is not in memory (tensors `model/...`).
  void attach(int set, std::string path);
  /// The file of a set is damaged: whoever opens it is told why by LostWeightsError.
  void lose(int set, std::string why);
  /// At most so many sets nobody holds stay in memory, the last used ones. Default: all.
  void keep(int most);
  bool keeps_statistics() const { return statistics_; }
  FloatType dtype() const { return dtype_; }

  // ---- While it is trained; a store that learns nothing of its own ignores all of these.
  /// The sets that are trained from now on.
  virtual void enter(const std::vector<int>& /*sets*/) {}
  /// `epoch` of `epochs` that train the entered sets, 0-based; never in the middle of one.
  virtual void begin_epoch(int64_t /*epoch*/, int64_t /*epochs*/) {}
  virtual void end_epoch() {}
  /// Whether observe() wants to hear of every path that was trained.
  virtual bool wants_validation() const { return false; }
  /// Whether wants_validation() is true at any time of the run.
  virtual bool ever_wants_validation() const { return wants_validation(); }
  /// Share of right answers of `a` with set `set` on one validation batch, after their update.
  virtual void observe(const Architecture& /*a*/, int /*set*/, double /*accuracy*/) {}
  /// What training itself saw of `a` with the set that judges it: the moving average of its
  /// accuracies on validation batches. None where it never trained with that set, or where training
  /// judges nothing.
  virtual std::optional<double> seen_accuracy(const Architecture& /*a*/) const { return {}; }
  /// Scalars of the epoch last finished.
  virtual std::vector<std::pair<std::string, double>> telemetry() const { return {}; }
  /// Sentences about settings that do not suit the store, for `steps` steps of training in all;
  /// told before training.
  virtual std::vector<std::string> advice(int64_t /*steps*/) const { return {}; }
  /// One sentence about what `steps` steps of training will come to; "" where there is nothing to
  /// say.
  virtual std::string summary(int64_t /*steps*/) const { return ""; }
  /// Sentences for the end of the run.
  virtual std::vector<std::string> health() const { return {}; }
  /// How a set is called in results ("" for the only one).
  virtual std::string set_name(int set) const { return sets() == 1 ? "" : std::to_string(set); }

  virtual StoreState save() const;  ///< By default nothing.
  /// DataError when the state is not one of this store.
  virtual void load(const StoreState&) {}

 protected:
  WeightStore(bool keeps_statistics, FloatType dtype)
      : statistics_(keeps_statistics), dtype_(dtype) {}
  /// A new set with its first weights.
  virtual std::unique_ptr<WeightSet> make(int set) = 0;

 private:
  void trim();
  bool statistics_;
  FloatType dtype_;
  int most_ = -1;
  std::map<int, std::string> files_;
  std::map<int, std::string> lost_;  ///< Why.
  std::map<int, std::shared_ptr<WeightSet>> open_;
  std::map<int, std::weak_ptr<WeightSet>> known_;
  std::vector<int> order_;  ///< Of open_, the last used one at the end.
};

/// Fills a set with the tensors `model/...` of a checkpoint. DataError, naming `path`, when they
/// are those of another space.
void load_model(WeightSet& weights, const Checkpoint& checkpoint, const std::string& path);

/// One set for all architectures.
std::unique_ptr<WeightStore> make_single_store(const Space& space,
                                               uint64_t seed,
                                               const Placement& placement = {});

}  // namespace nas
