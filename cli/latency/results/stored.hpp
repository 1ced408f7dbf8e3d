#pragma once
// What `nas latency list` and `nas latency remove` found in the store, and how it is told.
#include <optional>
#include <string>
#include <vector>

#include "cli/report/document.hpp"

namespace nas::cli {

/// A latency table of the store; "" for what it does not say.
struct StoredTable {
  std::string id, device, space, grouping;
  std::optional<size_t> ops;  ///< Times that it holds; none: its text is damaged.
  std::string batch, dtype, threads;
  bool calibrated = false;  ///< On whole networks.
  bool unstable = false;    ///< The machine drifted while it was measured.
  std::string created;      ///< UTC, ISO 8601.
};

struct StoredTables {
  std::string db;
  std::vector<StoredTable> tables;  ///< The newest first.
};
/// In that form on standard output (JSON: schema nas-latency-list/1).
void print_stored_tables(const StoredTables& found, Format format, const Common& common);

/// Tables that are not in the store any more.
struct RemovedTables {
  std::string db;
  std::vector<std::string> ids;
};
/// In words, or (schema nas-latency-remove/1) as JSON.
void print_removed_tables(const RemovedTables& removed, const Common& common);

}  // namespace nas::cli
