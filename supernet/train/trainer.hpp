#pragma once
// The training loop: written once, for every strategy, space and weight store. No torch header
// here.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "supernet/data/run_data.hpp"
#include "supernet/train/curriculum.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

struct Checkpoint;

/// Metrics of one finished epoch, in a fixed order. Names that begin with `time.` depend on the
/// machine; all others are equal in a repeated or resumed run.
struct EpochReport {
  int64_t epoch = 0;  ///< 1-based: epochs finished.
  int64_t step = 0;   ///< Batches seen since the start of the run.
  std::vector<std::pair<std::string, double>> metrics;
};

struct TrainHooks {
  /// Asked after every optimizer step; true: save, then throw Interrupted.
  std::function<bool()> stop;
  /// Batches done of the whole run, of how many, and the mean loss of this epoch so far.
  std::function<void(int64_t done, int64_t total, double loss)> on_step;
  std::function<void(const EpochReport&)> on_epoch;
  /// Batches done of how many, while choices are scored between epochs.
  std::function<void(int64_t done, int64_t all)> on_scoring;
  std::function<void(
      const std::string& path, const std::string& sha256, int64_t epoch, int64_t step)>
      on_checkpoint;
  /// What a user should know and the run goes on with.
  std::function<void(const std::string&)> on_warning;
  /// Steps between two looks at the loss; 0: 1 on a CPU, 50 on a GPU, where a look waits for all
  /// work queued so far. It is looked at before every checkpoint too.
  int64_t loss_interval = 0;
};

/// What a checkpoint must agree with before it is resumed.
struct RunIdentity {
  std::string fingerprint;  ///< Of the space.
  std::string config_hash;  ///< Of everything that changes the result.
  std::string split_hash;
};

/// Seconds and images of a few real steps, for estimates.
struct StepTiming {
  int64_t steps = 0;
  double seconds_per_step = 0;
  double macs_per_step = 0;  ///< Multiply-adds, forward, of all paths of a step.
  int64_t steps_per_epoch = 0;
};

/// What a run is made of. Everything passed by reference or pointer must outlive the trainer.
struct TrainSetup {
  const Space& space;
  WeightStore& store;
  Strategy& strategy;  ///< Of the scope "".
  RunData data;
  TrainOptions options;
  EvaluateOptions evaluate;
  uint64_t seed = 0;
  Device device = {};
  std::string folder;  ///< Receives the checkpoints.
  RunIdentity identity;
  TrainHooks hooks = {};
  /// Null: all sets in every epoch, for options.epochs.
  Curriculum* curriculum = nullptr;
  /// Makes the strategy of another scope (a leaf of a tree).
  std::function<std::unique_ptr<Strategy>(const Stage&)> make_strategy = {};
};

class Trainer {
 public:
  /// ConfigError when the training split is smaller than a batch.
  explicit Trainer(TrainSetup setup);
  ~Trainer();

  /// Continues from a checkpoint. DataError when it belongs to another space, configuration or
  /// data.
  void resume(const std::string& path);
  /// The same with a file that was read already; `path` is for messages.
  void resume(const Checkpoint& checkpoint, const std::string& path);
  /// Begins where a run of one weight set stands: set 0 (of a tree: the root) takes its weights,
  /// statistics and moments, and counts as trained for the epochs that it has behind it; writes a
  /// checkpoint. `path` is for messages. DataError as for resume().
  void adopt(const Checkpoint& of_one_set, const std::string& path);
  /// Trains to the last epoch and writes a final checkpoint. Throws Interrupted after saving when
  /// told to stop; Error when the loss, a weight or a moment is not finite: such a state is never
  /// written, and the checkpoints from before stay.
  void run();
  /// Runs `steps` real steps (they change the weights) and times them.
  StepTiming time_steps(int64_t steps);

  int64_t epochs_done() const;
  int64_t steps_done() const;  ///< Batches since the start of the run.
  /// How often each option was trained (DrawCounts::json()); "" where that is not known.
  std::string draws_json() const;
  /// Path and hash of the newest checkpoint written by this object, empty before.
  const std::string& last_checkpoint() const;

 private:
  struct State;
  std::unique_ptr<State> s_;
};

}  // namespace nas
