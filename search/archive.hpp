#pragma once
// Every architecture of a search, once, by its canonical form.
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "search/constraints.hpp"
#include "search/pareto.hpp"
#include "spaces/space.hpp"

namespace nas {

/// What is optimised, under which limits.
struct Goal {
  std::vector<Objective> objectives;
  std::vector<Constraint> constraints;
};

class Archive {
 public:
  enum class State {
    kEvaluated,  ///< The costly truth is known.
    kFailed,     ///< The evaluator could not (see error).
  };
  struct Entry {
    Architecture architecture;  ///< Canonical.
    State state = State::kEvaluated;
    std::map<std::string, double> values;  ///< Costs and evaluator's metrics.
    std::string error;
    ScoredPoint score;  ///< Objectives empty when one is not known.
    bool feasible() const { return state == State::kEvaluated && score.violation == 0; }
  };

  explicit Archive(Goal goal) : goal_(std::move(goal)) {}
  Archive(Archive&&) = default;
  Archive& operator=(Archive&&) = default;
  Archive(const Archive&) = delete;  // the front points into the entries
  Archive& operator=(const Archive&) = delete;

  const Goal& goal() const { return goal_; }
  /// Entries in order of insertion.
  const std::deque<Entry>& entries() const { return entries_; }
  const Entry* find(const Architecture& canonical) const;
  /// Scores and keeps the entry; an architecture that is in the archive is a logic error.
  const Entry& insert(Entry entry);

  /// Evaluations paid for, failed ones too.
  size_t evaluations() const { return entries_.size(); }
  size_t failures() const { return failures_; }
  bool any_feasible() const { return feasible_ > 0; }
  size_t feasible() const { return feasible_; }

  /// Objective vectors of all feasible entries.
  std::vector<Point> feasible_points() const;
  /// Feasible entries dominated by none, ascending in the first objective; of entries with equal
  /// objectives the first.
  const std::vector<const Entry*>& front() const { return front_; }
  /// The infeasible entry of least violation (equal: the first in gene order); null when none.
  const Entry* nearest_miss() const;

 private:
  void add_to_front(const Entry& entry);

  Goal goal_;
  std::deque<Entry> entries_;  ///< Entries never move.
  std::unordered_map<Architecture, size_t> index_;
  std::vector<const Entry*> front_;
  size_t failures_ = 0, feasible_ = 0;
};

}  // namespace nas
