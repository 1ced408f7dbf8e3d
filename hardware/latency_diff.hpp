#pragma once
// What moved between two latency tables.
#include <string>
#include <vector>

#include "hardware/latency_table.hpp"

namespace nas {

struct LatencyChange {
  std::string key;
  LatencyEntry a, b;
  double ratio = 1;     ///< Median of b over that of a.
  bool beyond = false;  ///< The quartiles of one lie outside those of the other: more than noise.
};

/// Changes of the keys of one kind (the first word of the key).
struct KindChange {
  std::string kind;
  size_t keys = 0, beyond = 0;
  double median_ratio = 1;
  double total_ratio = 1;  ///< Sum of b over sum of a.
};

struct LatencyDiff {
  std::vector<LatencyChange> both;  ///< The largest ratio, up or down, first.
  std::vector<KindChange> kinds;
  std::vector<std::string> only_a, only_b;
  /// Conditions that differ: name, what a says, what b says ("" where one says nothing).
  struct Condition {
    std::string name, a, b;
  };
  std::vector<Condition> conditions;
  double median_ratio = 1;
  double total_ratio = 1;
};

/// DataError where the tables are of different groupings: no key could be compared.
LatencyDiff diff_of(const LatencyTable& a, const LatencyTable& b);

}  // namespace nas
