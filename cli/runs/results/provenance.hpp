#pragma once
// Of what a run was made, as hashes: its resolved configuration and what it read.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "search/store/store.hpp"

namespace nas::cli {

/// One thing that a run read.
struct Input {
  std::string what;   ///< space, data, split, weights, table, latency table.
  std::string which;  ///< Its name or file.
  std::string hash;   ///< SHA-256 in hex, or its start where the store keeps no more.
};

struct Provenance {
  std::string config;  ///< SHA-256 of the resolved configuration, as stored.
  /// The same without seed and run names: equal for repetitions with other seeds.
  std::string recipe;
  std::vector<Input> inputs;
};

/// As kept with the run, else (runs of earlier versions) made from what else the store has.
Provenance provenance_of(const Store& store, const RunRow& run);
nlohmann::ordered_json provenance_json(const Provenance& provenance);
/// SHA-256 of a file in hex; "" where it cannot be read.
std::string hash_of_file(const std::string& path);
/// SHA-256 of the file that `train.init` names, as it was when a run began with it; "" where that
/// was not kept (runs of earlier versions).
std::string first_weights_hash(const Store& store, const RunRow& run);
/// Keeps it with the run (document `provenance`): once it has read its inputs; again, when there
/// are more of them.
void keep_provenance(Store& store, const RunRow& run);

}  // namespace nas::cli
