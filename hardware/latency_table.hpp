#pragma once
// Latency tables: measured times of single ops, by their signature; the latency of a network is
// the sum over its ops. No torch here: measuring is elsewhere, looking up is free.
#include <map>
#include <string>

#include "spaces/plan.hpp"

namespace nas {

struct LatencyEntry {
  double median_ms = 0;
  double low_ms = 0, high_ms = 0;  ///< Quartiles of the repeats.
  int repeats = 0;
};

struct LatencyTable {
  std::string id, space, created;
  /// device, threads, batch, dtype, warm-up, repeats, library versions ...
  std::map<std::string, std::string> conditions;
  std::map<std::string, LatencyEntry> entries;  ///< By nas::signature.

  /// Sum of the medians of all ops of `plan`, in ms. DataError names the first op without an entry.
  double predict(const Plan& plan) const;
};

/// Ops that cost nothing at inference and have no entry: Identity, Dropout, DropPath.
bool is_free(const Op& op);

/// JSON text of schema `nas-latency-table/1`.
std::string to_json(const LatencyTable& table);
/// DataError naming `where` and what is wrong: not JSON, another schema, a time that is not a
/// positive number.
LatencyTable latency_table_from_json(const std::string& text, const std::string& where);

}  // namespace nas
