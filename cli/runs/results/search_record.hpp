#pragma once
// A search as the store holds it: what it asked for and what it evaluated, in order.
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "search/archive.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// One architecture that a search paid for.
struct Evaluated {
  std::string architecture;
  std::map<std::string, double> values;
  Point point;  ///< Objectives, minimisation form; empty where one is not known.
  bool feasible = false;
};

struct SearchRecord {
  RunRow run;
  Goal goal;
  std::vector<Evaluated> evaluated;  ///< In the order in which they were paid for.
  std::vector<Evaluated> random;     ///< Of the random search beside it (search.baseline).
  size_t failed = 0;
  std::string source;         ///< Of the values: supernet, table, external; "" where none has one.
  std::string fidelity;       ///< JSON: how they came about.
  std::string cost_fidelity;  ///< Of latency_ms; "" where there is none.
  /// What the search printed at its end; null before.
  nlohmann::ordered_json document;
  /// Given in its configuration, minimisation form; empty: derived.
  Point reference;

  /// Of those within the limits.
  std::vector<Point> feasible_points() const;
  /// The best by the first objective; null where nothing is within the limits.
  const Evaluated* best() const;
};

/// Of any run of command `search`. DataError where its configuration cannot be read. Values of
/// another fidelity than most (`nas evaluate` may add some) are left out.
SearchRecord search_record(const Store& store, const RunRow& run);

/// Dominated by none of `points`, equal ones once; empty points are left out. Positions, rising in
/// the first objective.
std::vector<size_t> front_of(const std::vector<Point>& points);

}  // namespace nas::cli
