#pragma once
// What a search is asked before it pays for anything: can its limits be meant, are stored values of
// the same fidelity as new ones.
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "search/archive.hpp"
#include "search/costs.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/search_options.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Puts the limits and the reference point of the configuration into `settings`, in the units of
/// the values. `table`: the evaluator when it is a table, whose values tell whether they are shares
/// or percents and what a limit can mean; null for others. Tells what is odd. ConfigError for
/// limits that cannot be met or meant.
void settle_limits(const SearchConfig& config,
                   const CostModel& costs,
                   const TableEvaluator* table,
                   const Common& common,
                   SearchSettings& settings);

/// Warns of limits that the values of a program, unknown before, show to be of another scale. True
/// when there is nothing more to tell.
bool tell_odd_limits(const SearchConfig& config, const Archive& archive);

/// A table that lacks architectures of what is searched makes a search pay for failures: warns.
void tell_coverage(const TableEvaluator& table, const Domain& domain, const std::string& file);

/// Nearly nothing but failures is no result, whatever little was found: DataError with the reasons.
void require_successes(const Archive& archive, const Space& space);

/// The stored evaluations of search `row` as a resumed search may use them. Values of another
/// fidelity than `evaluator` has now (the supernet was trained further, the table's file changed)
/// are never mixed with new ones: ConfigError that says so and what to do. Values stored before
/// fidelities named their weights are taken, and stored anew, where nothing can have changed since.
std::vector<EvaluationRow> resumable_rows(Store& store,
                                          const RunRow& row,
                                          const RunRow& supernet,
                                          const Evaluator& evaluator,
                                          const Common& common);

}  // namespace nas::cli
