#pragma once
// Whether numbers of two runs may stand beside each other.
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/runs/results/comparison.hpp"
#include "cli/runs/results/search_record.hpp"

namespace nas::cli {

/// What may differ between runs, and be ignored on request (name, what it means).
const std::vector<std::pair<std::string, std::string>>& difference_kinds();

/// Why a number of `b` is not held against one of `a`: they came about differently (split, images,
/// kind of weights, recalibration, limits); "" where they compare. What single weights they have is
/// no reason: those are what is compared. `goal`: limits must agree, too (those that follow from
/// the whole search). What was spent on them is of the sides: other_compute.
std::string not_comparable(const SidedRun& a,
                           const SearchRecord& of_a,
                           const SidedRun& b,
                           const SearchRecord& of_b,
                           bool whole_goal,
                           const std::set<std::string>& ignored);
/// The same of two trainings, whose values came about as `fidelity` says (JSON; "": as not stored).
std::string not_comparable(const SidedRun& a,
                           const std::string& fidelity_a,
                           const SidedRun& b,
                           const std::string& fidelity_b,
                           const std::set<std::string>& ignored);
/// The run that all are held against, as a position in base and then head: one of the largest group
/// of runs that fit each other, of one with runs on both sides where there is such a group. The
/// order in which runs are named says nothing.
size_t yardstick(const Side& base,
                 const Side& head,
                 const std::function<bool(size_t, size_t)>& fits);

/// What was spent on a run.
struct Effort {
  /// Configuration (a search's with that of its training) without seeds, names, paths and threads.
  std::string recipe;
  double macs = 0;         ///< Multiply-adds of its training; 0: not known.
  double evaluations = 0;  ///< Of a search.
};
Effort effort_of(const SidedRun& run, size_t evaluations = 0);
/// Why each run, of base and then of head, does not count for what was spent on it; "" where it
/// does. What a side spent is the mean over its runs: with sampled architectures two seeds of one
/// recipe differ, and are never held apart for it.
std::vector<std::string> other_compute(const std::vector<Effort>& base,
                                       const std::vector<Effort>& head);

/// Of two latency tables, as the store describes them (JSON).
std::string other_table(const std::string& a,
                        const std::string& b,
                        const std::set<std::string>& ignored);

}  // namespace nas::cli
