#pragma once
// What limits on free costs leave of a space: for `nas space check --max`.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "search/exact/distribution.hpp"
#include "search/feasibility.hpp"

namespace nas::cli {

struct SpaceLimits {
  std::vector<Constraint> limits;
  Reach reach;

  /// One limited metric of all architectures of the domain.
  struct Spread {
    std::string metric;
    double least = 0, most = 0;
    Architecture least_at, most_at;
    std::vector<double> edges;         ///< Of the histogram's bins, rising.
    std::vector<exact::Share> shares;  ///< One fewer than edges.
  };
  std::vector<Spread> spreads;  ///< None where metrics do not add up.

  exact::Share share;      ///< Of the architectures, that meets all limits. Proven, unless:
  bool estimated = false;  ///< From `draws` random architectures, with 95 % certainty.
  int64_t draws = 0;
  std::optional<BigInt> count;  ///< Where asked for and possible.
  std::string why_no_count;
  std::string why_estimated;
};

/// `limits` (at least one) are metrics of `costs`.
SpaceLimits check_limits(const CostModel& costs,
                         std::vector<Constraint> limits,
                         const Domain& domain,
                         bool count,
                         uint64_t seed);

/// Texts as limits of `costs`, in their units. ConfigError at --max.
std::vector<Constraint> read_limits(const std::vector<std::string>& texts, const CostModel& costs);

}  // namespace nas::cli
