#pragma once
// Whether numbers of two runs may stand beside each other.
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
/// kind of weights, recalibration, compute, limits); "" where they compare. What single weights
/// they have is no reason: those are what is compared. `goal`: limits must agree, too (those that
/// follow from the whole search).
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
/// Of two latency tables, as the store describes them (JSON).
std::string other_table(const std::string& a,
                        const std::string& b,
                        const std::set<std::string>& ignored);

}  // namespace nas::cli
