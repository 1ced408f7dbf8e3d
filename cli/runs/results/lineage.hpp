#pragma once
// How an exported network came about: every command that it needs, with all that each was given.
#include <nlohmann/json.hpp>
#include <string>

#include "search/store/store.hpp"

namespace nas::cli {

/// Schema `nas-lineage/1`: {"steps": [...]}, oldest first. A step has `command` (train, import,
/// split, search), `run`, `name`, `seed`, `config` (YAML; its space lies in `space_file` {name,
/// text} where that was a file), `threads`, `device`, `hashes`, and `needs`: what it reads that is
/// in no file of this program, [{what, which, hash}]. `search`: id of the search that found the
/// architecture, or "".
nlohmann::ordered_json lineage_of(const Store& store,
                                  const RunRow& train,
                                  const std::string& search);

/// The step of that run, or null.
const nlohmann::ordered_json* step_of(const nlohmann::ordered_json& lineage,
                                      const std::string& run);

}  // namespace nas::cli
