#pragma once
// What was measured is kept, whatever became of the name and of the store meanwhile.
#include <functional>
#include <string>

#include "hardware/latency_table.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Writes the table to `out` (unless it is ""), then stores it under its id. Where another process
/// took that id meanwhile: under a free one (ID-2 ...), which the table then has, with a warning.
/// `text`: the table's JSON, with the id that it has when asked. DataError where the store cannot
/// be written: the table is then in `out`, or in a new file ID.json of the working folder, which
/// the error names; and where only `out` cannot be written: the table is then in the store.
void keep_measured(LatencyTable& table,
                   Store& store,
                   const std::string& out,
                   const std::function<std::string()>& text);

/// `STEM.csv` (or another `extension`), or `STEM-2.csv` ... where there is one. What cannot stand
/// in the name of a file, or is not seen there, is `_`.
std::string unused_file(const std::string& stem, const std::string& extension = ".csv");

}  // namespace nas::cli
