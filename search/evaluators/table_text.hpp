#pragma once
// Tables of text (CSV, JSON: table_file.hpp) as a compact table in memory.
#include "search/evaluators/compact_table.hpp"
#include "search/search_options.hpp"

namespace nas {

/// Columns and rows that `options` name; cells are judged by value_check.hpp. DataError
/// (file:line:column) for what cannot be read as such a table. `fingerprint`: that of the space is
/// put into the header, for a file that is kept.
CompactTable read_text_rows(const Space& space, const TableOptions& options, bool fingerprint);

}  // namespace nas
