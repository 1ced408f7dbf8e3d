#pragma once
// The networks of one portion on their way through the images.
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "supernet/executor.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/judge/portions.hpp"
#include "supernet/judge/score.hpp"

namespace nas {

/// What all groups of a scorer share.
struct GroupContext {
  const Task& task;
  WeightStore& store;
  bool running = false;  ///< The space keeps running statistics somewhere.
  bool kernels = false;  ///< Norms by kernels of our own (ForwardOptions::kernels).
  std::mutex opening;    ///< Stores open their sets for one caller at a time.
};

/// Answers of the networks of a portion, batch by batch.
class Group {
 public:
  using Item = FixedBatches::Item;
  /// Both live as long as the group. Opens the set; throws where that fails.
  Group(GroupContext& context, std::span<const Architecture> all, const Portion& portion);

  // ---- For one batch; several threads may do this at once.
  BnTable statistics_of(const Item& item) const;
  /// Sums of the metrics of each member; none where its outputs are no numbers.
  using Sums = std::vector<std::vector<double>>;
  Sums sums_of(const Item& item) const;

  // ---- Adding up, in the order of the batches.
  void add(const BnTable& statistics);
  void end_calibration();
  void add(const Sums& sums, int64_t samples);

  /// One for each member.
  std::vector<Judged> results();

 private:
  void run(const Item& item, const ForwardOptions& options, const OnOutput& on_output) const;

  const Task& task_;
  const MergedPlan& merged_;
  std::shared_ptr<WeightSet> weights_;
  std::unique_ptr<TensorSource> tensors_;
  BnTable statistics_;
  int64_t calibrated_ = 0;
  ForwardOptions options_;
  std::vector<std::vector<double>> sums_;
  int64_t samples_ = 0;
  std::vector<Judged> results_;
};

/// A group whose batches are items of work of their own, done by any threads: all calibrate() must
/// have begun before a judge(), which waits for them.
class GroupCourse {
 public:
  using Items = std::vector<FixedBatches::Item>;
  /// All live as long as the course. `calibration` may be empty.
  GroupCourse(GroupContext& context,
              std::span<const Architecture> all,
              const Portion& portion,
              const Items& calibration,
              const Items& batches);

  void calibrate(size_t batch) noexcept;
  void judge(size_t batch) noexcept;
  /// What went wrong with all members, when all is done; null: nothing.
  std::exception_ptr problem() const { return problem_; }
  std::vector<Judged> results() { return group_->results(); }

 private:
  /// What the batches found, added in their order as soon as it is there.
  template <typename T>
  class InOrder {
   public:
    explicit InOrder(size_t n) : waiting_(n) {}
    /// add(k, value) for what may be added now.
    template <typename F>
    void put(size_t at, T value, F&& add) {
      waiting_[at] = std::move(value);
      for (; !all() && waiting_[next_]; ++next_) {
        add(next_, *waiting_[next_]);
        *waiting_[next_] = {};
      }
    }
    bool all() const { return next_ == waiting_.size(); }

   private:
    std::vector<std::optional<T>> waiting_;
    size_t next_ = 0;
  };
  /// Opens the group, once; null after a problem.
  Group* group();
  void note_problem();

  GroupContext& context_;
  std::span<const Architecture> all_;
  const Portion& portion_;
  const Items& calibration_;
  const Items& batches_;
  std::mutex mutex_;
  std::condition_variable calibrated_;
  std::once_flag opened_;
  std::unique_ptr<Group> group_;
  std::exception_ptr problem_;
  InOrder<BnTable> tables_;
  InOrder<Group::Sums> sums_;
};

}  // namespace nas
