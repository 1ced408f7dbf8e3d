#pragma once
// Names of runs: what may be one is decided here, before anything is made or paid for.
#include <string>

#include "search/store/store.hpp"

namespace nas::cli {

/// The name as it is stored: blanks around it are cut. ConfigError, beginning with `flag`, for what
/// is not UTF-8, holds control or invisible characters, is longer than 100 characters, is reserved
/// (`last`), begins with `-` or looks like the id of a run. "" (not given) stays "".
std::string checked_name(const std::string& name, const std::string& flag = "--name");

/// The same for a latency table, whose name is also that of files: without `/`.
std::string checked_table_name(const std::string& name, const std::string& flag = "--name");

/// Warns where runs of that name exist: the name then means the newest.
void tell_taken_name(const Store& store, const std::string& name);

/// By id, name, start of an id or `last`; ConfigError with the nearest name where there is none.
RunRow find_run(const Store& store, const std::string& which);

}  // namespace nas::cli
