#pragma once
// How good a subnet is inside the supernet: the metrics of its task on a named split. No torch
// header here.
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "spaces/error.hpp"
#include "spaces/space.hpp"
#include "supernet/data/run_data.hpp"
#include "supernet/device.hpp"
#include "supernet/task.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

class FixedBatches;
struct GroupContext;
struct Portion;
class WeightStore;
class WorkerPool;

/// The logits are no numbers, so there is no accuracy either: of one architecture.
class NotFiniteError : public DataError {
 public:
  using DataError::DataError;
};
/// Memory, of the GPU or the host, did not suffice for one batch.
bool is_out_of_memory(const std::exception& error);

/// One of several that were judged: its score, or what went wrong.
struct Judged {
  Score score;
  std::exception_ptr problem;
  /// The score; throws what went wrong.
  const Score& get() const {
    if (problem) std::rethrow_exception(problem);
    return score;
  }
};

class SubnetScorer {
 public:
  /// `keep_images`: decoded images stay in memory where they fit.
  SubnetScorer(const Space& space,
               WeightStore& store,
               const RunData& data,
               const EvaluateOptions& options,
               const Device& device,
               Layout layout = Layout::kContiguous,
               bool keep_images = true);
  ~SubnetScorer();
  /// Judged with the set that owns `a`. Does not touch its tensors; the same answer whatever was
  /// scored before. NotFiniteError when a logit is NaN or infinite; Interrupted when the user asked
  /// to stop.
  Score score(const Architecture& a);
  /// All of them, side by side on the CPU's compute threads, one op a thread. `on_result` is
  /// called on this thread in order of the list, as soon as the one and all before it are done;
  /// what it throws ends the work. Each value is that of score().
  void score_each(std::span<const Architecture> architectures,
                  const std::function<void(size_t, const Judged&)>& on_result);
  /// How many score_each() judges at once: the compute threads, or fewer where memory would not
  /// suffice for as many batches; 1 on a GPU.
  int workers(std::span<const Architecture> architectures) const;
  /// What the user should be told where workers() are fewer than the threads; else "".
  std::string worker_note(std::span<const Architecture> architectures) const;
  /// What scores hold.
  const Task& task() const { return task_; }
  /// How the values came about, as JSON for the results store: split, images, batch, BN treatment.
  std::string fidelity_json() const;
  /// What the user should be told once (running statistics in use); may be empty.
  std::string warning() const;

 private:
  /// Memory that judging may take in all, and how many times what ops hold it takes: convolutions
  /// keep copies in layouts of their own.
  static constexpr double kShareOfMemory = 0.5, kCopies = 2;
  /// Called with a portion's number and the answers of its members, in order of the portions.
  using HandOn = std::function<void(size_t, const std::vector<Judged>&)>;

  int64_t largest_batch() const;
  std::vector<Portion> portions(std::span<const Architecture> architectures,
                                int workers,
                                bool kept) const;
  /// One answer for each member of the portion. `kept`: read the images that are in memory.
  std::vector<Judged> judged(std::span<const Architecture> all,
                             const Portion& portion,
                             bool kept) const;
  /// After a problem with all together: who has it alone?
  std::vector<Judged> one_by_one(std::span<const Architecture> all,
                                 const Portion& portion,
                                 bool kept,
                                 const std::exception_ptr& problem) const;
  /// All portions, whose batches are side by side; the images are in memory.
  void judge_in_memory(std::span<const Architecture> all,
                       std::span<const Portion> portions,
                       int workers,
                       const HandOn& hand_on) const;
  /// Several portions that share one pass over the images.
  std::vector<std::vector<Judged>> judged_together(std::span<const Architecture> all,
                                                   std::span<const Portion> portions,
                                                   WorkerPool& pool) const;

  const Space& space_;
  const Task& task_;
  WeightStore& store_;
  EvaluateOptions options_;
  Device device_;
  std::unique_ptr<FixedBatches> batches_;
  std::unique_ptr<FixedBatches> calibration_;
  std::unique_ptr<GroupContext> context_;
};

}  // namespace nas
