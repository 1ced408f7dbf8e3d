#pragma once
// Tables whose rows may stand for anything.
#include <string>

#include "search/evaluators/table_file.hpp"

namespace nas::cli {

/// A CSV file without a column of architectures. ConfigError for JSON, DataError where it has no
/// rows.
TableFile plain_table(const std::string& file);
/// Whether every cell of the column that holds something holds a number.
bool numeric(const TableFile& table, size_t column);

/// `latency_std_encoder` -> latency: what the names of columns begin with that were measured
/// together; lower case.
std::string first_word(const std::string& name);

}  // namespace nas::cli
