#pragma once
// Exact answers about free costs and limits as users write them.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/constraints.hpp"
#include "search/costs.hpp"
#include "search/exact/distribution.hpp"
#include "search/exact/factorise.hpp"
#include "search/exact/front.hpp"
#include "search/exact/sums.hpp"

namespace nas::exact {

/// The metrics of `costs` named, for factorise, each once. With `domain`: those of the canonical
/// form, as a search counts them (in cell spaces dead edges cost, too).
std::vector<MetricFunction> metrics_of(const CostModel& costs,
                                       const std::vector<std::string>& names,
                                       const Domain* domain = nullptr);

/// A limit in sums of the terms, constant included. Real values within the terms' rounding of a
/// bound count as equal to it.
Limit limit_of(const Constraint& constraint, const Terms& terms);
/// All of them; those on one metric joined into one.
std::vector<Limit> limits_of(const std::vector<Constraint>& constraints, const Terms& terms);

/// How near architectures come to limits.
struct Attainable {
  /// Meets all limits.
  std::optional<Architecture> witness;
  /// By limit: the nearest value that any architecture has, whether it meets the limit or not.
  std::vector<Architecture> each;
  /// Least total violation; only where there is no witness.
  std::optional<Architecture> together;
};

/// Exact; `terms` know all metrics of `constraints`, which are at least one. The witness is the one
/// that lies furthest inside the first limit, among equals the first by genes. TooMany (sums.hpp)
/// where several limits together leave too many partial solutions.
Attainable attainable(const Terms& terms, const std::vector<Constraint>& constraints);

}  // namespace nas::exact
