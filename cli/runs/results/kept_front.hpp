#pragma once
// The Pareto front of stored results: with or without what noise could turn round, and what of
// equal architectures is shown.
#include <vector>

#include "cli/command.hpp"
#include "cli/report/result_rows.hpp"
#include "search/pareto.hpp"

namespace nas::cli {

struct FrontOptions {
  double noise = 0;    ///< Confidence (search/noise.hpp); 0: values are taken as they are.
  bool equal = false;  ///< Show all architectures of equal values, not the first.
};
/// A front as it is told: what was left out of it, or kept because it may belong to it.
struct FrontFacts {
  size_t equal = 0;      ///< Left out: their values are those of one that is shown.
  size_t uncertain = 0;  ///< Kept: dominated as measured, but not beyond noise.
};

/// Leaves the front of `table`, whose entries all have the objectives; without objectives all.
/// ConfigError where noise is asked for and nothing tells it.
FrontFacts keep_front(const FrontOptions& o,
                      Results& table,
                      const std::vector<Objective>& objectives);
void tell_front(const Common& common, const FrontOptions& o, const FrontFacts& facts);

}  // namespace nas::cli
