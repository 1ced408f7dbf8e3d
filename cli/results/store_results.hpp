#pragma once
// What the subcommands of `nas db` found or did, and how it is told. What upgrades, merges and
// vacuums did is stated by the store (search/store).
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "search/store/store.hpp"
#include "search/store/store_merge.hpp"

namespace nas::cli {

struct StoreInfo {
  std::string path;
  int version = 0;     ///< Of the schema.
  uint64_t bytes = 0;  ///< 0 where the file's size cannot be had.
  Store::Counts counts;
  int64_t killed_runs = 0;  ///< Said to run, by processes that are gone.
  bool read_only = false;
  int64_t networks = 0;  ///< Judged; `counts.evaluations` are their values in all metrics.
};

/// Schema nas-db-info/1, and the same as lines of name and value.
nlohmann::ordered_json store_info_json(const StoreInfo& info);
std::string store_info_text(const StoreInfo& info);

/// Schema nas-db-check/1. `mistakes`: of check_store().
nlohmann::ordered_json store_check_json(const std::string& path,
                                        const std::vector<std::string>& mistakes);

/// Schema nas-db-upgrade/1.
nlohmann::ordered_json store_upgrade_json(const std::string& path, const StoreUpgrade& done);
std::string store_upgrade_text(const std::string& path, const StoreUpgrade& done);

/// Schema nas-db-merge/1.
nlohmann::ordered_json store_merge_json(const std::string& into,
                                        const std::vector<MergedStore>& merged);
/// A row for each store, then what a reader must know.
void print_store_merge(const std::vector<MergedStore>& merged);

/// Schema nas-db-vacuum/1.
nlohmann::ordered_json store_vacuum_json(const std::string& path, const Vacuumed& done);
std::string store_vacuum_text(const std::string& path, const Vacuumed& done);

}  // namespace nas::cli
