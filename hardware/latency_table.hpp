#pragma once
// Latency tables: measured times of single ops, by their signature; the latency of a network is
// the sum over its ops. No torch here: measuring is elsewhere, looking up is free.
#include <map>
#include <string>

#include "spaces/space.hpp"

namespace nas {

/// Times in milliseconds, whatever unit the file had.
struct LatencyEntry {
  double median_ms = 0;
  double low_ms = 0, high_ms = 0;  ///< Quartiles of the repeats.
  int repeats = 0;
};

struct LatencyTable {
  std::string id, space, created;
  /// device, threads, batch, dtype, warm-up, repeats, library versions ...
  std::map<std::string, std::string> conditions;
  /// By nas::signature; ops that cost nothing (nas::is_free) have none.
  std::map<std::string, LatencyEntry> entries;

  /// Images at once in every time: conditions.batch, 1 where it is not stated.
  int64_t batch() const;
  /// Sum of the medians of all ops of `plan`, in ms for batch() images at once. DataError names the
  /// first op without an entry.
  double predict(const Plan& plan) const;
};

/// Refuses a table that cannot answer for `space`: one measured for a space of another name
/// (ConfigError), or without times for some of its ops (DataError lists them). What is searched is
/// then never stopped by an op without a time, or hardly ever where the space is too large to list.
/// `command`: how to measure one, as the user should type it.
void require_fit(const LatencyTable& table, const Space& space, const std::string& command = {});

/// JSON text of schema `nas-latency-table/1`, times in ms.
std::string to_json(const LatencyTable& table);
/// Reads times in the file's `unit` (s, ms, us, ns). DataError naming `where`, line and what is
/// wrong: not JSON, another schema, no or an unknown unit, a time that is not a positive number,
/// low and high that do not enclose the median, a batch that is no whole number, a key given twice.
LatencyTable latency_table_from_json(const std::string& text, const std::string& where);

}  // namespace nas
