#pragma once
// Test-only: tables as documentation has them. A format is a file and a row in the table of
// formats.
#include "search/evaluators/table_file.hpp"

namespace nas::testing_toy {

/// `| architecture | accuracy |`, a line of dashes, then rows.
TableFormat markdown_table();

}  // namespace nas::testing_toy
