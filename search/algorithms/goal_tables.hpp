#pragma once
// What exact and blockwise have in common: the goal of a search as aims and limits on tables.
#include "search/algorithms/algorithm.hpp"
#include "search/exact/answers.hpp"

namespace nas {

/// The aims of the objectives, in their order; `terms` know all their metrics.
std::vector<exact::Aim> aims_of(const std::vector<Objective>& objectives,
                                const exact::Terms& terms);
/// Names of the metrics of objectives and limits that are free costs, each once.
std::vector<std::string> free_metrics(const SearchContext& context);
/// Those that an evaluator measures.
std::vector<std::string> measured_metrics(const SearchContext& context);
/// Tables of `metrics` over `domain`. ConfigError that names `algorithm` where there are none.
exact::Terms tables_for(const std::string& algorithm,
                        const Domain& domain,
                        const std::vector<exact::MetricFunction>& metrics);
/// Front of several objectives, or the one optimum. ConfigError where too much would have to be
/// kept, or an optimum could not be proved.
std::vector<exact::Solution> solve(const std::string& algorithm,
                                   const exact::Terms& terms,
                                   const std::vector<exact::Aim>& aims,
                                   const std::vector<exact::Limit>& limits);

}  // namespace nas
